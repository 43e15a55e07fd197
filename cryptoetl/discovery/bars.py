"""Which columns are the open, high, low and close of a day, by what always holds between them.

The high is the highest and the low the lowest of the four on every row, and the close of a day is near the
open of the next one, because coins are traded without a pause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cryptoetl.raw_files.bars import Numbers

_ALWAYS = 0.98
"""Share of rows on which an order must hold: rounding and gaps break it now and then."""
SAME_MAGNITUDE = 5.0
"""Prices of one day differ by less; a volume or a counter seldom does."""
_CLEARLY = 0.8
"""How much nearer the closes must be to the next opens than the other way round."""


class Bars(NamedTuple):
    """Columns by what they hold; `inside` are all that lie between low and high, open and close among them.

    `close` and `open` are None if the two cannot be distinguished.
    """

    high: int
    low: int
    inside: tuple[int, ...]
    open: int | None = None
    close: int | None = None

    @property
    def columns(self) -> frozenset[int]:
        """Return all columns of the bars."""
        return frozenset({self.high, self.low, *self.inside})


def find(columns: Mapping[int, Numbers]) -> Bars | None:
    """Return the bars among columns of numbers, at least four of one magnitude; None if there are none."""
    usable = {at: values for at, values in columns.items() if _moves(values)}
    # Each pair is compared once: a file may have two hundred columns.
    below = {
        high: {at for at, values in usable.items() if at != high and _above(usable[high], values)}
        for high in usable
    }
    near = {(high, low) for high, lower in below.items() for low in lower if _near(usable[high], usable[low])}
    best: Bars | None = None
    narrowest = float("inf")
    for high, low in ((high, low) for high in usable for low in usable if (high, low) in near):
        inside = tuple(at for at in usable if at in below[high] and at != low and (at, low) in near)
        # Other columns may lie above all of them by chance: the bars are the narrowest.
        if len(inside) >= 2 and (spread := _spread(usable[high], usable[low])) < narrowest:
            best, narrowest = Bars(high, low, inside), spread
    if best is None:
        return None
    opened, closed = _open_and_close(best.inside, usable)
    return best._replace(open=opened, close=closed)


def _moves(values: Numbers) -> bool:
    """Whether there are enough numbers to compare, which are not all the same."""
    known = [value for value in values if value is not None]
    return len(known) > 2 and len(set(known)) > 1


def in_order(columns: Sequence[Numbers | None]) -> bool:
    """Return whether four columns, None if one is missing, are open, high, low and close in this order."""
    if len(columns) != 4 or any(column is None for column in columns):
        return False
    opened, high, low, closed = (column for column in columns if column is not None)
    return all(_above(high, inner) and _above(inner, low) for inner in (opened, closed)) and _near(high, low)


def _above(upper: Numbers, lower: Numbers) -> bool:
    seen = kept = 0
    for top, bottom in zip(upper, lower, strict=True):
        if top is not None and bottom is not None:
            seen += 1
            kept += top >= bottom
    return seen > 2 and kept >= _ALWAYS * seen


def _spread(upper: Numbers, lower: Numbers) -> float:
    return sum(top - bottom for top, bottom in zip(upper, lower, strict=True) if top and bottom)


def _near(values: Numbers, others: Numbers) -> bool:
    """Whether two columns are of the same magnitude: a counter or a volume may lie between by chance."""
    seen = near = 0
    for value, other in zip(values, others, strict=True):
        if value and other and value > 0 and other > 0:
            seen += 1
            near += max(value, other) < SAME_MAGNITUDE * min(value, other)
    return seen > 2 and near >= 0.9 * seen


def _open_and_close(inside: Sequence[int], columns: Mapping[int, Numbers]) -> tuple[int | None, int | None]:
    """Return the open and the close if one order of two columns is clearly nearer than all others."""
    distances = sorted(
        (_distance(columns[closed], columns[opened]), opened, closed)
        for opened in inside
        for closed in inside
        if opened != closed
    )
    (nearest, opened, closed), rivals = distances[0], distances[1:]
    reverse = next(distance for distance, a, b in rivals if (a, b) == (closed, opened))
    if nearest >= _CLEARLY * reverse:
        return None, None
    return opened, closed


def _distance(closes: Numbers, opens: Numbers) -> float:
    """Return the mean relative distance of each close from the open of the row after it."""
    steps = [
        abs(opened - closed) / closed
        for (closed, _), (_, opened) in pairwise(zip(closes, opens, strict=True))
        if closed and opened
    ]
    return sum(steps) / len(steps) if steps else float("inf")
