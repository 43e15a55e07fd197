"""Warnings about values that can be read but are unusual.

Gaps, jumps, values that cannot be prices, an outdated file: what a person would want to know before trusting
the numbers. No warning keeps a currency from being loaded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import isnan
from operator import sub, truediv

from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.series import Columns, Day, Series
from cryptoetl.util.text import plural

JUMP = 10.0
"""Factor between neighbouring prices above which a mistake is more likely than a market movement."""
WEEK = 7


@dataclass
class _Days:
    """How many days a warning concerns, and the first of their lines."""

    count: int = 0
    line: int = 0

    def add(self, line: int) -> None:
        self.count += 1
        self.line = min(self.line, line) if self.line else line


def history_warnings(report: FileReport, series: Series, *, drop: bool) -> None:
    """Add warnings about gaps, missing, impossible and jumping prices."""
    days = series.columns()
    _gaps(report, days)
    _missing_prices(report, series, days, drop=drop)
    prices = [price for price in days.values if not isnan(price)] if series.missing else days.values
    if len(prices) and (min(prices) <= 0 or _jumps(prices)):
        _not_positive(report, series)
        _price_jumps(report, (day for day in series if day.value is not None and day.value > 0))


def _jumps(prices: Sequence[float]) -> bool:
    """Return whether one of these prices, all above zero, is more than `JUMP` times its neighbour."""
    later = prices[1:]
    return (
        max(map(truediv, later, prices), default=0) > JUMP
        or max(map(truediv, prices, later), default=0) > JUMP
    )


def _not_positive(report: FileReport, series: Series) -> None:
    zero, negative = _Days(), _Days()
    for day in series:
        if day.value == 0:
            zero.add(day.line)
        elif day.value is not None and day.value < 0:
            negative.add(day.line)
    if zero.count:
        report.warning(zero.line, f"{plural(zero.count, 'price')} of zero")
    if negative.count:
        report.warning(negative.line, f"{plural(negative.count, 'negative price')} (only -1 means missing)")


def _price_jumps(report: FileReport, days: Iterable[Day]) -> None:
    jumps = 0
    biggest: tuple[float, Day, Day] | None = None
    for before, day in pairwise(days):
        assert before.value, "days are those with a positive price"
        assert day.value, "days are those with a positive price"
        factor = max(day.value / before.value, before.value / day.value)
        if factor > JUMP:
            jumps += 1
            if biggest is None or factor > biggest[0]:
                biggest = factor, before, day
    if biggest is not None:
        factor, earlier, later = biggest
        others = f"; {plural(jumps - 1, 'other jump')}" if jumps > 1 else ""
        report.warning(
            later.line,
            f"the price jumps by a factor of {factor:,.0f}: {earlier.value:,g} on {earlier.day}, "
            f"{later.value:,g} on {later.day}{others}",
        )


def trend_warnings(report: FileReport, series: Series) -> None:
    """Add warnings about trend values that are all zero or not weekly."""
    days = series.columns()
    if len(series) > 1 and not any(days.values):
        report.warning(None, "the trend is flat at zero: is it the right search term?")
    _cadence(report, days)


def overlap_warning(report: FileReport, history: Series, trend: Series) -> None:
    """Add a warning to the trend's report if it and the prices have no day in common."""
    if not history.first or not history.last or not trend.first or not trend.last:
        return
    # silver2gold holds a weekly value flat for up to six days before the first and after the last.
    if trend.last + timedelta(WEEK - 1) < history.first or history.last < trend.first - timedelta(WEEK - 1):
        report.warning(
            None,
            f"the trend ({trend.first} – {trend.last}) and the prices ({history.first} – {history.last}) "
            "do not overlap: no day has both",
        )


def _cadence(report: FileReport, days: Columns) -> None:
    steps = Counter(_steps(days))
    odd = steps.total() - steps[WEEK]
    if not odd:
        return
    usual, _ = steps.most_common(1)[0]
    line = next(line for line, step in zip(days.lines[1:], _steps(days), strict=True) if step != WEEK)
    if usual == WEEK:
        longest = plural(max(steps), "day")
        report.warning(line, f"{plural(odd, 'interval')} between values not a week, the longest {longest}")
    else:
        report.warning(line, f"the values are {plural(usual, 'day')} apart, not weekly")


def _gaps(report: FileReport, days: Columns) -> None:
    longest = max(_steps(days), default=1)
    if longest == 1:
        return
    absent = days.days[-1] - days.days[0] + 1 - len(days.days)
    at = next(at for at, step in enumerate(_steps(days), start=1) if step == longest)
    first, last = date.fromordinal(days.days[at - 1] + 1), date.fromordinal(days.days[at] - 1)
    span = f"{first}" if longest == 2 else f"{first} – {last}"
    more = f", the longest gap is {plural(longest - 1, 'day')}: {span}" if absent > 1 else f": {span}"
    report.warning(days.lines[at], f"{plural(absent, 'day')} missing{more}")


def _missing_prices(report: FileReport, series: Series, days: Columns, *, drop: bool) -> None:
    if not series.missing:
        return
    first = min(line for line, price in zip(days.lines, days.values, strict=True) if isnan(price))
    fate = "their days are dropped" if drop else "each takes the last valid one"
    share = series.missing / len(series)
    report.warning(
        first, f"{series.missing:,} of {plural(len(series), 'price')} missing ({share:.1%}): {fate}"
    )


def future_warning(report: FileReport, series: Series, today: date) -> bool:
    """Add a warning about dates in the future; return whether there are any."""
    # Somewhere on earth it is already tomorrow.
    tomorrow = today.toordinal() + 1
    if report.last is None or report.last.toordinal() <= tomorrow:
        return False
    days = series.columns()
    future = days.lines[bisect_right(days.days, tomorrow) :]
    report.warning(min(future), f"{plural(len(future), 'date')} in the future, the last {report.last}")
    return True


def age_warning(report: FileReport, *, today: date, max_age_days: int | None) -> None:
    """Add a warning about a last value older than `max_age_days`; None never warns."""
    if report.last is None or max_age_days is None:
        return
    # Google publishes the value of a week when the week is over.
    limit, noun = (
        (max_age_days, "price") if report.kind == "history" else (max_age_days + WEEK, "trend value")
    )
    if (age := (today - report.last).days) > limit:
        report.warning(
            None, f"the last {noun} is from {report.last}, {plural(age, 'day')} ago (max_age_days: {limit})"
        )


def _steps(days: Columns) -> Iterator[int]:
    """Return the number of days from each day to the next."""
    return map(sub, days.days[1:], days.days)
