"""Tables of the warehouse: verification, rows of a query."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from cryptoetl.output.tables.words import columns, count, span
from cryptoetl.pipeline.results import TableCheck, VerifyResult
from cryptoetl.target.warehouse import QueryRows
from cryptoetl.util.text import printable


def verify(result: VerifyResult) -> Iterator[RenderableType]:
    """Yield whether each table equals gold, how it differs, and notes."""
    table = columns("Table", "Verified", ">Rows", "Dates from – to", ">No price")
    for item in result.tables:
        table.add_row(
            item.table,
            _agrees(item),
            count(item.rows),
            span(item.first, item.last),
            count(item.missing_prices),
        )
    yield table
    for item in result.tables:
        if item.problems:
            yield Text.assemble(f"{item.table} ", _agrees(item), f": {'; '.join(item.problems)}")
    for item in result.tables:
        for note in item.notes:
            yield Text.assemble(f"{item.table} ", ("note", "yellow"), f": {note}")
    if any(item.rows is not None for item in result.tables):
        yield Text(f"The tables are in {result.location}.")


def _agrees(item: TableCheck) -> Text:
    if not item.problems:
        return Text("equals gold", style="green")
    return Text("missing" if item.rows is None else "differs", style="bold red")


def rows(result: QueryRows) -> RenderableType:
    """Return the rows as a table."""
    table = columns()
    for name in result.columns:
        table.add_column(Text(printable(name)), overflow="fold")
    for row in result.rows:
        table.add_row(*(Text("" if value is None else printable(str(value))) for value in row))
    if not result.more:
        return table
    return Group(table, Text(f"The first {len(result.rows):,} rows; --limit shows more.", style="dim"))
