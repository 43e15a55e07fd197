"""What tells numbers that cannot be prices from prices: counters, and values outside of their own day."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Numbers = Sequence[float | None]
"""The numbers of a column, oldest first; None where one is missing."""


def is_counter(numbers: Numbers) -> bool:
    """Return whether numbers count rows, from 0 or 1 on, in one direction or the other."""
    if len(numbers) < 3 or {numbers[0], numbers[-1]}.isdisjoint({0.0, 1.0}):
        return False
    steps = {
        later - earlier if later is not None and earlier is not None else None
        for earlier, later in pairwise(numbers)
    }
    return steps in ({1.0}, {-1.0})


def is_outside(price: Numbers, low: Numbers, high: Numbers) -> bool:
    """Return whether a price is mostly not between the low and the high of its own day.

    A low or high that never moves says nothing.
    """
    if min(len(set(low)), len(set(high))) < 2:
        return False
    seen = outside = 0
    for value, bottom, top in zip(price, low, high, strict=True):
        if value is not None and bottom is not None and top is not None:
            seen += 1
            outside += not bottom * 0.999 <= value <= top * 1.001
    return seen > 0 and 2 * outside > seen
