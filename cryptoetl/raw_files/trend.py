"""Read files of weekly Google Trends values, as Google, pytrends and gtrendsR write them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from cryptoetl.raw_files import columns, dates
from cryptoetl.raw_files.delimited import splitter, width
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.table import FileReader, OnBytes, TableLayout
from cryptoetl.util.text import quoted, shown

_LIKE_A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}")
_TREND_VALUES = {"<1": 0.0} | {str(value): float(value) for value in range(101)}
"""Values as Google writes them."""
_VALUE = re.compile(r"(?P<whole>[0-9]+)(?:\.0+)?")
_RANGE = re.compile(r"(?P<first>.+?)\s+[-\u2013]\s+(?P<last>.+)")
_WEEK = timedelta(6)
_BESIDE = frozenset({"", "is partial", "keyword", "geo", "time", "gprop", "category", "index", "unnamed 0"})
"""Names of the other columns that pytrends and gtrendsR write, as `columns.plain` has them."""


class TrendFormat(NamedTuple):
    """The format of a trend file, as in the configuration."""

    date_format: str = "yyyy-MM-dd"
    delimiter: str = ","


class TrendColumns(NamedTuple):
    """Where a trend's header has the date, the value, and whether the value is still partial."""

    date: int
    value: int
    partial: int | None = None


def trend_columns(header: Sequence[str]) -> TrendColumns | str:
    """Return the columns of a trend file by its header, or why it is not that of one search term."""
    names = [columns.plain(name) for name in header]
    if len(names) <= 2:
        return TrendColumns(0, 1)
    at_date = next((at for at, name in enumerate(names) if columns.is_date_name(name)), 0)
    # A column called time stands beside gtrendsR's date; alone it is the date.
    terms = [at for at, name in enumerate(names) if at != at_date and name not in _BESIDE]
    if len(terms) != 1:
        named = [name for name in header if name]
        listed = shown(", ".join(named), 200)
        return f"the header has {len(named)} columns ({listed}): export one search term alone"
    partial = next((at for at, name in enumerate(names) if name == "is partial"), None)
    return TrendColumns(at_date, terms[0], partial)


def trend_day(text: str, date_format: str) -> date | None:
    """Return the day of a value, the first one if a whole week is named: 2024-01-07 - 2024-01-13."""
    if found := _RANGE.fullmatch(text):
        first, last = (dates.parse(found[end], date_format) for end in ("first", "last"))
        return first if first and last and last - first == _WEEK else None
    return dates.parse(text, date_format)


def week_begins(text: str) -> str:
    """Return the first day of a week that is written as 2024-01-07 - 2024-01-13; any other text as it is."""
    found = _RANGE.fullmatch(text)
    return found["first"] if found else text


def trend_value(text: str) -> int | str:
    """Return a value, 0 for <1, or what is wrong with it."""
    if text.replace(" ", "") == "<1":
        return 0
    if not (found := _VALUE.fullmatch(text)):
        return f"trend {quoted(text)} is not a whole number"
    if len(found["whole"]) >= 10 or int(found["whole"]) > 100:
        return f"trend {quoted(text)} is not within 0 and 100"
    return int(found["whole"])


class _HeaderSearch:
    """Find the header of a trend: the first line of at least two fields, below Google's preamble."""

    def __init__(self, report: FileReport, layout: TrendFormat) -> None:
        self._report = report
        self._layout = layout

    def __call__(self, line: int, fields: list[str] | None) -> TableLayout | None:
        """Return the table if this line begins it; None to look further, or after reporting an error."""
        if fields is None:
            if line:
                self._report.error(line, "the quotes are not balanced")
            return None
        if width(fields) < 2:
            return None
        if len(fields) == 2 and trend_day(fields[0], self._layout.date_format):
            return TableLayout(2, 0, 1, None)  # the first row
        if _LIKE_A_DATE.fullmatch(fields[0]):  # in another format, or not in the calendar
            self._report.error(line, "there is no header line above the data")
            return None
        found = trend_columns(fields)
        if isinstance(found, str):
            self._report.error(line, found)
            return None
        name_at = next((at for at, name in enumerate(fields) if columns.plain(name) == "keyword"), None)
        return TableLayout(max(width(fields), 2), found.date, found.value, fields, found.partial, name_at)


class _TrendValues:
    """Whole numbers from 0 to 100."""

    noun = "trend value"

    def parse(self, text: str) -> float | str | None:
        """Return a value, or what is wrong with it."""
        return trend_value(text)

    def parse_all(self, texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        """Return the values if all are written as Google writes them."""
        try:
            return array("d", map(_TREND_VALUES.__getitem__, texts)), ()
        except KeyError:
            return None

    def digits(self, text: str) -> str:
        """Return a value as a whole number."""
        return str(trend_value(text))


def read_trend(report: FileReport, layout: TrendFormat, *, on_bytes: OnBytes | None = None) -> Series:
    """Read the report's trend file; errors go to the report.

    The last week may still be partial, as pytrends marks it: it is kept, with a warning.
    """
    reader = FileReader(
        report,
        splitter(layout.delimiter),
        _HeaderSearch(report, layout),
        layout.date_format,
        _TrendValues(),
        day=lambda text: trend_day(text, layout.date_format),
        sections=True,
    )
    series = reader.read(on_bytes)
    for line, day in reader.flagged:
        report.warning(line, f"the week of {day} was not over when it was exported: its value will change")
    return series
