"""Reading and checking the users' CSV files: a file in, findings out, in constant memory.

The rules and their wording are those of `glue_scripts/bronze2silver.py`, which enforces them where
the numbers are made; a file that passes here is read there. A file is read line by line: a field
is quoted with `""` as the escape or holds no quote at all, and never spans lines. Lines count from 1.
"""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

from cryptoetl import dates

Severity = Literal["error", "warning"]
Kind = Literal["history", "trend"]

MAX_FINDINGS = 100
"""Findings kept per file and severity; the rest are counted."""
MAX_LINE = 1_000_000
"""Characters; a longer line is not that of a CSV file, and reading it whole would cost memory."""

_FIELD = r'(?:[ \t]*"[^"]*(?:""[^"]*)*"[ \t]*|[^",]*)'
_LINE = re.compile(rf"{_FIELD}(?:,{_FIELD})*")
_NEXT_FIELD = re.compile(rf",({_FIELD})")
_POINT_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_COMMA_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ISO = "yyyy-MM-dd"
_ISO_DIGITS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPACE = " \t"


class HistoryFormat(NamedTuple):
    """How a history file is written; the fields of the configuration that say so."""

    date_column: str = "Date"
    price_column: str = "Price"
    date_format: str = "MM/dd/yyyy"
    decimal: str = "."


@dataclass(frozen=True)
class Finding:
    """One thing to know about a file; `line` counts from 1 and is None for the file as a whole."""

    severity: Severity
    kind: Kind
    file: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{self.kind}: {where}{self.message}"


@dataclass
class FileReport:
    """What a file holds: `rows` distinct dates from `first` to `last`, `missing` of them without a value."""

    kind: Kind
    file: Path
    rows: int = 0
    missing: int = 0
    first: date | None = None
    last: date | None = None
    errors: int = 0
    warnings: int = 0
    findings: list[Finding] = field(default_factory=list)

    def error(self, line: int | None, message: str) -> None:
        self.errors += 1
        self._add(Finding("error", self.kind, self.file, line, message), self.errors)

    def warning(self, line: int | None, message: str) -> None:
        self.warnings += 1
        self._add(Finding("warning", self.kind, self.file, line, message), self.warnings)

    def _add(self, finding: Finding, count: int) -> None:
        if count <= MAX_FINDINGS:
            self.findings.append(finding)

    @property
    def reason(self) -> str | None:
        """The errors in one line, worded as the silver step would word them."""
        first = next((finding for finding in self.findings if finding.severity == "error"), None)
        if first is None:
            return None
        if self.errors == 1 or first.line is None:
            return str(first)
        return f"{self.kind}: {self.errors} lines cannot be read; first: line {first.line}: {first.message}"


def check_history(
    path: Path, layout: HistoryFormat, *, drop: bool, on_bytes: Callable[[int], None] | None = None
) -> FileReport:
    """Check a file of daily prices. `on_bytes` receives the bytes read so far, now and then."""
    report = FileReport("history", path)
    number = _COMMA_NUMBER if layout.decimal == "," else _POINT_NUMBER

    def header(line: int, names: list[str]) -> tuple[int, int] | None:
        missing = [name for name in (layout.date_column, layout.price_column) if name not in names]
        for name in missing[:1]:
            report.error(line, f"column {name!r} is not in the header ({', '.join(names)})")
        return None if missing else (names.index(layout.date_column), names.index(layout.price_column))

    def value(text: str) -> float | str | None:
        if not text:
            return None
        if not number.fullmatch(text):
            return f"price {_quoted(text)} is not a number"
        plain = text.replace(".", "").replace(",", ".") if layout.decimal == "," else text.replace(",", "")
        price = float(plain)
        try:
            single: float = struct.unpack("f", struct.pack("f", price))[0]
        except OverflowError:
            single = math.inf
        if math.isinf(single):
            return f"price {_quoted(text)} is too large"
        return None if single == -1 else single

    days = _read(report, header, layout.date_format, value, "another price", on_bytes)
    report.missing = sum(1 for day in days.values() if day[1] is None)
    if drop and days and report.missing == len(days) and not report.errors:
        report.error(None, "every price is missing")
    return report


def check_trend(path: Path, *, on_bytes: Callable[[int], None] | None = None) -> FileReport:
    """Check a Google Trends export, with or without its preamble."""
    report = FileReport("trend", path)

    def header(line: int, names: list[str]) -> tuple[int, int] | None:
        named = [name for name in names if name]
        if _ISO_DIGITS.fullmatch(names[0]):  # a date, even one that is not in the calendar
            report.error(line, "there is no header line above the data")
        elif len(named) > 2:
            columns = ", ".join(named)
            report.error(
                line, f"the header has {len(named)} columns ({columns}): export one search term alone"
            )
        else:
            return 0, 1
        return None

    def value(text: str) -> int | str:
        if text == "<1":
            return 0
        if not re.fullmatch(r"[0-9]+", text):
            return f"trend {_quoted(text)} is not a whole number"
        return (
            int(text)
            if len(text) < 10 and int(text) <= 100
            else f"trend {_quoted(text)} is not within 0 and 100"
        )

    _read(report, header, _ISO, value, "another trend value", on_bytes)
    return report


