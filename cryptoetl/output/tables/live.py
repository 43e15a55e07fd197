"""The live table of a running execution."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cryptoetl.output.tables.executions import failure, rank, reason, shown, step_cell, title
from cryptoetl.output.tables.view import View, fold
from cryptoetl.output.tables.words import duration, state
from cryptoetl.state_machine.definition import STEPS
from cryptoetl.state_machine.status import ExecutionStatus

ENOUGH = 10
"""Currencies that must have ended before the time left is estimated from them."""


def live(status: ExecutionStatus, view: View) -> RenderableType:
    """Return a table of at most `view.rows` currencies, in which no text takes more than one line."""
    currencies = [currency for currency in status.currencies if shown(currency, view)]
    folded = fold(currencies, view.rows, word=lambda c: c.status.lower(), rank=rank)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("Currency", "Status", *STEPS):
        table.add_column(name, justify="right" if name in STEPS else "left", no_wrap=True)
    table.add_column("Reason")  # the only column that is cut
    for currency in folded.shown:
        why = Text(failure(currency), no_wrap=True, overflow="ellipsis")
        steps = (step_cell(step, view.now) for step in currency.steps)
        table.add_row(currency.ticker, state(currency.status), *steps, why)
    note = folded.note("")
    above = [*title(status, view), *_ahead(status, view.now)]
    below = [*([note] if note else []), *reason(status)]
    for text in (*above, *below):
        text.no_wrap, text.overflow = True, "ellipsis"
    return Group(*above, table, *below)


def _ahead(status: ExecutionStatus, now: datetime | None) -> Iterator[Text]:
    """Yield how many currencies have ended and, once that can be estimated, how much time is left."""
    total, done = progress(status)
    if total:
        ahead = f"{done:,} of {total:,} done"
        if status.started and now and ENOUGH <= done < total:
            elapsed = (now - status.started).total_seconds()
            ahead += f", about {duration(elapsed * (total - done) / done)} left"
        yield Text(ahead)


def progress(status: ExecutionStatus) -> tuple[int, int]:
    """Return how many currencies the execution runs, and how many of them have ended."""
    words = [currency.status for currency in status.currencies if currency.status != "SKIPPED"]
    return len(words), sum(word not in ("PENDING", "RUNNING") for word in words)
