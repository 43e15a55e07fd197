"""Read the dates and values of a CSV file into a series, with an error for each line that cannot be read.

Files of any length are read in little memory: blocks of lines in one simple form at once, others by line.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol, cast

from cryptoetl.raw_files import dates
from cryptoetl.raw_files.delimited import Line, Splitter, Unreadable, numbered_blocks
from cryptoetl.raw_files.findings import FileReport, Kind
from cryptoetl.raw_files.series import Series
from cryptoetl.util.text import quoted

OnBytes = Callable[[int], None]
"""Called repeatedly with the bytes read so far."""


class TableLayout(NamedTuple):
    """The number of a table's fields, and the indices of those with the date and the value."""

    width: int
    date_at: int
    value_at: int
    model: str
    """The line that has `width` fields, for messages."""


Header = Callable[[int, list[str] | None], TableLayout | None]
"""Takes a line's number and fields; returns the layout if it is the header, None to try the next line.

The number is 0 at the end of the file. A search that has failed reports an error.
"""


class Values(Protocol):
    """How the values of a file are read."""

    noun: str

    def parse(self, text: str) -> float | str | None:
        """Return a value, None if it is missing, or text that says what is wrong with it."""

    def parse_all(self, texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        """Return all values (NaN: missing) and their digits, or None if `parse` refuses one."""

    def digits(self, text: str) -> str:
        """Return the digits of a value that is present, as the plain form has them."""


@dataclass
class FileReader:
    """One reading of a file: its days go to a series, its errors to the report.

    `keep_digits`: whether the series keeps the digits of values. `headed`: whether the header is a separate
    line, not the first row.
    """

    report: FileReport
    split: Splitter
    header: Header
    date_format: str
    values: Values
    keep_digits: bool = False
    headed: bool = True
    table: TableLayout | None = None
    empty: bool = True

    def read(self, on_bytes: OnBytes | None) -> Series:
        """Read the file and return its days."""
        series, report = Series(digits=self.keep_digits), self.report
        try:
            for first, lines in numbered_blocks(report.file, on_bytes):
                if not self._block(first, lines, series):
                    break
        except Unreadable as error:
            report.cannot_be_read(error.line, error.reason)
        if self.table is None and not self.empty and not report.errors:
            self.header(0, None)
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
        """Read a block of lines; return False if the search for the header has failed."""
        report = self.report
        tried_as_whole = False
        for line, text in enumerate(lines, start=first):
            if self.table is not None and not tried_as_whole:
                tried_as_whole = True
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

    def _all(self, line: int, lines: list[Line], table: TableLayout, series: Series) -> bool:
        """Read lines that are all valid and in one simple form, much faster; return False for others."""
        if set(map(type, lines)) != {str}:
            return False
        columns = self.split.columns(cast(list[str], lines), table.width, (table.date_at, table.value_at))
        if columns is None:
            return False
        try:
            days = list(map(dates.ordinals(self.date_format).__getitem__, columns[0]))
        except KeyError:
            return False
        found = self.values.parse_all(columns[1])
        return found is not None and series.extend(days, line, *found)

    def _row(self, line: int, fields: list[str] | None, table: TableLayout, series: Series) -> None:
        report = self.report
        if fields is None:
            report.error(line, "the quotes are not balanced")
        elif len(fields) < table.width or any(fields[table.width :]):
            report.error(line, f"{len(fields)} fields where the {table.model} has {table.width}")
        elif (day := dates.parse(fields[table.date_at], self.date_format)) is None:
            report.error(line, _not_a_date(fields[table.date_at], self.date_format, report.kind))
        elif isinstance(value := self.values.parse(fields[table.value_at]), str):
            report.error(line, value)
        else:
            keep = self.keep_digits and value is not None
            digits = self.values.digits(fields[table.value_at]) if keep else ""
            if there := series.add(day, line, value, digits):
                self._repeated(day, line, value, there)

    def _repeated(self, day: date, line: int, value: float | None, earlier: tuple[int, float | None]) -> None:
        same_date = f"date {day} is already on line {earlier[0]}"
        if earlier[1] == value:
            self.report.warning(line, f"{same_date}, with the same value")
        else:
            self.report.error(line, f"{same_date} with another {self.values.noun}")


def _not_a_date(text: str, date_format: str, kind: Kind) -> str:
    if kind == "trend" and re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        return (
            f"{quoted(text)} is a month: the values are monthly, weekly ones are needed "
            "(in Google Trends choose a range of at most five years)"
        )
    return f"date {quoted(text)} is not a {date_format} date"
