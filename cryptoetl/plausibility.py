"""What can be read and is odd all the same: warnings about a series of prices or of trend values.

None of them keeps a currency from being loaded. They are what a person would want to know before
trusting the numbers: gaps, jumps, values that cannot be prices, a file that has not been renewed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from cryptoetl.findings import FileReport, plural
from cryptoetl.series import Day, Series

JUMP = 10.0
"""A price this many times the one before it, or the other way round, is more often a slip than a market."""
WEEK = 7


@dataclass
class _Odd:
    """Days that share an oddity: how many, and the line of the first in the file."""

    count: int = 0
    line: int = 0

    def add(self, line: int) -> None:
        self.count += 1
        self.line = min(self.line, line) if self.line else line


def history_warnings(
    report: FileReport, series: Series, *, drop: bool, today: date, max_age_days: int | None
) -> None:
    """Warn of what is odd in daily prices.

    `max_age_days` is the age in days at which the last price counts as old; None never does.
    """
    _gaps(report, series)
    _missing_prices(report, series, drop=drop)
    zero, negative, jumps = _Odd(), _Odd(), _Odd()
    biggest: tuple[float, Day, Day] | None = None
    before: Day | None = None
    for day in series:
        if day.value is None:
            continue
        if day.value == 0:
            zero.add(day.line)
        elif day.value < 0:
            negative.add(day.line)
        elif before is not None and before.value:
            factor = max(day.value / before.value, before.value / day.value)
            if factor > JUMP:
                jumps.add(day.line)
                if biggest is None or factor > biggest[0]:
                    biggest = factor, before, day
        before = day if day.value > 0 else before
    if zero.count:
        report.warning(zero.line, f"{plural(zero.count, 'price')} of zero")
    if negative.count:
        report.warning(negative.line, f"{plural(negative.count, 'negative price')} (only -1 means missing)")
    if biggest is not None:
        factor, earlier, later = biggest
        others = f"; {plural(jumps.count - 1, 'other jump')}" if jumps.count > 1 else ""
        report.warning(
            later.line,
            f"the price jumps by a factor of {factor:,.0f}: {earlier.value:,g} on {earlier.day}, "
            f"{later.value:,g} on {later.day}{others}",
        )
    _times(report, series, today=today, max_age_days=max_age_days, noun="price")


def trend_warnings(report: FileReport, series: Series, *, today: date, max_age_days: int | None) -> None:
    """Warn of what is odd in weekly trend values."""
    if len(series) > 1 and not any(day.value for day in series):
        report.warning(None, "the trend is flat at zero: is it the right search term?")
    _cadence(report, series)
    # The value of a week is published when the week is over.
    limit = None if max_age_days is None else max_age_days + WEEK
    _times(report, series, today=today, max_age_days=limit, noun="trend value")


def overlap_warning(report: FileReport, history: Series, trend: Series) -> None:
    """Warn, in the trend's report, if it and the prices have no time in common."""
    if not history.first or not history.last or not trend.first or not trend.last:
        return
    # A weekly value also stands for the six days around it.
    if trend.last + timedelta(WEEK - 1) < history.first or history.last < trend.first - timedelta(WEEK - 1):
        report.warning(
            None,
            f"the trend ({trend.first} – {trend.last}) and the prices ({history.first} – {history.last}) "
            "do not overlap: no day has both",
        )


def _cadence(report: FileReport, series: Series) -> None:
    steps = Counter((later.day - earlier.day).days for earlier, later in _pairs(series))
    odd = steps.total() - steps[WEEK]
    if not odd:
        return
    usual, _ = steps.most_common(1)[0]
    line = next(later.line for earlier, later in _pairs(series) if (later.day - earlier.day).days != WEEK)
    if usual == WEEK:
        longest = plural(max(steps), "day")
        report.warning(line, f"{plural(odd, 'step')} between the values not of a week, the longest {longest}")
    else:
        report.warning(line, f"the values are {plural(usual, 'day')} apart and not weekly")


def _gaps(report: FileReport, series: Series) -> None:
    absent, longest, at = 0, 0, None
    for earlier, later in _pairs(series):
        gap = (later.day - earlier.day).days - 1
        absent += gap
        if gap > longest:
            longest, at = gap, (earlier, later)
    if at is None:
        return
    earlier, later = at
    first, last = earlier.day + timedelta(1), later.day - timedelta(1)
    span = f"{first}" if longest == 1 else f"{first} – {last}"
    more = f", the longest gap is of {plural(longest, 'day')}: {span}" if absent > 1 else f": {span}"
    report.warning(later.line, f"{plural(absent, 'day')} missing{more}")


def _missing_prices(report: FileReport, series: Series, *, drop: bool) -> None:
    if not series.missing:
        return
    first = min(day.line for day in series if day.value is None)
    fate = "their days are dropped" if drop else "each takes the last valid one"
    share = series.missing / len(series)
    report.warning(
        first, f"{series.missing:,} of {plural(len(series), 'price')} missing ({share:.1%}): {fate}"
    )


def _times(report: FileReport, series: Series, *, today: date, max_age_days: int | None, noun: str) -> None:
    if series.last is None:
        return
    future = _Odd()
    # Somewhere on earth it is tomorrow already.
    if series.last > today + timedelta(1):
        for day in series:
            if day.day > today + timedelta(1):
                future.add(day.line)
        report.warning(future.line, f"{plural(future.count, 'date')} in the future, the last {series.last}")
    age = (today - series.last).days
    if max_age_days is not None and age > max_age_days:
        report.warning(
            None,
            f"the last {noun} is of {series.last}, {plural(age, 'day')} ago (max_age_days: {max_age_days})",
        )


def _pairs(series: Series) -> Iterable[tuple[Day, Day]]:
    before: Day | None = None
    for day in series:
        if before is not None:
            yield before, day
        before = day
