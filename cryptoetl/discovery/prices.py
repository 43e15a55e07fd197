"""Which column of a file holds the price: by its name, by its place, and by what the numbers say.

A column is chosen where these agree, or where one speaks and the others are silent. Else there is no choice,
and the columns that it could be are returned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from cryptoetl.discovery import bars
from cryptoetl.discovery.coin_names import COIN_QUOTES, QUOTES
from cryptoetl.discovery.coins import NAMES
from cryptoetl.discovery.readings import DateFormat, decimal_sign, is_number, number
from cryptoetl.raw_files.bars import Numbers, is_counter, is_outside
from cryptoetl.raw_files.columns import CLOSE, HIGH, LOW, OPEN, OTHER
from cryptoetl.raw_files.numerals import Decimal, is_missing
from cryptoetl.util.text import quoted


@dataclass(frozen=True)
class Value:
    """The column of values; `rivals` are the others that it could be, if it could not be chosen."""

    at: int
    doubt: str | None = None
    rivals: tuple[int, ...] = ()
    coins: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sample:
    """The first rows of a file and its columns of dates; `names` are as `columns.plain` has them."""

    rows: Sequence[Sequence[str]]
    names: Sequence[str] | None
    date_at: int
    date: DateFormat
    dated: frozenset[int]
    file_name: str = ""

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return max(map(len, self.rows))

    def name(self, at: int) -> str:
        """Return a column's name; empty where there is none."""
        return self.names[at] if self.names is not None and at < len(self.names) else ""

    def cells(self, at: int) -> list[str]:
        """Return what a column holds, oldest first."""
        return [row[at] if at < len(row) else "" for row in self._oldest_first]

    @cached_property
    def _oldest_first(self) -> Sequence[Sequence[str]]:
        days = [
            day
            for row in self.rows
            if len(row) > self.date_at and (day := self.date.read(row[self.date_at])) is not None
        ]
        falling = sum(earlier > later for earlier, later in pairwise(days))
        return list(reversed(self.rows)) if 2 * falling > len(days) else self.rows

    @cached_property
    def _decimal(self) -> Decimal:
        signs = [
            decimal_sign(text) for row in self.rows for at, text in enumerate(row) if at not in self.dated
        ]
        return "," if signs.count(",") > signs.count(".") else "."

    @cached_property
    def numeric(self) -> Mapping[int, Numbers]:
        """Return the numbers of each column that mostly holds numbers; of no counter if there are others."""
        found: dict[int, Numbers] = {}
        for at in range(self.width):
            cells = self.cells(at)
            written = [text for text in cells if not is_missing(text)]
            if at == self.date_at or not written:
                continue
            if 2 * sum(is_number(text) or text.replace(" ", "") == "<1" for text in written) < len(written):
                continue
            found[at] = [number(text, self._decimal) for text in cells]
        return {at: numbers for at, numbers in found.items() if not is_counter(numbers)} or found


def choose(sample: Sample) -> Value | str:
    """Return the column of prices (or trend values), or why there is none."""
    numeric = sample.numeric
    if not numeric:
        return _no_numbers(sample)
    if sample.names is None:
        return _by_place(sample, bars.find(numeric))
    roles = {at: _role(sample.name(at)) for at in range(sample.width) if at != sample.date_at}
    named = _without_other_coins(sample, [at for at, role in roles.items() if role == "close"])
    wide = [at for at in named or roles if at in numeric and (named or roles[at] == "coin")]
    if len(wide) > 1 and all(_coin(sample.name(at)) for at in wide):
        return Value(wide[0], coins=tuple(wide))
    if named and not set(named) & set(numeric):
        return _not_numbers(sample, named[0])
    if known := sorted(set(named) & set(numeric), key=lambda at: (_rank(sample.name(at)), at)):
        return _named(sample, known, roles)
    return _unnamed(sample, roles)


def _without_other_coins(sample: Sample, named: list[int]) -> list[int]:
    """Return columns of prices without those that name a coin, as in price_btc, unless all of them do."""
    return [at for at in named if not _coin(sample.name(at))] or named


def _coin(name: str) -> str | None:
    """Return the coin that a column's name says beside its price: close_btc."""
    if name in CLOSE:
        return None
    return next((NAMES[word] for word in name.split() if word in NAMES and word not in QUOTES), None)


def _named(sample: Sample, known: Sequence[int], roles: Mapping[int, str]) -> Value:
    """Return the column whose name says that it holds the price, if its numbers do not say otherwise.

    Of several quotes, that of the file's name is taken, or else the usual one, with a doubt.
    """
    numeric = sample.numeric
    moving = [at for at in known if len(set(numeric[at])) > 1] or known
    said = {word for word in re.findall("[a-z]+", sample.file_name.lower()) if word in QUOTES}
    meant = [at for at in moving if _quote(sample.name(at)) in said] if len(said) == 1 else []
    at = (meant or moving)[0]
    quote = _quote(sample.name(at))
    highs = [other for other, role in roles.items() if role == "high" and other in numeric]
    lows = [other for other, role in roles.items() if role == "low" and other in numeric]
    for high, low in zip(highs, lows, strict=False):
        same = _quote(sample.name(high)) == quote
        if same and is_outside(numeric[at], numeric[low], numeric[high]):
            rivals = [other for other in numeric if other != at and roles[other] != "other"]
            doubt = (
                f"the prices of {quoted(sample.name(at))} are not between the low and the high of their days"
            )
            return Value(at, doubt, tuple(rivals))
    rivals = [other for other in moving if _quote(sample.name(other)) not in (quote, None) and not meant]
    if rivals:
        names = " and ".join(quoted(sample.name(other)) for other in rivals)
        return Value(at, f"the column {quoted(sample.name(at))} is taken, not {names}")
    return Value(at)


