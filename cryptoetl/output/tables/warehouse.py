"""Tables of the warehouse: verification, rows of a query."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cryptoetl.output.tables.layout import DATES, Column, columns
from cryptoetl.output.tables.view import View, fold
from cryptoetl.output.tables.words import count, span
from cryptoetl.pipeline.results import TableCheck, VerifyResult
from cryptoetl.target.warehouse import QueryRows
from cryptoetl.util.text import plural, printable

NAMED = 5
"""Tables that are named."""


def verify(result: VerifyResult, view: View) -> Iterator[RenderableType]:
    """Yield whether each table equals gold, how it differs, and notes."""
    table = columns(
        Column("Table", cut="start", least=len("market_data.btc")),
        "Verified",
        ">Rows",
        Column("Dates from – to", least=DATES),
        Column("No price", right=True, spare=1),
    )
    folded = fold(result.tables, view.limit, word=_word, rank=_rank)
    for item in folded.shown:
        table.add_row(
            item.table,
            _agrees(item),
            count(item.rows),
            span(item.first, item.last),
            count(item.missing_prices),
        )
    yield table
    if note := folded.note():
        yield note
    yield from _remarks(folded.shown)
    if any(item.rows is not None for item in result.tables):
        yield Text(f"The tables are in {result.location}.")
    if missing := [item.ticker for item in result.tables if item.rows is None]:
        few = len(missing) < len(result.tables) and len(missing) <= NAMED
        which = f" --tickers {','.join(missing)}" if few else ""
        yield Text(
            f"`cryptoetl run{which}` loads what is missing; `cryptoetl status` says why a load failed."
        )


def verify_summary(result: VerifyResult, view: View) -> Iterator[Text]:
    """Yield how many tables equal gold, with their rows and dates, and which ones do not."""
    good = [item for item in result.tables if not item.problems]
    odd = [item for item in result.tables if item.problems]
    first = min((item.first for item in good if item.first), default=None)
    last = max((item.last for item in good if item.last), default=None)
    facts = [f"{plural(sum(item.rows or 0 for item in good), 'row')}", span(first, last)]
    equal = "equals" if len(good) == 1 else "equal"
    yield Text(f"{plural(len(good), 'table')} {equal} gold: {', '.join(filter(None, facts))}")
    folded = fold(odd, view.limit, word=_word, rank=_rank)
    yield from _remarks(folded.shown)
    if note := folded.note("`cryptoetl verify -v` shows all"):
        yield note
    if noted := sum(bool(item.notes) and not item.problems for item in result.tables):
        yield Text(f"{plural(noted, 'table')} with notes; `cryptoetl verify` shows them", style="dim")
    names = [item.table for item in good[:NAMED]] + ["…"] * (len(good) > NAMED)
    if names:
        yield Text(f"{', '.join(names)} in {result.location}")


def _remarks(tables: list[TableCheck]) -> Iterator[Text]:
    for item in tables:
        if item.problems:
            yield Text.assemble(f"{item.table} ", _agrees(item), f": {'; '.join(item.problems)}")
    for item in tables:
        for note in item.notes:
            yield Text.assemble(f"{item.table} ", ("note", "yellow"), f": {note}")


def _word(item: TableCheck) -> str:
    return _agrees(item).plain if item.problems else "equal to gold"


def _rank(item: TableCheck) -> int:
    return 0 if item.problems else 1 if item.notes else 2


def _agrees(item: TableCheck) -> Text:
    if not item.problems:
        return Text("equals gold", style="green")
    return Text("missing" if item.rows is None else "differs", style="bold red")


def rows(result: QueryRows) -> RenderableType:
    """Return the rows as a table, numbers on the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(result.columns):
        right = all(_is_number(row[at]) for row in result.rows if row[at] is not None) and result.rows
        table.add_column(Text(printable(name)), overflow="fold", justify="right" if right else "left")
    for row in result.rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    if not result.more:
        return table
    return Group(table, Text(f"The first {len(result.rows):,} rows; --limit shows more.", style="dim"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _cell(value: object) -> str:
    """Return a value for people: floats without the digits beyond 15, which are those of their rounding."""
    if value is None:
        return ""
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(f"{value:.15g}"))
    return printable(str(value))
