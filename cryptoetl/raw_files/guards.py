"""Warnings about a column that is not the one of the prices, whatever the configuration says.

They compare the numbers with what stands beside them: the low and the high of the same row, the trend of the
same day. `plausibility` judges the prices by themselves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from cryptoetl.raw_files import numerals
from cryptoetl.raw_files.bars import is_counter, is_outside
from cryptoetl.raw_files.columns import low_and_high
from cryptoetl.raw_files.delimited import Line
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.numerals import Decimal
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.table import FileReader
from cryptoetl.util.text import plural, quoted

COMMON_DAYS = 5
"""Days that prices and trend must share before their values are compared."""
COUNTED = 200
"""First and last rows that show whether a column counts."""


def counter_warning(report: FileReport, prices: Series) -> None:
    """Add a warning if the prices count the rows: 0, 1, 2 and so on."""
    values = prices.columns().values
    if len(values) < COMMON_DAYS:
        return
    # A counter begins at one end, and goes on to the other.
    if is_counter(values[:COUNTED]) or is_counter(values[-COUNTED:]):
        report.warning(None, "the prices count the rows (1, 2, 3 ...): is price_column the right column?")


def low_and_high_warning(report: FileReport, reader: FileReader, decimal: Decimal) -> None:
    """Add a warning if most of the first prices are not between the low and the high of their rows."""
    table = reader.table
    if table is None or table.header is None:
        return
    if (beside := low_and_high(table.header, table.value_at)) is None:
        return
    rows = [row for line in reader.sample if (row := _fields(reader, line)) and len(row) >= table.width]
    price, low, high = ([_number(row[at], decimal) for row in rows] for at in (table.value_at, *beside))
    if is_outside(price, low, high):
        names = " and ".join(quoted(table.header[at]) for at in beside)
        report.warning(
            None,
            f"most prices of column {quoted(table.header[table.value_at])} are not between {names} of "
            "their rows: is it the right column?",
        )


def trend_warning(report: FileReport, prices: Series, trend: Series) -> None:
    """Add a warning if the prices are the values of the trend on all days that they share."""
    price_days, trend_days = prices.columns(), trend.columns()
    common = 0
    for day, value in zip(trend_days.days, trend_days.values, strict=True):
        at = bisect_left(price_days.days, day)
        if at < len(price_days.days) and price_days.days[at] == day:
            common += 1
            if price_days.values[at] != value:
                return
    if common >= COMMON_DAYS:
        report.warning(
            None,
            f"the prices are the values of the trend on all {plural(common, 'day')} that both have: "
            "is price_column the right column?",
        )


def _fields(reader: FileReader, line: Line) -> Sequence[str] | None:
    return reader.split(line) if isinstance(line, str) else None


def _number(text: str, decimal: Decimal) -> float | None:
    value = None if numerals.is_missing(text) else numerals.parse(text, decimal)
    return None if value == -1 else value
