"""`--changed`: the currencies that a run leaves out, as their tables are loaded from what is there now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cryptoetl.events import Observe, Remarked
from cryptoetl.state_machine import marks
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.target import Target
from cryptoetl.util.text import plural

NAMED = 10
"""Currencies that the message names."""


def unchanged(
    target: Target, deployed: Bundle, tickers: Collection[str], observe: Observe
) -> tuple[str, ...]:
    """Return those of these deployed currencies that need not run, and report how many and what that saves.

    Two listings, of the raw files and of the marks, whatever the number of currencies.
    """
    loaded = target.warehouse.marks()
    marked = [ticker for ticker in tickers if ticker in loaded]
    tags = target.storage.tags(marks.raw_keys(deployed, marked)) if marked else {}
    same = tuple(marks.unchanged(deployed, marked, tags, loaded))
    if same and len(same) < len(tickers):
        left = set(tickers) - set(same)
        saved = deployed.runs(tickers) - deployed.runs(left)
        observe(
            Remarked(
                f"{len(same):,} of {plural(len(tickers), 'currency')} "
                f"{'is' if len(same) == 1 else 'are'} unchanged since their tables were loaded and left out: "
                f"{plural(saved, 'Glue run')} fewer"
            )
        )
    return same


def nothing_to_run(same: Sequence[str]) -> str:
    """Return the note of a run that all its currencies were left out of."""
    if len(same) == 1:
        return f"Nothing to run: {same[0]} is unchanged since its table was loaded."
    return f"Nothing to run: all {len(same):,} currencies are unchanged since their tables were loaded."
