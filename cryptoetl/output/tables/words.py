"""Parts of all tables: columns, counts, times, sizes and states in words."""

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
    """Return a table with these columns, right-aligned if the name begins with `>`.

    Long text belongs below a table, not in it.
    """
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
    """Return a status in its colour."""
    return Text(name, style=STYLES.get(name, ""))


def seconds(start: datetime | None, end: datetime | None) -> str:
    """Return the time between two moments, such as 0.3 s, 42 s or 3 min 05 s; "" if one is None."""
    if start is None or end is None:
        return ""
    total = max(0.0, (end - start).total_seconds())
    if total < 10:
        return f"{total:.1f} s"
    whole = round(total)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def count(number: int | None) -> str:
    """Return a number with separators; "" for None."""
    return "" if number is None else f"{number:,}"


def span(first: date | None, last: date | None) -> str:
    """Return a range of dates; "" if one is None."""
    return f"{first} – {last}" if first and last else ""


def size(number: int) -> str:
    """Return a number of bytes in B, kB or MB."""
    if number < 10_000:
        return f"{number:,} B"
    return f"{number / 1000:,.0f} kB" if number < 10_000_000 else f"{number / 1e6:,.0f} MB"