def _unnamed(sample: Sample, roles: Mapping[int, str]) -> Value | str:
    """Return the column by what the numbers say, where no name says that it holds the price."""
    numeric = sample.numeric
    likely = [at for at in numeric if roles[at] in ("unknown", "coin")]
    if len(likely) == 1 and not any(roles[at] in ("open", "high", "low") for at in numeric):
        return Value(likely[0])
    found = bars.find({at: numbers for at, numbers in numeric.items() if roles[at] != "other"})
    if found is not None:
        inside = [at for at in found.inside if roles[at] in ("unknown", "coin")]
        opens = [at for at in found.inside if roles[at] == "open"]
        if len(inside) == 1 and opens:
            return Value(inside[0])
        if found.close in inside:
            return Value(found.close, f"column {found.close + 1} is the close, by its numbers")
        if (at := _open_high_low_close(found)) in inside:
            return Value(at, f"column {at + 1} is the close, by its place and numbers")
    if not likely:
        others = tuple(numeric)
        return Value(others[0], "no column's name says that it holds the price", others[1:] or others[:1])
    if len(likely) == 1:
        return Value(likely[0], f"column {likely[0] + 1} of {sample.width} is taken for the price")
    return Value(likely[0], "no column's name says that it holds the price", tuple(likely[1:]))


def _by_place(sample: Sample, found: bars.Bars | None) -> Value:
    """Return the column of a file without a header."""
    numeric = sample.numeric
    if len(numeric) == 1:
        return Value(next(iter(numeric)))
    for start in numeric:
        if bars.in_order([numeric.get(start + n) for n in range(4)]) and _fits(found, start, numeric):
            return Value(start + 3)
    if found is not None:
        if found.close is not None:
            return Value(
                found.close, f"there is no header: column {found.close + 1} is the close, by its numbers"
            )
        if (at := _open_close_high_low(found)) is not None and sample.date.order == "unix":
            return Value(at, f"there is no header: column {at + 1} is the close, as in KuCoin's files")
    first, *others = numeric
    return Value(
        first, "there is no header, and the numbers do not say which column is the close", tuple(others)
    )


def _fits(found: bars.Bars | None, start: int, numeric: Mapping[int, Numbers]) -> bool:
    """Return whether four columns in the usual order are the bars that were found, or have nothing of them.

    A counter can stand in the place of the low or the high by chance.
    """
    if found is None or found.columns.isdisjoint(range(start, start + 4)):
        return True
    high, low = numeric[start + 1], numeric[start + 2]
    return (high, low) == (numeric[found.high], numeric[found.low]) and found.close != start


def _open_high_low_close(found: bars.Bars) -> int | None:
    """Return the close of bars in the usual order."""
    at = found.high - 1
    usual = found.low == found.high + 1 and {at, at + 3} <= set(found.inside)
    return at + 3 if usual else None


def _open_close_high_low(found: bars.Bars) -> int | None:
    """Return the close of bars in the order of KuCoin and Bitfinex."""
    at = found.high - 2
    return at + 1 if found.low == found.high + 1 and {at, at + 1} <= set(found.inside) else None


def _role(name: str) -> str:
    """Return what a column's name says: open, high, low, close, coin, other or unknown."""
    bare = _bare(name)
    for role, names in (("close", CLOSE), ("open", OPEN), ("high", HIGH), ("low", LOW)):
        if name in names or bare in names:
            return role
    if OTHER.search(name) or not name:
        return "other"
    return "coin" if not bare else "unknown"


def _rank(name: str) -> int:
    bare = _bare(name)
    return CLOSE.index(name) if name in CLOSE else CLOSE.index(bare) if bare in CLOSE else len(CLOSE)


def _bare(name: str) -> str:
    """Return a name without the coins and currencies in it: close of btc_close."""
    return " ".join(word for word in name.split() if word not in QUOTES and word not in NAMES)


def _quote(name: str) -> str | None:
    return next((word for word in name.split() if word in QUOTES | COIN_QUOTES), None)


def _no_numbers(sample: Sample) -> str:
    names = range(sample.width) if sample.names is not None else ()
    for at in names:
        if _role(sample.name(at)) == "close" and at != sample.date_at:
            return _not_numbers(sample, at)
    return "it has no column of numbers"


def _not_numbers(sample: Sample, at: int) -> str:
    example = next((text for text in sample.cells(at) if text), "")
    return f"the prices, such as {quoted(example)}, are not plain numbers"
