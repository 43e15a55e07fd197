"""What all tables are made of: columns, counts, times, sizes and states in words."""

from __future__ import annotations

from datetime import date, datetime

from rich import box
from rich.table import Table
from rich.text import Text

STYLES = {
    "LOADED": "green",
    "SUCCEEDED": "green",
    "RUNNING": "cyan",
    "FAILED": "bold red",
    "TIMED_OUT": "bold red",
    "ABORTED": "yellow",
    "INTERRUPTED": "yellow",
    "PENDING": "dim",
    "SKIPPED": "dim",
}


def columns(*names: str) -> Table:
    """`>` before a column's name sets it to the right. What is long is told below a table, not in it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in names:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right,
            min_width=len("2024-01-31 –") if column.endswith("from – to") else None,  # breaks between dates
        )
    return table


def state(name: str) -> Text:
    return Text(name, style=STYLES.get(name, ""))


def seconds(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments, as 0.3 s, 42 s or 3 min 05 s; empty if one is unknown."""
    if start is None or end is None:
        return ""
    total = max(0.0, (end - start).total_seconds())
    if total < 10:
        return f"{total:.1f} s"
    whole = round(total)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def span(first: date | None, last: date | None) -> str:
    return f"{first} – {last}" if first and last else ""


def size(size: int) -> str:
    return (
        f"{size:,} B"
        if size < 10_000
        else f"{size / 1000:,.0f} kB"
        if size < 10_000_000
        else f"{size / 1e6:,.0f} MB"
    )
