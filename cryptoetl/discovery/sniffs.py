"""What `init` knows of a file: a history of prices, a Google trend, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from cryptoetl.discovery.evidence import (
    Cadence,
)
from cryptoetl.raw_files.numerals import Decimal

Samples = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Facts:
    """Rows with a date, their first and last date, and how far apart neighbouring dates mostly are.

    `cadence` is None for a single row. `unreadable` rows lack a date or value in the format that was found.
    """

    rows: int
    first: date
    last: date
    cadence: Cadence | None
    missing: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class HistorySniff:
    """A file of prices. A column is its name, or its number from 1 if there is no header.

    `decisions` are what the values had to decide; `doubts` what they could not. The fields that are not part
    of the repr are for pairing alone, and not in `--json`.
    """

    file: Path
    facts: Facts
    date_column: str | int = "Date"
    price_column: str | int = "Price"
    date_format: str = "MM/dd/yyyy"
    decimal: Decimal = "."
    delimiter: str = ","
    symbol: str | None = None
    decisions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    rivals: tuple[str | int, ...] = field(default=(), repr=False)
    """Columns that could hold the price as well, if there was no choosing; `doubts` says why."""
    like_a_trend: bool = field(default=False, repr=False)
    """Whether nearly all values are whole numbers from 0 to 100, as search interest is."""
    mixed: bool = field(default=False, repr=False)
    """Whether columns of other studies stand beside the prices: signals, sentiment, search interest."""
    samples: Samples = field(default=(), repr=False)
    """Days, as ordinals, with their prices: enough to compare two files."""
    inner: str = field(default="", repr=False)
    """The name of the file in the archive, if the file is one."""
    chosen: bool = field(default=False, repr=False)
    """Whether the user has chosen this file or column."""


@dataclass(frozen=True)
class TrendSniff:
    """A file of Google-trend values for one search term."""

    file: Path
    facts: Facts
    term: str
    trend_date_format: str = "yyyy-MM-dd"
    trend_delimiter: str = ","
    decisions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    from_google: bool = field(default=False, repr=False)
    """Whether it is an export of Google's own, not one of a library."""
    inner: str = field(default="", repr=False)
    """The name of the file in the archive, if the file is one."""


@dataclass(frozen=True)
class NotRecognised:
    """A file that cannot be used, with the reason; `kind` if it is recognisable."""

    file: Path
    reason: str
    kind: Literal["history", "trend"] | None = None


Sniff = HistorySniff | TrendSniff | NotRecognised
