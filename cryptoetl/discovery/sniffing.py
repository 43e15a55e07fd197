"""Recognise a file by its content: a history of prices, a Google trend, or neither, and its format.

A file is read once, from its beginning to its end, in constant memory. The first lines say where things are
(layouts.py); all together decide what a few leave open (evidence.py): whether 03/04 is in March, and whether
1.234 is more than a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

from cryptoetl.discovery import judging, layouts
from cryptoetl.discovery.evidence import (
    DateEvidence,
    ValueEvidence,
    choose_dates,
)
from cryptoetl.discovery.layouts import Layout
from cryptoetl.discovery.sniffs import NotRecognised, Sniff, TrendSniff
from cryptoetl.raw_files import archives
from cryptoetl.raw_files.delimited import MAX_LINE, Unreadable, numbered_lines, splitter
from cryptoetl.raw_files.notes import is_label, is_note
from cryptoetl.raw_files.table import buddhist

SAMPLE = 300
"""Number of non-blank lines from which the layout is found."""
SAMPLED = 64
"""Every so many days, the price is kept to compare files."""
SYMBOLS = 6
"""Different symbols that are kept of a file."""


def sniff(
    path: Path, on_bytes: Callable[[int], None] | None = None, *, column: str | int | None = None
) -> tuple[Sniff, ...]:
    """Return what a file is: more than one thing if it has a column of prices for each of several coins.

    `column` is the one that holds the prices, if that is known. `on_bytes` receives the bytes read so far,
    now and then. Never raises.
    """
    try:
        return _sniff(path, on_bytes, column)
    except _Unfit as error:
        return (NotRecognised(path, str(error)),)
    except Unreadable as error:
        where = f"line {error.line}: " if error.line else ""
        return (NotRecognised(path, f"{where}{error.reason}"),)
    except (OSError, ValueError) as error:
        return (NotRecognised(path, f"it cannot be read ({getattr(error, 'strerror', None) or error})"),)


def _sniff(path: Path, on_bytes: Callable[[int], None] | None, column: str | int | None) -> tuple[Sniff, ...]:
    lines = _lines(path, on_bytes)
    sample = _first(lines)
    if not sample:
        raise _Unfit("it is empty")
    layout = layouts.find(sample, archives.stem(path.name))
    if isinstance(layout, str):
        raise _Unfit(layout)
    if column is not None:
        layout = _with_column(layout, column)
    gathered = _Gathered(layout)
    for text in chain(sample[layout.first :], lines):
        gathered.add(text)
    inner = archives.inner_name(path)
    return tuple(
        replace(found, inner=inner) if inner and not isinstance(found, NotRecognised) else found
        for found in _judged(path, gathered)
    )


def _with_column(layout: Layout, column: str | int) -> Layout:
    """Return the layout with another column of values."""
    at = column - 1 if isinstance(column, int) else (layout.header or ()).index(column)
    return replace(layout, value=at, doubt=None, rivals=())


class _Gathered:
    """What the lines of a file say together, for each column that could be of use."""

    def __init__(self, layout: Layout) -> None:
        self.columns = layout.coins or (layout.value,)
        self.layout = layout
        self.dates = [DateEvidence(candidate) for candidate in layout.formats]
        self.values = {at: ValueEvidence() for at in self.columns}
        self.samples: dict[int, dict[int, str]] = {at: {} for at in self.columns}
        self.symbols = dict.fromkeys(layout.symbols)
        self.rows = 0
        self.below = 0
        """Rows without a date since the last one with a date: another table, perhaps."""
        self._split = splitter(layout.delimiter)
        self._width = max(layout.date, *self.columns) + 1

    def add(self, text: str) -> None:
        """Add the next line; one that is no row is ignored, or counted if it should be one."""
        if self._split.blank(text):
            return
        fields = self._split(text)
        if fields is None or len(fields) < self._width:
            self.rows += fields is None or not is_note(fields)
        elif tuple(fields) != self.layout.header and (self.layout.header is not None or not is_label(fields)):
            self._add_row(fields)

    def _add_row(self, fields: list[str]) -> None:
        self.rows += 1
        dated = [candidate.add(fields[self.layout.date]) for candidate in self.dates]
        if not any(dated):
            self.below += 1
            return
        self.below = 0
        day = self.dates[0].latest
        for at, evidence in self.values.items():
            evidence.add(fields[at])
            if day % SAMPLED == 0:
                self.samples[at][day] = fields[at]
        at_symbol = self.layout.symbol
        if at_symbol is not None and at_symbol < len(fields) and len(self.symbols) < SYMBOLS:
            self.symbols.setdefault(fields[at_symbol])


def _judged(path: Path, gathered: _Gathered) -> tuple[Sniff, ...]:
    """Return what the gathered columns are."""
    chosen, choice = choose_dates(gathered.dates)
    if chosen.count and (problem := buddhist(date.fromordinal(chosen.first))):
        raise _Unfit(problem)
    layout = replace(gathered.layout, symbols=tuple(symbol for symbol in gathered.symbols if symbol))
    found: list[Sniff] = []
    for at, evidence in gathered.values.items():
        if not chosen.count or not (evidence.point or evidence.comma or evidence.whole or evidence.missing):
            raise _Unfit("no line holds a date and a number")
        samples = gathered.samples[at]
        read = judging.WholeFile(
            path, replace(layout, value=at), chosen, evidence, gathered.rows, gathered.below, choice, samples
        )
        found.append(judging.trend(read) if judging.is_trend(read) else judging.history(read))
    if len(found) > 1 and all(isinstance(item, TrendSniff) or judging.like_a_trend(item) for item in found):
        return (NotRecognised(path, judging.several_terms(len(found)), "trend"),)
    return tuple(found)


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
    """Yield the lines that are not blank. Raises Unreadable, also for a single line, and OSError."""
    for _, text in numbered_lines(path, on_bytes):
        if isinstance(text, Unreadable):
            raise text
        text = text.removeprefix("\ufeff")  # in the middle of joined files
        if text.strip():
            yield text
