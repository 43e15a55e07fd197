"""Currencies as `init` proposes them, and the files that it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptoetl.discovery.sniffs import HistorySniff, TrendSniff

NO_TICKER = "TICKER"
"""Placeholder for a ticker that only the user knows."""


@dataclass(frozen=True)
class Entry:
    """A currency in the configuration; None stands for a missing file."""

    ticker: str
    history: HistorySniff | None
    trend: TrendSniff | None


@dataclass(frozen=True)
class Pair:
    """A currency with both files; `notes` name choices and oddities."""

    ticker: str
    history: HistorySniff
    trend: TrendSniff
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leftover:
    """A file that is in no currency, the reason, and the entry that would use it, if one could.

    `alternative` is why no choice was possible, if the entry is one of several for its currency.
    """

    file: Path
    kind: Literal["history", "trend"] | None
    reason: str
    entry: Entry | None = None
    alternative: str | None = None


@dataclass(frozen=True)
class Pairing:
    """The currencies, ordered by ticker, and the other files in the order in which they were found."""

    pairs: tuple[Pair, ...]
    leftovers: tuple[Leftover, ...]
