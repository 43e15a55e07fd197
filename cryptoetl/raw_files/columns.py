"""What the names of columns say: date, open, high, low, close, or something else than a price."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptoetl.raw_files.languages import LANGUAGES, Names
from cryptoetl.raw_files.numerals import CURRENCIES


@lru_cache(4096)
def plain(name: str) -> str:
    """Return the words of a column's name, in lower case and without accents: `Último*` is `ultimo`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).translate(_LETTERS)
    letters = (c for c in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(c))
    # Composed again: Korean syllables are not letters with accents.
    return unicodedata.normalize("NFC", " ".join(re.findall(r"[^\W_]+", "".join(letters).casefold())))


_LETTERS = str.maketrans("łŁıøØđĐ", "lLioOdD")
"""Letters whose accent is no mark of its own in Unicode."""


def _names(field: str) -> tuple[str, ...]:
    every = (name for names in LANGUAGES.values() for name in getattr(names, field).split(","))
    return tuple(dict.fromkeys(name for text in every if (name := plain(text))))


def _in(names: Names, field: str) -> tuple[str, ...]:
    return tuple(plain(text) for text in getattr(names, field).split(","))


DATE: Final = tuple(dict.fromkeys((*_in(LANGUAGES["English"], "date")[:1], *_names("date"))))
"""Names of the column of dates, the preferred first."""
OPEN: Final = frozenset(_names("open"))
HIGH: Final = frozenset(_names("high"))
LOW: Final = frozenset(_names("low"))
CLOSE: Final = (
    *dict.fromkeys((*_in(LANGUAGES["English"], "close"), *_names("close"))),
    *("adj close", "adj closing", "adjusted close", "price usd", "price eur", "close usd", "close eur"),
    *("closing price usd", "closing price eur", "value", "rate"),
)
"""Names of the column of prices; where a file has several of them, the earlier one is meant."""

SYMBOL: Final = frozenset(
    {"symbol", "ticker", "pair", "coin", "currency", "name", "crypto", "asset", "crypto name", "coin name"}
)
"""Names of the column that says of which coin a row is."""

WEEK: Final = frozenset(_names("week"))
"""What Google Trends calls the column of dates."""

OTHER: Final = re.compile(
    r"\b(?:"
    # what is traded and counted
    r"vol|volume|volumes|volumen|wolumen|umsatz|hac|hacim|объем|об|거래량|成交量|成交额|出来高|cap|marketcap|trades?|tradecount"
    r"|count|supply|qty|quantity|transactions?|addresses|holding|balance|cash"
    # change
    r"|change|chg|var|variation|fark|변동|涨跌幅"
    # the network
    r"|difficulty|hashrate|hash|fees?|revenue"
    # studies
    r"|score|scores|sentiment|signals?|fear|greed|greedfear|fng|trends?|rsi|sma|ema|macd|pnl|results"
    # rows
    r"|id|rank|sno|index|unnamed"
    r")\b"
)
"""Words in the names of columns and files that hold no prices."""


def name_at(header: Sequence[str], *others: int) -> int | None:
    """Return the column that says of which coin a row is; None if there is none beside the `others`."""
    return next((at for at, name in enumerate(header) if at not in others and plain(name) in SYMBOL), None)


def low_and_high(header: Sequence[str], price_at: int) -> tuple[int, int] | None:
    """Return the columns of the low and the high that are in the same currency as a column of prices."""
    found: dict[str, int] = {}
    for at, name in enumerate(header):
        words = plain(name).split()
        if _quotes(name) == _quotes(header[price_at]) and at != price_at:
            bare = " ".join(word for word in words if word not in CURRENCIES)
            for role, names in (("low", LOW), ("high", HIGH)):
                if bare in names:
                    found.setdefault(role, at)
    return (found["low"], found["high"]) if len(found) == 2 else None


def _quotes(name: str) -> set[str]:
    return set(plain(name).split()) & CURRENCIES


def is_date_name(name: str) -> bool:
    """Return whether a name, as `plain` has it, is that of dates."""
    return name in DATE


def may_be_price(name: str) -> bool:
    """Return whether a column of this name can hold the price: it is not the name of something else."""
    known = plain(name)
    if known in CLOSE:
        return True
    return not (known in OPEN | HIGH | LOW or is_date_name(known) or OTHER.search(known))


def is_price_name(name: str) -> bool:
    """Return whether a column with this name can hold nothing but prices."""
    return plain(name) in CLOSE and plain(name) not in ("value", "rate")
