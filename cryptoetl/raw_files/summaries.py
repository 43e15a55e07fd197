"""Summaries of histories, small enough to be kept beside what is stored, and what two of them say.

A summary has the prices of a few days: those whose ordinals are multiples of 1, 2, 4, 8 and so on, the latest
of each step and all of the longest. So the summaries of two files that overlap mostly share some days,
whatever the lengths of the files are.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice, product
from statistics import median

from cryptoetl.raw_files.series import Columns, Series
from cryptoetl.util.text import plural

MAGNITUDE = 5.0
"""Ratio of prices above which two files are not of the same coin in the same currency."""
_PER_STEP = 6
"""Latest days that are kept of each step but the longest."""
_MANY = 24
"""Days that are kept of the longest step: all that the file has, at the most."""
_FORM = ".5g"
"""How prices are written: five digits are enough to compare them."""


@dataclass(frozen=True)
class Summary:
    """A history: how many days it has, the first and the last, and a few prices by day."""

    days: int
    first: date
    last: date
    prices: Mapping[date, float]

    def text(self) -> str:
        """Return the summary as ASCII text, for `parse`: JSON, with the prices as short as they can be."""
        prices = ",".join(f"[{day.toordinal()},{price:{_FORM}}]" for day, price in self.prices.items())
        return f'[{self.days},"{self.first}","{self.last}",[{prices}]]'


def parse(text: str) -> Summary | None:
    """Return the summary of a text; None if it is not one."""
    try:
        days, first, last, priced = json.loads(text)
        prices = {date.fromordinal(day): float(price) for day, price in priced}
        found = Summary(int(days), date.fromisoformat(first), date.fromisoformat(last), prices)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    return found if prices else None


def summary(series: Series) -> Summary | None:
    """Return the summary of a history; None if it has no price above zero."""
    if series.first is None or series.last is None:
        return None
    prices = dict(sorted(_prices(series.columns())))
    return Summary(len(series), series.first, series.last, prices) if prices else None


def _prices(columns: Columns) -> Iterator[tuple[date, float]]:
    """Yield the prices of a few days, some of them more than once."""
    longest = (len(columns.days) // _MANY).bit_length()
    first, last = columns.days[0], columns.days[-1]
    for power in range(longest + 1):
        step = 1 << power
        found = (_price(columns, day) for day in range(last - last % step, first - 1, -step))
        wanted = None if power == longest else _PER_STEP
        yield from islice((item for item in found if item is not None), wanted)


def _price(columns: Columns, day: int) -> tuple[date, float] | None:
    """Return a day with its price; None if the file does not have it."""
    at = bisect_left(columns.days, day)
    if columns.days[at] != day or not columns.values[at] > 0:
        return None
    return date.fromordinal(day), _rounded(columns.values[at])


def _rounded(price: float) -> float:
    return float(f"{price:{_FORM}}")


def differences(before: Summary, after: Summary) -> Iterator[str]:
    """Yield what is remarkable about a history that replaces another: lost days, prices of another size."""
    lost = list(_lost(before, after))
    if (fewer := before.days - after.days) > 0:
        which = f": {_listed(lost)} lost" if lost else ""
        yield f"it covers {plural(fewer, 'day')} less than the uploaded file{which}"
    elif lost:
        yield f"it does not cover all days of the uploaded file: {_listed(lost)} lost"
    common = before.prices.keys() & after.prices.keys()
    if common:
        old, new = (median(of.prices[day] for day in common) for of in (before, after))
        where = f"on {plural(len(common), 'common day')} of the two"
    else:
        old_day, new_day = min(
            product(before.prices, after.prices), key=lambda days: abs((days[0] - days[1]).days)
        )
        old, new = before.prices[old_day], after.prices[new_day]
        where = f"on {new_day} and {old_day}"
    if max(old, new) > MAGNITUDE * min(old, new):
        yield (
            "its prices are of another order of magnitude than the uploaded ones: "
            f"{new:,g}, not {old:,g}, {where}"
        )


def _lost(before: Summary, after: Summary) -> Iterator[tuple[date, date]]:
    """Yield the spans of days before the first and after the last one."""
    if before.first < after.first:
        yield before.first, min(before.last, after.first - timedelta(1))
    if after.last < before.last:
        yield max(before.first, after.last + timedelta(1)), before.last


def _listed(spans: list[tuple[date, date]]) -> str:
    named = [f"{first}" if first == last else f"{first} – {last}" for first, last in spans]
    return f"{' and '.join(named)} {'is' if spans[0][0] == spans[-1][1] else 'are'}"
