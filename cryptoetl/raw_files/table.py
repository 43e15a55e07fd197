"""Read the table in a CSV file: a file in, days and findings out, in little memory.

What stands around the rows is passed over: a title above the header, labels below it, headers and byte-order
marks in the middle of joined files, notes below the table. Everything else that is not a row is an error.
Lines count from 1.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol, cast

from cryptoetl.raw_files import dates
from cryptoetl.raw_files.delimited import Line, Splitter, Unreadable, numbered_blocks
from cryptoetl.raw_files.findings import FileReport, Kind
from cryptoetl.raw_files.notes import is_label, is_note
from cryptoetl.raw_files.series import Series
from cryptoetl.util.text import plural, quoted, shown

OnBytes = Callable[[int], None]
"""Called repeatedly with the bytes read so far."""


class TableLayout(NamedTuple):
    """The number of a table's fields, and the indices of those with the date and the value."""

    width: int
    date_at: int
    value_at: int
    header: Sequence[str] | None
    """The header's fields; None if the file begins with its data."""
    flag_at: int | None = None
    """A column of true and false, for `FileReader.flagged`; rows are then read one by one."""
    name_at: int | None = None
    """A column that says what each row is about: a coin, a search term. All rows must say the same."""

    @property
    def in_use(self) -> tuple[int, ...]:
        """Return the columns that are read of every row."""
        return (self.date_at, self.value_at, *(() if self.name_at is None else (self.name_at,)))


Header = Callable[[int, list[str] | None], TableLayout | None]
"""Takes a line's number and fields; returns the table if the line begins it, None to try the next one.

The number is 0 at the end of the file. A search that has failed reports an error.
"""


