"""Coins that are named in a file's name or in a search term.

Only whole words count: "blink" does not name LINK. The currency that a price is quoted in (EUR, USDT) is not
the coin.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptoetl.discovery.coin_names import COIN_QUOTES, EVERYDAY, NOISE, QUOTES, TICKERS
from cryptoetl.discovery.local_names import LOCAL_NAMES


def _names() -> dict[str, str]:
    own = {ticker.lower(): ticker for ticker in TICKERS}
    local = {
        "".join(words_of(name)).lower(): ticker for ticker, names in LOCAL_NAMES.items() for name in names
    }
    return {name: ticker for ticker, names in TICKERS.items() for name in names} | local | own


_LONGEST_QUOTES_FIRST: Final = sorted(QUOTES | COIN_QUOTES, key=lambda quote: (-len(quote), quote))
_LONGEST: Final = 6
"""Most words in a coin's name."""


@dataclass(frozen=True)
class Coin:
    """A coin that a text names; `quote` is the currency of its price, if the text has it.

    `known` is False for a word that is not in the list of coins but can hardly be anything else.
    """

    ticker: str
    quote: str | None = None
    known: bool = True


def mentioned(text: str) -> tuple[Coin, ...]:
    """Return the coins that a text names, each once.

    A coin that is not in the list is found only if it is the only meaningful word.

    >>> mentioned("BTC_EUR Historical Data")
    (Coin(ticker='BTC', quote='EUR', known=True),)
    """
    words = words_of(text)
    found: dict[str, Coin] = {}
    at = 0
    while at < len(words):
        coin, used = _coin_at(words, at)
        if coin is not None and (coin.ticker not in found or found[coin.ticker].quote is None):
            found[coin.ticker] = coin
        at += used
    if found:
        return tuple(found.values())
    only = _only_word(words)
    return (only,) if only is not None else ()


def has_meaningful_words(text: str) -> bool:
    """Return whether a text has words other than those for kinds of files: an unknown coin, perhaps."""
    return bool(_meaningful(words_of(text)))


def _coin_at(words: list[str], at: int) -> tuple[Coin | None, int]:
    """Return the coin whose name begins at a word, and the number of words that belong to it."""
    lower = [word.lower() for word in words[at : at + _LONGEST + 1]]
    for length in range(min(_LONGEST, len(lower)), 0, -1):
        name = "".join(lower[:length])
        ticker = NAMES.get(name)
        if ticker is None:
            continue
        after = lower[length] if length < len(lower) else ""
        in_coins = after in COIN_QUOTES and after != name and name in (ticker.lower(), "xbt", "xdg")
        if after in QUOTES or in_coins:
            return Coin(ticker, _quote(after)), length + 1
        if name not in QUOTES and (name not in EVERYDAY or words[at].isupper()):
            return Coin(ticker), length
    word, after = lower[0], lower[1] if len(lower) > 1 else ""
    for quote in _LONGEST_QUOTES_FIRST:
        if word.endswith(quote) and (ticker := NAMES.get(word.removesuffix(quote))) is not None:
            return Coin(ticker, _quote(quote)), 1
    unknown = _as_ticker(word) if words[at].isupper() and word not in NOISE | QUOTES else None
    if unknown is not None and after in QUOTES:
        return Coin(unknown, _quote(after), known=False), 2
    return None, 1


def _quote(word: str) -> str:
    return "BTC" if word == "xbt" else word.upper()


def _only_word(words: list[str]) -> Coin | None:
    meaningful = _meaningful(words)
    if len(meaningful) != 1:
        return None
    ticker = NAMES.get(meaningful[0]) or _as_ticker(meaningful[0])
    return None if ticker is None else Coin(ticker, known=meaningful[0] in NAMES)


def _meaningful(words: list[str]) -> list[str]:
    lower = dict.fromkeys(word.lower() for word in words)
    return [word for word in lower if word not in NOISE | QUOTES and not word.isdigit()]


def _as_ticker(word: str) -> str | None:
    return word.upper() if re.fullmatch(r"[a-z][a-z0-9]{1,14}", word) else None


def words_of(text: str) -> list[str]:
    """Return the words without accents; a capital or four digits inside a word begin another: BTC2024."""
    plain = unicodedata.normalize("NFKD", text)
    # Composed again: Korean syllables are not letters with accents.
    plain = unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))
    return [
        part
        for word in re.findall(r"[^\W_]+", plain)
        for part in re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9]{4})", word)
    ]


NAMES: Final = _names()
"""Ticker by name and by itself, both in lower case."""
