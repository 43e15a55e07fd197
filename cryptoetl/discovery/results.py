"""What `init` found and proposes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptoetl.discovery.sniffing import HistorySniff, TrendSniff


@dataclass(frozen=True)
class ProposedCurrency:
    """A currency that `init` makes of two files: formats and facts as sniffed, `lines` as in the file."""

    ticker: str
    history: HistorySniff
    trend: TrendSniff
    notes: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class UnpairedFile:
    """A file of no currency, why, and the lines to add that would use it, if any would."""

    file: Path
    kind: Literal["history", "trend"] | None
    reason: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class InitResult:
    """What `init` found below `folder`, and the text of the configuration that it makes of it."""

    config: Path
    folder: Path
    currencies: tuple[ProposedCurrency, ...]
    unpaired: tuple[UnpairedFile, ...]
    text: str
    written: bool = False

    @property
    def exit_code(self) -> int:
        return 0 if self.currencies else 1
