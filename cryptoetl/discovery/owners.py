"""The coin that a file belongs to, by its content (search term, symbols), else its name, else its folders."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from cryptoetl.discovery import coins
from cryptoetl.discovery.coins import Coin
from cryptoetl.discovery.sniffs import HistorySniff, TrendSniff
from cryptoetl.raw_files import archives
from cryptoetl.raw_files.columns import CLOSE, plain
from cryptoetl.util.text import quoted

S = TypeVar("S", HistorySniff, TrendSniff)


@dataclass(frozen=True)
class Named(Generic[S]):
    """A file and its coin; None if the file names none, or several, as `reason` then says."""

    sniff: S
    coin: Coin | None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def ticker(self) -> str | None:
        """Return the coin's ticker, if there is a coin."""
        return self.coin.ticker if self.coin else None

    @property
    def quote(self) -> str | None:
        """Return the currency of the coin's price, if it is known."""
        return self.coin.quote if self.coin else None


def of_history(sniff: HistorySniff, root: Path) -> Named[HistorySniff]:
    """Return a history with its coin, also by the names of folders up to `root`."""
    named = _named(sniff, sniff.symbol or "", root)
    if (column := of_column(sniff.price_column)) is None:
        return named
    if named.coin is None:
        return named if named.reason else Named(sniff, column)
    if named.ticker == column.ticker or not named.coin.known:
        return replace(named, coin=replace(column, quote=named.quote or column.quote))
    return Named(
        sniff, None, f"it names {named.ticker}, and its column {quoted(str(sniff.price_column))} another coin"
    )


def of_column(name: str | int) -> Coin | None:
    """Return the coin that a column's name says beside its price, such as close_btc; None for none."""
    if isinstance(name, int) or plain(name) in CLOSE:
        return None
    return next((coin for coin in coins.mentioned(name) if coin.known), None)


def of_trend(sniff: TrendSniff, root: Path) -> Named[TrendSniff]:
    """Return a trend with its coin, also by the names of folders up to `root`."""
    return _named(sniff, search_term(sniff), root)


def search_term(trend: TrendSniff) -> str:
    """Return the search term without the region: `Bitcoin: (Worldwide)` is Bitcoin."""
    return re.sub(r":? ?\([^()]*\)$", "", trend.term).strip()


def _named(sniff: S, content: str, root: Path) -> Named[S]:
    stem, inner = archives.stem(sniff.file.name), archives.stem(sniff.inner)
    said = [found for text in (content, stem, inner) if (found := coins.mentioned(text))]
    if not said and not coins.has_meaningful_words(content) and not coins.has_meaningful_words(stem):
        names = (part.resolve().name for part in _folders(sniff.file, root))
        said = [known for name in names if (known := _known(name))]
    found = next((found for found in said if any(coin.known for coin in found)), said[0] if said else ())
    if not found:
        return Named(sniff, None)
    if len(found) > 1:
        tickers = ", ".join(coin.ticker for coin in found)
        return Named(sniff, None, f"it names several currencies ({tickers})")
    coin = found[0]
    same = [other for others in said for other in others if other.ticker == coin.ticker]
    quote = next((other.quote for other in same if other.quote), None)
    others = {other.ticker for others in said for other in others if other.known} - {coin.ticker}
    notes = [f"{sniff.file.name} also names {other}" for other in sorted(others)]
    return Named(sniff, Coin(coin.ticker, quote, coin.known), notes=tuple(notes))


def _known(name: str) -> tuple[Coin, ...]:
    return tuple(coin for coin in coins.mentioned(name) if coin.known)


def _folders(file: Path, root: Path) -> list[Path]:
    """Return the folders from the file's own up to `root`."""
    parents = list(file.parents)
    return parents[: parents.index(root) + 1] if root in parents else parents[:1]