class Values(Protocol):
    """How the values of a file are read."""

    noun: str

    def parse(self, text: str) -> float | str | None:
        """Return a value, None if it is missing, or text that says what is wrong with it."""

    def parse_all(self, texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        """Return all values (NaN: missing) and their digits, or None if each must be parsed alone."""

    def digits(self, text: str) -> str:
        """Return the digits of a value that is present, as the plain form has them."""


@dataclass
class FileReader:
    """One reading of a file: its days go to a series, its errors to the report.

    `day` reads a date that is more than its format says; `sections`: whether other tables may follow below a
    blank line.
    """

    report: FileReport
    split: Splitter
    header: Header
    date_format: str
    values: Values
    keep_digits: bool = False
    day: Callable[[str], date | None] | None = None
    sections: bool = False
    table: TableLayout | None = None
    sample: Sequence[Line] = ()
    """The first lines below the header."""
    empty: bool = True
    flagged: list[tuple[int, date]] = field(default_factory=list)
    """Line and day of each row whose flag is true."""
    _notes: list[tuple[int, str]] = field(default_factory=list)
    """Lines that are no rows, and what is wrong with each should a row follow."""
    _after_blank: bool = False
    _name: str | None = None
    """What the rows are about, by the column `TableLayout.name_at`."""

    def read(self, on_bytes: OnBytes | None) -> Series:
        """Return the file's days; everything wrong goes to the report."""
        series, report = Series(digits=self.keep_digits), self.report
        try:
            for first, lines in numbered_blocks(report.file, on_bytes):
                if not self._block(first, lines, series):
                    break  # the lines cannot be judged
        except Unreadable as error:
            report.cannot_be_read(error.line, error.reason)
        if self.table is None and not self.empty and not report.errors:
            self.header(0, None)
        if not len(series):
            self._reject_notes()
        if not report.errors and (problem := self._unusable(series)):
            report.error(None, problem)
        if self._notes and not report.errors:
            count = len(self._notes)
            verb = "is" if count == 1 else "are"
            report.warning(
                self._notes[0][0], f"{plural(count, 'line')} below the table {verb} text and passed over"
            )
        report.rows, report.first, report.last = len(series), series.first, series.last
        return series

    def _unusable(self, series: Series) -> str | None:
        """Return why the rows cannot be used; None if they can."""
        if self.empty:
            return "the file is empty"
        if self.table is None:
            return "there is no header line"
        if series.first is None:
            return "there are no data lines below the header"
        return buddhist(series.first)

    def _block(self, first: int, lines: list[Line], series: Series) -> bool:
        """Read lines; return False if there is no header, or the rows are about several things."""
        report = self.report
        as_whole = False
        for line, text in enumerate(lines, start=first):
            if self.table is not None and not as_whole:
                as_whole = True
                self.sample = self.sample or lines[line - first : line - first + SAMPLE]
                if (
                    self.table.flag_at is None
                    and not self._notes
                    and self._all(line, lines[line - first :], self.table, series)
                ):
                    self._after_blank = False
                    break
            if isinstance(text, Unreadable):
                report.cannot_be_read(line, text.reason)
                continue
            text = text.removeprefix("\ufeff")  # in the middle of joined files
            if self.split.blank(text):
                self._after_blank = True
                continue
            self.empty = False
            fields = self.split(text)
            if self.table is None:
                before = report.errors
                self.table = self.header(line, fields)
                if report.errors > before:
                    return False
                if self.table is None or self.table.header is not None:
                    self._after_blank = False
                    continue
            if not self._row(line, fields, self.table, series):
                return False
        return True

    def _all(self, line: int, lines: list[Line], table: TableLayout, series: Series) -> bool:
        """Read lines that are all plain and all right, many times faster; return False if they are not."""
        if set(map(type, lines)) != {str}:
            return False
        columns = self.split.columns(cast(list[str], lines), table.width, table.in_use)
        if columns is None or (table.name_at is not None and not self._is_about_one(columns[2])):
            return False
        try:
            days = list(map(dates.ordinals(self.date_format).__getitem__, columns[0]))
        except KeyError:
            return False
        found = self.values.parse_all(columns[1])
        return found is not None and series.extend(days, line, *found)

    def _row(self, line: int, fields: list[str] | None, table: TableLayout, series: Series) -> bool:
        """Read a line; return False if it is the first one about something else than those above."""
        if fields is None:
            self.report.error(line, "the quotes are not balanced")
            return True
        day = self._date(fields[table.date_at]) if len(fields) > table.date_at else None
        if day is None and self._is_header(line, fields, table, series):
            return True
        model = "header" if table.header is not None else "first line"
        if len(fields) < table.width or any(fields[table.width :]):
            problem = f"{len(fields)} fields where the {model} has {table.width}"
        elif day is None:
            problem = _not_a_date(fields[table.date_at], self.date_format, self.report.kind)
        elif table.name_at is not None and not self._is_about_one(fields[table.name_at : table.name_at + 1]):
            self.report.error(line, self._several(fields[table.name_at]))
            return False
        else:
            self._reject_notes()
            self._after_blank = False
            self._add(line, day, fields, table, series)
            return True
        passed_over = len(series) and len(self._notes) < MAX_NOTES
        if passed_over and (is_note(fields) or (self.sections and self._after_blank)):
            self._notes.append((line, problem))
        else:
            self.report.error(line, problem)
        return True

    def _is_about_one(self, cells: Sequence[str]) -> bool:
        """Return whether rows are about one thing, that of those above; cells without letters say nothing."""
        names = {name for cell in set(cells) if _LETTER.search(name := cell.strip())}
        if self._name is None and len(names) == 1:
            (self._name,) = names
        return all(self._name and name.casefold() == self._name.casefold() for name in names)

    def _several(self, other: str) -> str:
        both = f"({shown(self._name or '', 50)}, {shown(other, 50)})"
        if self.report.kind == "trend":
            return f"several search terms in one file {both}: export one search term alone"
        return f"several currencies in one file {both}: make a file of each"

    def _date(self, text: str) -> date | None:
        return dates.parse(text, self.date_format) if self.day is None else self.day(text)

    def _is_header(self, line: int, fields: list[str], table: TableLayout, series: Series) -> bool:
        """Return whether a line repeats the header or continues it; report one that contradicts it."""
        header = table.header
        if header is None:
            if not is_label(fields) or len(fields) < table.width:
                return False
            self.header(line, fields)  # reports columns other than those in use
            return True
        if fields == header or fields == list(header[: len(fields)]):
            return True
        if not len(series) and is_label(fields) and len(fields) <= len(header):
            # Further lines of labels below the header, as yfinance writes them.
            return fields[table.date_at].casefold() in _LABELS
        names = header[table.date_at], header[table.value_at]
        if all(name in fields for name in names):
            self.report.error(line, "another header: the columns are in other places than above")
            return True
        return False

    def _add(self, line: int, day: date, fields: list[str], table: TableLayout, series: Series) -> None:
        report, text = self.report, fields[table.value_at]
        if isinstance(value := self.values.parse(text), str):
            report.error(line, value)
            return
        digits = self.values.digits(text) if self.keep_digits and value is not None else ""
        if there := series.add(day, line, value, digits):
            if there[1] == value:
                report.warning(line, f"date {day} is already on line {there[0]}, with the same value")
            else:
                report.error(
                    line, f"date {day} is already on line {there[0]} with another {self.values.noun}"
                )
        elif table.flag_at is not None and fields[table.flag_at].casefold() == "true":
            self.flagged.append((line, day))

    def _reject_notes(self) -> None:
        """Report lines that are no rows although rows follow."""
        for line, problem in self._notes:
            self.report.error(line, problem)
        self._notes.clear()


SAMPLE = 200
"""Lines of `FileReader.sample`."""
MAX_NOTES = 10_000
"""Lines of text below a table that are passed over at the most."""
_LETTER = re.compile(r"[^\W\d_]")


def buddhist(first: date) -> str | None:
    """Return what is wrong with a file whose first date is this, if its years are Buddhist."""
    if first.year < dates.BUDDHIST_YEAR:
        return None
    return (
        f"its dates begin in {first.year}, a year of the Buddhist calendar: write them in the Gregorian one, "
        f"in which it is {first.year - 543}"
    )


_LABELS = {"ticker", "tickers", "date", "datetime", "price", "symbol"}
"""What begins a line of labels below the header."""


def _not_a_date(text: str, date_format: str, kind: Kind) -> str:
    if kind == "trend" and re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        return (
            f"{quoted(text)} is a month: the values are monthly, weekly ones are needed "
            "(in Google Trends choose a range of at most five years)"
        )
    return f"date {quoted(text)} is not a {date_format} date"
