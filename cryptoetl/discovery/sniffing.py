"""Recognise a file by its content: a history of prices, a Google trend, or neither, and its format.

A file is read once, in constant memory. The first lines give the layout (layouts.py); all lines together
decide what these leave open (evidence.py): whether 03/04 is in March, and whether 1.234 is above a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Literal

from cryptoetl.discovery import layouts
from cryptoetl.discovery.evidence import (
    Cadence,
    Choice,
    DateEvidence,
    ValueEvidence,
    choose_dates,
    choose_decimal,
)
from cryptoetl.discovery.layouts import Layout
from cryptoetl.discovery.readings import MONTH_ONLY
from cryptoetl.raw_files.delimited import MAX_LINE, Unreadable, numbered_lines, splitter
from cryptoetl.raw_files.numerals import Decimal

SAMPLE = 300
"""Number of non-blank lines from which the layout is found."""


@dataclass(frozen=True)
class Facts:
    """Rows with a date, their first and last date, and how far apart neighbouring dates mostly are.

    `cadence` is None for a single row. `unreadable` rows have no date or value in the format that was found.
    """

    rows: int
    first: date
    last: date
    cadence: Cadence | None
    missing: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class HistorySniff:
    """A file of prices. A column is its name, or its number from 1 if there is no header.

    `decisions` say what the values decided about the format; `doubts`, what they could not decide.
    """

    file: Path
    facts: Facts
    date_column: str | int = "Date"
    price_column: str | int = "Price"
    date_format: str = "MM/dd/yyyy"
    decimal: Decimal = "."
    delimiter: str = ","
    symbol: str | None = None
    decisions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrendSniff:
    """A file of Google-trend values for one search term."""

    file: Path
    facts: Facts
    term: str
    trend_date_format: str = "yyyy-MM-dd"
    trend_delimiter: str = ","
    decisions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotRecognised:
    """A file that cannot be used, with the reason; `kind` if it is recognisable."""

    file: Path
    reason: str
    kind: Literal["history", "trend"] | None = None


Sniff = HistorySniff | TrendSniff | NotRecognised


def sniff(path: Path, on_bytes: Callable[[int], None] | None = None) -> Sniff:
    """Recognise a file; `on_bytes` is called repeatedly with the bytes read so far. Raise nothing."""
    try:
        return _sniff(path, on_bytes)
    except _Unfit as error:
        return NotRecognised(path, str(error))
    except Unreadable as error:
        where = f"line {error.line}: " if error.line else ""
        return NotRecognised(path, f"{where}{error.reason}")
    except (OSError, ValueError) as error:
        return NotRecognised(path, f"it cannot be read ({getattr(error, 'strerror', None) or error})")


def _sniff(path: Path, on_bytes: Callable[[int], None] | None) -> Sniff:
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            raise _Unfit("it is a zip archive or an Excel workbook: unpack it, or save it as CSV UTF-8")
    lines = _lines(path, on_bytes)
    sample = _first(lines)
    if not sample:
        raise _Unfit("it is empty")
    layout = layouts.find(sample)
    if isinstance(layout, str):
        raise _Unfit(layout)
    dates = [DateEvidence(candidate) for candidate in layout.formats]
    values = ValueEvidence()
    split = splitter(layout.delimiter)
    rows = 0
    for text in chain(sample[layout.first :], lines):
        if split.blank(text):
            continue
        rows += 1
        fields = split(text)
        if fields is None or len(fields) <= max(layout.date, layout.value):
            continue
        for candidate in dates:
            candidate.add(fields[layout.date])
        values.add(fields[layout.value])
    chosen, choice = choose_dates(dates)
    if not chosen.count or not (values.point or values.comma or values.whole or values.missing):
        raise _Unfit("no line holds a date and a number")
    read = _Read(path, layout, chosen, values, rows, choice)
    return _trend(read) if _is_trend(read) else _history(read)


def _first(lines: Iterator[str]) -> list[str]:
    """Return the lines from which the layout is found; fewer than `SAMPLE` if they are huge."""
    sample: list[str] = []
    size = 0
    while len(sample) < SAMPLE and size < MAX_LINE and (line := next(lines, None)) is not None:
        sample.append(line)
        size += len(line)
    return sample


class _Unfit(Exception):
    """The file is neither a history nor a trend."""


def _lines(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[str]:
    """Yield the lines that are not blank. Raise Unreadable, also for a single line, or OSError."""
    for _, text in numbered_lines(path, on_bytes):
        if isinstance(text, Unreadable):
            raise text
        if text.strip():
            yield text


_TREND_DATES = {
    *(
        "week",
        "month",
        "day",
        "time",
        "woche",
        "monat",
        "settimana",
        "mese",
        "semaine",
        "mois",
        "semana",
        "mes",
    ),
    *("неделя", "hafta", "tydzień", "vecka"),
}
"""Google's names of the column of dates, in lower case."""


