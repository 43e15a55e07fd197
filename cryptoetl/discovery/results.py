"""The result of `init`: the files that it found, and the configuration that it proposes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptoetl.discovery.sniffs import HistorySniff, TrendSniff


@dataclass(frozen=True)
class ProposedCurrency:
    """A currency made of two files; `lines` are its lines in the configuration."""

    ticker: str
    history: HistorySniff
    trend: TrendSniff
    notes: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class UnpairedFile:
    """A file that is in no currency, the reason, and the lines of a configuration that would use it."""

    file: Path
    kind: Literal["history", "trend"] | None
    reason: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class InitResult:
    """The files below `folder`, and the text of the configuration made of them."""

    config: Path
    folder: Path
    currencies: tuple[ProposedCurrency, ...]
    unpaired: tuple[UnpairedFile, ...]
    text: str
    written: bool = False
    undecided: tuple[str, ...] = ()
    """Currencies that were left out because their prices could be in several columns or files."""

    @property
    def exit_code(self) -> int:
        """Return 1 without a currency or if one is undecided, 2 for a proposal that is not written."""
        if not self.currencies:
            return 1
        if not self.written:
            return 2
        return 1 if self.undecided else 0