Days = dict[date, tuple[int, float | None]]
"""By date: the line, and the value or None where it is missing."""


def _read(
    report: FileReport,
    header: Callable[[int, list[str]], tuple[int, int] | None],
    date_format: str,
    value: Callable[[str], float | str | None],
    another: str,
    on_bytes: Callable[[int], None] | None,
) -> Days:
    """The file's days with line and value; everything wrong goes to `report`.

    `header` finds the two columns or reports why not; `value` returns the value, or a text that
    says what is wrong with it.
    """
    days: Days = {}
    columns: tuple[int, int] | None = None
    width = content = 0
    try:
        for line, text in _lines(report.file, on_bytes):
            if not text.strip(_SPACE):
                continue
            content += 1
            fields = split(text)
            if columns is None:
                if report.kind == "trend" and fields is not None and len(fields) < 2:
                    continue  # the preamble of a Google Trends export
                if fields is None:
                    report.error(line, "the quotes are not balanced")
                    return days
                columns = header(line, fields)
                if columns is None:
                    return days
                width = max(_width(fields), max(columns) + 1)
                continue
            if fields is None:
                report.error(line, "the quotes are not balanced")
                continue
            if len(fields) < width or any(fields[width:]):
                report.error(line, f"{len(fields)} fields where the header has {width}")
                continue
            day_text = fields[columns[0]]
            day = dates.parse(day_text, date_format)
            if day is None:
                report.error(line, _not_a_date(day_text, date_format, report.kind))
                continue
            found = value(fields[columns[1]])
            if isinstance(found, str):
                report.error(line, found)
                continue
            first = days.setdefault(day, (line, found))
            if first[0] == line:
                continue
            if first[1] == found:
                report.warning(line, f"date {day} is already on line {first[0]}, with the same value")
            else:
                report.error(line, f"date {day} is already on line {first[0]} with {another}")
    except UnicodeDecodeError:
        report.error(_first_undecodable_line(report.file), _not_text(report.file))
        return days
    except _LineTooLong as error:
        report.error(error.line, f"the line is longer than {MAX_LINE:,} characters: this is no CSV file")
        return days
    if not content:
        report.error(None, "the file is empty")
    elif columns is None:
        report.error(None, "there is no header line")
    elif not days and not report.errors:
        report.error(None, "there are no data lines below the header")
    report.rows, report.first, report.last = len(days), min(days, default=None), max(days, default=None)
    return days


def split(text: str) -> list[str] | None:
    """The fields of a line, unquoted and trimmed; None if its quotes are not balanced."""
    if '"' not in text:
        return [part.strip(_SPACE) for part in text.split(",")]
    if text[0] == text[-1] == '"':
        # Every field quoted and no quote inside one, the form of most exports: five times as fast.
        parts = text[1:-1].split('","')
        if text.count('"') == 2 * len(parts):
            return [part.strip(_SPACE) for part in parts]
    if not _LINE.fullmatch(text):
        return None
    parts = [part.strip(_SPACE) for part in _NEXT_FIELD.findall("," + text)]
    return [part[1:-1].replace('""', '"').strip(_SPACE) if part.startswith('"') else part for part in parts]


def _width(fields: list[str]) -> int:
    """The number of columns without the unnamed ones that trailing delimiters make."""
    return max((index for index, name in enumerate(fields, start=1) if name), default=0)


class _LineTooLong(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _lines(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends (LF, CRLF or CR).

    Raises UnicodeDecodeError for bytes that are not UTF-8 and for NUL, _LineTooLong, OSError.
    """
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None) as file:
        line = 0
        while text := file.readline(MAX_LINE):
            line += 1
            if len(text) >= MAX_LINE and not text.endswith("\n"):
                raise _LineTooLong(line)
            if "\0" in text:
                raise UnicodeDecodeError("utf-8", b"\0", 0, 1, "NUL")
            if on_bytes is not None and line % 2000 == 0:
                on_bytes(raw.tell())
            yield line, text.rstrip("\n")
        if on_bytes is not None:
            on_bytes(raw.tell())


def _quoted(text: str) -> str:
    return f"'{text if len(text) <= 40 else text[:37] + '...'}'"


def _not_a_date(text: str, date_format: str, kind: Kind) -> str:
    if kind == "trend" and re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        return (
            f"{_quoted(text)} is a month: the values are monthly, weekly ones are needed "
            "(in Google Trends choose a range of at most five years)"
        )
    return f"date {_quoted(text)} is not a {date_format} date"


def _not_text(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start:
        return "the file is not UTF-8 text but UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"
    return "the file is not UTF-8 text: save it as UTF-8"


def _first_undecodable_line(path: Path) -> int | None:
    """The line of the first byte that is not UTF-8 text; None where the whole file is another encoding."""
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return None
        file.seek(0)
        line = 1
        while part := file.readline(MAX_LINE):
            at = part.find(b"\0")
            try:
                part.decode("utf-8")
            except UnicodeDecodeError as error:
                at = error.start if at < 0 else min(at, error.start)
            if at >= 0:
                return line + part[:at].replace(b"\r\n", b"\n").count(b"\r")
            line += part.count(b"\n") + part.replace(b"\r\n", b"\n").count(b"\r")
    return None