@dataclass(frozen=True)
class _Read:
    """A file read to its end."""

    path: Path
    layout: Layout
    dates: DateEvidence
    values: ValueEvidence
    rows: int
    choice: Choice

    def facts(self, readable: int, missing: int) -> Facts:
        first, last = date.fromordinal(self.dates.first), date.fromordinal(self.dates.last)
        return Facts(self.dates.count, first, last, self.dates.cadence, missing, self.rows - readable)


def _is_trend(read: _Read) -> bool:
    values, names = read.values, read.layout.header or ("", "")
    dated = layouts.plain(names[0]) in _TREND_DATES and not layouts.is_price_name(names[1])
    if any(_GOOGLE.search(name) for name in names) and (dated or values.like_a_trend):
        return True
    if not values.like_a_trend:
        return False
    if values.below_one or dated:
        return True
    if len(names) > 2 or layouts.is_price_name(names[1]):
        return False
    coarse = read.dates.cadence in ("weekly", "monthly") or read.dates.format.text == MONTH_ONLY
    return read.layout.preamble or coarse or re.search("trend|timeline", read.path.name.lower()) is not None


_GOOGLE = re.compile(r": ?\(.*\)$")


def _trend(read: _Read) -> TrendSniff | NotRecognised:
    def refused(reason: str) -> NotRecognised:
        return NotRecognised(read.path, reason, "trend")

    layout, values = read.layout, read.values
    if layout.header is None:
        return refused("it is a trend without a header: write a first line such as Week,bitcoin")
    named = [name for name in layout.header if name]
    if len(named) > 2:
        return refused(f"it holds {len(named) - 1} search terms: export one search term alone")
    if (layout.date, layout.value) != (0, 1):
        return refused("it is a trend whose first column is not the date")
    if not values.like_a_trend:
        return refused("it is a trend with values that are not whole numbers from 0 to 100")
    facts = read.facts(min(read.dates.count, values.whole), 0)
    date_format, delimiter = read.dates.format.text, layout.delimiter
    return TrendSniff(read.path, facts, named[1], date_format, delimiter, *_reasons(read.choice))


def _history(read: _Read) -> HistorySniff | NotRecognised:
    def refused(reason: str) -> NotRecognised:
        return NotRecognised(read.path, reason, "history")

    layout, values = read.layout, read.values
    if read.dates.format.text == MONTH_ONLY:
        return refused("its prices are monthly: daily ones are needed")
    if len(layout.symbols) > 1:
        return refused(f"it holds several currencies ({', '.join(layout.symbols[:3])}): make a file of each")
    decimal, choice = choose_decimal(values, layout.decimals)
    priced = (values.point if decimal == "." else values.comma) + values.missing
    facts = read.facts(min(read.dates.count, priced), values.missing)
    columns: tuple[str | int, str | int] = layout.date + 1, layout.value + 1
    if layout.header is not None:
        columns = layout.header[layout.date], layout.header[layout.value]
    return HistorySniff(
        read.path,
        facts,
        *columns,
        read.dates.format.text,
        decimal,
        layout.delimiter,
        layout.symbols[0] if layout.symbols else None,
        *_reasons(read.choice, choice, Choice(doubt=layout.doubt)),
    )


def _reasons(*choices: Choice) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the decisions and the doubts of these choices."""
    return (
        tuple(choice.decision for choice in choices if choice.decision),
        tuple(choice.doubt for choice in choices if choice.doubt),
    )
