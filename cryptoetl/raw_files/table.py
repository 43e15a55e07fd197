"""Reading and checking the users' CSV files: a file in, findings out, in little memory.

The rules for what can be read, and their wording, are those of `glue_scripts/bronze2silver.py`, which
enforces them where the numbers are made; a file that passes here is read there. What can be read and is
odd all the same is told as warnings (plausibility.py). Lines count from 1.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from cryptoetl.raw_files import dates
from cryptoetl.raw_files.delimited import Line, Splitter, Unreadable, numbered_blocks
from cryptoetl.raw_files.findings import FileReport, Kind
from cryptoetl.raw_files.series import Series
from cryptoetl.util.text import quoted

OnBytes = Callable[[int], None]
"""Receives the bytes read so far, now and then."""


class TableLayout(NamedTuple):
    """Where a file's table is: its fields, and which of them hold the date and the value."""

    width: int
    date_at: int
    value_at: int
    model: str
    """What has `width` fields, in words."""


Header = Callable[[int, list[str] | None], TableLayout | None]
"""Judges a line as the header: the table, or None to look further."""


@dataclass
class FileReader:
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
    table: TableLayout | None = None
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

    def _all(self, line: int, lines: list[Line], table: TableLayout, series: Series) -> bool:
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

    def _row(self, line: int, fields: list[str] | None, table: TableLayout, series: Series) -> None:
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


def _not_a_date(text: str, date_format: str, kind: Kind) -> str:
    if kind == "trend" and re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        return (
            f"{quoted(text)} is a month: the values are monthly, weekly ones are needed "
            "(in Google Trends choose a range of at most five years)"
        )
    return f"date {quoted(text)} is not a {date_format} date"
