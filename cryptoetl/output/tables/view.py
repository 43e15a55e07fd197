"""How much of a result is shown: all of it, or what fits a screen."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from rich.text import Text

from cryptoetl.util.text import plural

T = TypeVar("T")

PIPED_ROWS = 40
"""Rows of a table where the output is no screen."""


@dataclass(frozen=True)
class View:
    """What to show of a result.

    At most `rows` rows of a table, or all if it is None or with `verbose`; with `failed`, of an execution
    only the currencies that failed. Durations of what still runs end at `now`, whose zone is that of all
    times; without it, times are in their own zone.
    """

    verbose: bool = False
    rows: int | None = None
    now: datetime | None = None
    failed: bool = False

    @property
    def limit(self) -> int | None:
        """Return the number of rows to show; None for all."""
        return None if self.verbose or self.failed else self.rows


FULL = View()


@dataclass(frozen=True)
class Folded(Generic[T]):
    """The items to show, and how many others there are, counted by a word."""

    shown: list[T]
    hidden: Counter[str]

    def note(self, how: str = "-v shows all") -> Text | None:
        """Return a line about the items that are not shown; None if all are."""
        if not self.hidden:
            return None
        words = ", ".join(f"{number:,} {word}" for word, number in self.hidden.most_common())
        return Text(f"… and {self.hidden.total():,} more: {words}{how and f' ({how})'}", style="dim")


def fold(
    items: Collection[T], limit: int | None, *, word: Callable[[T], str], rank: Callable[[T], int]
) -> Folded[T]:
    """Show at most `limit` items, those of the lowest rank first, and count the others by their word."""
    if limit is None or len(items) <= limit:
        return Folded(sorted(items, key=rank), Counter())
    shown = heapq.nsmallest(limit, items, key=rank)
    return Folded(shown, Counter(map(word, items)) - Counter(map(word, shown)))


def counts(words: Counter[str], order: Collection[str]) -> str:
    """Return how often each word occurs, such as "2 loaded, 1 failed"."""
    return ", ".join(f"{words[name]:,} {name.lower()}" for name in order if words[name])


def more(hidden: int, what: str, how: str = "-v shows all") -> Text:
    """Return a line about things that are not shown."""
    return Text(f"… and {plural(hidden, f'more {what}')} ({how})", style="dim")
