"""Reading and checking the users' CSV files: a file in, findings out, in little memory.

The rules for what can be read, and their wording, are those of `glue_scripts/bronze2silver.py`, which
enforces them where the numbers are made; a file that passes here is read there. What can be read and is
odd all the same is told as warnings (plausibility.py). Lines count from 1.
"""

from __future__ import annotations

import math
import re
import struct
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, cast

from cryptoetl import dates, numerals, plausibility
from cryptoetl.delimited import Line, Splitter, Unreadable, numbered_blocks, splitter, width
from cryptoetl.findings import FileReport, Kind, quoted, shown
from cryptoetl.numerals import Decimal
from cryptoetl.series import Series

HEADER_LINES = 20
"""Lines, blank ones not counted, among which the header of a history is looked for."""

_LIKE_A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}")

_TREND_VALUES = {"<1": 0.0} | {str(value): float(value) for value in range(101)}
"""As Google writes them."""

OnBytes = Callable[[int], None]
"""Receives the bytes read so far, now and then."""


class HistoryFormat(NamedTuple):
    """How a history file is written; the fields of the configuration that say so.

    The columns are named, or numbered from 1 in a file without a header line.
    """

    date_column: str | int = "Date"
    price_column: str | int = "Price"
    date_format: str = "MM/dd/yyyy"
    decimal: Decimal = "."
    delimiter: str = ","


class TrendFormat(NamedTuple):
    """How a trend file is written; the fields of the configuration that say so."""

    date_format: str = "yyyy-MM-dd"
    delimiter: str = ","


class _Table(NamedTuple):
    """Where a file's table is: its fields, and which of them hold the date and the value."""

    width: int
    date_at: int
    value_at: int
    model: str
    """What has `width` fields, in words."""


Header = Callable[[int, list[str] | None], _Table | None]
"""Judges a line as the header: the table, or None to look further."""


@dataclass
class _File:
    """One reading of a file. `header` reports why there is none.

    `value` returns text for what is wrong; `values` reads many at once, in the same way and with NaN for
    none, and their digits, or returns None if each has to be looked at.
    """

    report: FileReport
    split: Splitter
    header: Header
    date_format: str
    value: Callable[[str], float | str | None]
    values: Callable[[list[str]], tuple[array[float], Sequence[str]] | None]
    another: str
    digits: Callable[[str], str] | None = None
    """A value's own digits, as the plain form has them; None where they are not kept."""
    headed: bool = True
    table: _Table | None = None
    empty: bool = True

    def read(self, on_bytes: OnBytes | None) -> Series:
        """The file's days; everything wrong goes to the report."""
        series, report = Series(digits=self.digits is not None), self.report
        try:
            for first, lines in numbered_blocks(report.file, on_bytes):
                if not self._block(first, lines, series):
                    break  # there is no table: lines cannot be judged
        except Unreadable as error:
            report.cannot_be_read(error.line, error.reason)
        if self.table is None and not self.empty and not report.errors:
            self.header(0, None)  # the end of the file
        if not report.errors:
            if self.empty:
                report.error(None, "the file is empty")
            elif self.table is None:
                report.error(None, "there is no header line")
            elif not len(series):
                report.error(None, "there are no data lines below the header")
        report.rows, report.first, report.last = len(series), series.first, series.last
        return series

    def _block(self, first: int, lines: list[Line], series: Series) -> bool:
        """Read lines; False if the search for the header has failed."""
        report = self.report
        as_whole = False
        for line, text in enumerate(lines, start=first):
            if self.table is not None and not as_whole:
                as_whole = True
                if self._all(line, lines[line - first :], self.table, series):
                    break
            if isinstance(text, Unreadable):
                report.cannot_be_read(line, text.reason)
                continue
            if self.split.blank(text):
                continue
            self.empty = False
            fields = self.split(text)
            if self.table is None:
                before = report.errors
                self.table = self.header(line, fields)
                if report.errors > before:
                    return False
                if self.headed or self.table is None:
                    continue
            self._row(line, fields, self.table, series)
        return True

    def _all(self, line: int, lines: list[Line], table: _Table, series: Series) -> bool:
        """Read lines that are all plain and all right, many times faster; False if they are not."""
        if set(map(type, lines)) != {str}:
            return False
        columns = self.split.columns(cast(list[str], lines), table.width, (table.date_at, table.value_at))
        if columns is None:
            return False
        try:
            days = list(map(dates.ordinals(self.date_format).__getitem__, columns[0]))
        except KeyError:
            return False
        found = self.values(columns[1])
        return found is not None and series.extend(days, line, *found)

    def _row(self, line: int, fields: list[str] | None, table: _Table, series: Series) -> None:
        report = self.report
        if fields is None:
            report.error(line, "the quotes are not balanced")
        elif len(fields) < table.width or any(fields[table.width :]):
            report.error(line, f"{len(fields)} fields where the {table.model} has {table.width}")
        elif (day := dates.parse(fields[table.date_at], self.date_format)) is None:
            report.error(line, _not_a_date(fields[table.date_at], self.date_format, report.kind))
        elif isinstance(value := self.value(fields[table.value_at]), str):
            report.error(line, value)
        elif there := series.add(
            day, line, value, self.digits(fields[table.value_at]) if self.digits and value is not None else ""
        ):
            if there[1] == value:
                report.warning(line, f"date {day} is already on line {there[0]}, with the same value")
            else:
                report.error(line, f"date {day} is already on line {there[0]} with {self.another}")


