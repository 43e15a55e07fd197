"""Tables that keep words, numbers and dates whole on a screen of any width.

Where a table is too wide, text wraps between words, names and paths are shortened, and then columns that can
be spared are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from cryptoetl.util.text import printable

GAP, EDGES = 3, 2
"""Blanks between two columns, and at the edges of a table: those of rich's SIMPLE_HEAD."""
SHORTEST = 12
"""Letters of a name or a path that remain at least."""
DATES = len("2024-01-31 –")
"""Letters of a range of dates that wraps between them."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    `spare`: it can be left out, those with the highest number first. `cut`: the end at which its text may be
    shortened; other text wraps between words, except in right-aligned columns without a `least`. `least`: the
    letters that a line has room for at least.
    """

    name: str
    right: bool = False
    spare: int = 0
    cut: Literal["start", "end"] | None = None
    least: int = 0


class FittedTable:
    """A table that is laid out for the width of the screen on which it is printed."""

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        self._rows: list[list[Text]] = []

    def add_row(self, *cells: str | Text) -> None:
        """Add a row with a cell for each column."""
        self._rows.append([cell if isinstance(cell, Text) else Text(cell) for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table for the width of the console."""
        natural = [self._longest(at, whole=True) for at in range(len(self._columns))]
        least = [min(natural[at], self._least(at)) for at in range(len(self._columns))]
        shown = fitting(least, [column.spare for column in self._columns], options.max_width)
        widths = shared([natural[at] for at in shown], [least[at] for at in shown], options.max_width)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place, at in enumerate(shown):
            column = self._columns[at]
            table.add_column(
                Text(column.name),
                justify="right" if column.right else "left",
                overflow="fold",
                width=widths[place] if widths else None,
            )
        for row in self._rows:
            cells = (
                self._cell(row[at], at, widths[place] if widths else natural[at])
                for place, at in enumerate(shown)
            )
            table.add_row(*cells)
        yield table

    def _cell(self, cell: Text, at: int, width: int) -> Text:
        cut = self._columns[at].cut
        return cell if cut is None else Text(shortened(printable(cell.plain), width, cut), style=cell.style)

    def _least(self, at: int) -> int:
        """Return the narrowest width of a column."""
        column = self._columns[at]
        if column.cut is not None:
            return max(column.least or SHORTEST, cell_len(column.name))
        if column.right and not column.least:
            return self._longest(at, whole=True)
        return max(column.least, self._longest(at, whole=False))

    def _longest(self, at: int, *, whole: bool) -> int:
        """Return the width of the longest cell of a column, or of its longest word."""
        texts = (self._columns[at].name, *(printable(row[at].plain) for row in self._rows))
        parts = texts if whole else (word for text in texts for word in re.split(r"\s+", text))
        return max(map(cell_len, parts), default=0)


def columns(*specs: str | Column) -> FittedTable:
    """Return a table with these columns; a name alone means right-aligned if it begins with `>`."""
    return FittedTable(
        *(
            Column(spec.removeprefix(">"), right=spec.startswith(">")) if isinstance(spec, str) else spec
            for spec in specs
        )
    )


def fitting(least: Sequence[int], spare: Sequence[int], width: int) -> list[int]:
    """Return the numbers of the columns to show; spare ones are left out until the rest fits."""
    shown = list(range(len(least)))
    while _room([least[at] for at in shown], width) < 0 and any(spare[at] for at in shown):
        shown.remove(max(shown, key=lambda at: spare[at]))
    return shown


def _room(widths: Sequence[int], width: int) -> int:
    return width - EDGES - GAP * (len(widths) - 1) - sum(widths)


def shared(natural: Sequence[int], least: Sequence[int], width: int) -> list[int] | None:
    """Return the width of each column, in which those that need little have all; None if nothing fits."""
    room = _room(least, width)
    if room < 0:
        return None
    widths = list(least)
    wanting = sorted(range(len(natural)), key=lambda at: natural[at] - least[at])
    for place, at in enumerate(wanting):
        given = min(natural[at] - least[at], room // (len(wanting) - place))
        widths[at] += given
        room -= given
    return widths


def shortened(text: str, width: int, cut: Literal["start", "end"]) -> str:
    """Return the text within a width; an ellipsis stands for what is cut off."""
    if cell_len(text) <= width:
        return text
    if cut == "end":
        return set_cell_size(text, width - 1).rstrip() + "…"
    tail = text[-(width - 1) :]
    while cell_len(tail) > width - 1:
        tail = tail[1:]
    return "…" + tail
