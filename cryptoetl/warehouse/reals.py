"""Single-precision numbers as people write them."""

from __future__ import annotations

from math import isfinite
from struct import pack, unpack


def shortest(value: float | None) -> float | None:
    """A REAL as the number with the fewest digits that it stands for, as Redshift shows it: 6.1."""
    if value is None or not isfinite(value):
        return value
    candidates = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    return next((number for number in candidates if unpack("f", pack("f", number))[0] == value), value)