class HeaderSearch:
    """Finds the header of a history: the first of its first lines that holds both columns.

    With columns by number, the first line is a row already.
    """

    def __init__(self, report: FileReport, layout: HistoryFormat) -> None:
        self._report = report
        self._columns: Sequence[str | int] = (layout.date_column, layout.price_column)
        self._seen = 0
        self._widest: tuple[int, list[str]] | None = None

    def __call__(self, line: int, fields: list[str] | None) -> _Table | None:
        if fields is None and line and not self._seen:
            self._report.error(line, "the quotes are not balanced")
            return None
        self._seen += bool(line)
        if fields is not None:
            if isinstance(self._columns[0], int):
                return self._numbered(line, fields)
            if all(name in fields for name in self._columns):
                date_at, value_at = (fields.index(str(name)) for name in self._columns)
                return _Table(max(width(fields), date_at + 1, value_at + 1), date_at, value_at, "header")
            if self._widest is None or len(fields) > len(self._widest[1]):
                self._widest = line, fields
        if self._seen == HEADER_LINES or not line:
            self._give_up()
        return None

    def _numbered(self, line: int, fields: list[str]) -> _Table | None:
        date_at, value_at = (int(number) - 1 for number in self._columns)
        if len(fields) <= max(date_at, value_at):
            self._report.error(
                line, f"there is no column {max(date_at, value_at) + 1}: the line has {len(fields)}"
            )
            return None
        return _Table(max(width(fields), date_at + 1, value_at + 1), date_at, value_at, "first line")

    def _give_up(self) -> None:
        assert self._widest is not None, "the first line has fields, or was reported"
        line, fields = self._widest
        absent = [repr(name) for name in self._columns if name not in fields]
        names = f"column {absent[0]} is" if len(absent) == 1 else f"columns {' and '.join(absent)} are"
        self._report.error(line, f"{names} not in the header ({shown(', '.join(fields), 200)})")


def read_history(
    report: FileReport,
    layout: HistoryFormat,
    *,
    drop: bool,
    digits: bool = False,
    on_bytes: OnBytes | None = None,
) -> Series:
    """Read the report's file of daily prices; what cannot be read goes to the report.

    The series keeps the prices' own digits only if they are asked for.
    """

    def value(text: str) -> float | str | None:
        if not text:
            return None
        price = numerals.parse(text, layout.decimal)
        if price is None:
            return f"price {quoted(text)} is not a number"
        try:
            single: float = struct.unpack("f", struct.pack("f", price))[0]
        except OverflowError:
            single = math.inf
        if math.isinf(single):
            return f"price {quoted(text)} is too large"
        return None if single == -1 else single

    def values(texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        plain = numerals.plain_all([text or "-1" for text in texts], layout.decimal)
        if plain is None:
            return None
        singles = array("f", map(float, plain))
        if math.inf in singles or -math.inf in singles:
            return None
        return array("d", [math.nan if price == -1 else price for price in singles]), plain

    series = _File(
        report,
        splitter(layout.delimiter),
        HeaderSearch(report, layout),
        layout.date_format,
        value,
        values,
        "another price",
        partial(numerals.plain, decimal=layout.decimal) if digits else None,
        headed=isinstance(layout.date_column, str),
    ).read(on_bytes)
    report.missing = series.missing
    if drop and len(series) and series.missing == len(series) and not report.errors:
        report.error(None, "every price is missing")
    return series


def read_trend(report: FileReport, layout: TrendFormat, *, on_bytes: OnBytes | None = None) -> Series:
    """Read the report's trend file, a Google Trends export with or without its preamble."""

    def header(line: int, fields: list[str] | None) -> _Table | None:
        if fields is None:
            if line:
                report.error(line, "the quotes are not balanced")
            return None
        if width(fields) < 2:
            return None  # the preamble of a Google Trends export
        named = [name for name in fields if name]
        if _LIKE_A_DATE.fullmatch(fields[0]):  # even one that is not in the calendar
            report.error(line, "there is no header line above the data")
            return None
        if len(named) > 2:
            columns = shown(", ".join(named), 200)
            report.error(
                line, f"the header has {len(named)} columns ({columns}): export one search term alone"
            )
            return None
        return _Table(max(width(fields), 2), 0, 1, "header")

    def value(text: str) -> float | str:
        if text == "<1":
            return 0
        if not re.fullmatch(r"[0-9]+", text):
            return f"trend {quoted(text)} is not a whole number"
        if len(text) >= 10 or int(text) > 100:
            return f"trend {quoted(text)} is not within 0 and 100"
        return int(text)

    def values(texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        try:
            return array("d", map(_TREND_VALUES.__getitem__, texts)), ()
        except KeyError:
            return None

    split = splitter(layout.delimiter)
    another = "another trend value"
    return _File(report, split, header, layout.date_format, value, values, another).read(on_bytes)


def read(
    history: FileReport,
    trend: FileReport,
    history_format: HistoryFormat,
    trend_format: TrendFormat,
    *,
    drop: bool,
    digits: bool = False,
    on_bytes: Callable[[FileReport], OnBytes | None] = lambda _: None,
) -> tuple[Series, Series]:
    """Read a currency's two files into their reports, and warn of what is odd in what could be read.

    What depends on the day it is, the age and dates in the future, is not among it: plausibility.times.
    """
    prices = read_history(history, history_format, drop=drop, digits=digits, on_bytes=on_bytes(history))
    values = read_trend(trend, trend_format, on_bytes=on_bytes(trend))
    plausibility.history_warnings(history, prices, drop=drop)
    plausibility.trend_warnings(trend, values)
    plausibility.overlap_warning(trend, prices, values)
    return prices, values


def _not_a_date(text: str, date_format: str, kind: Kind) -> str:
    if kind == "trend" and re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        return (
            f"{quoted(text)} is a month: the values are monthly, weekly ones are needed "
            "(in Google Trends choose a range of at most five years)"
        )
    return f"date {quoted(text)} is not a {date_format} date"
