"""Shortest decimal form of single-precision numbers."""

from __future__ import annotations

from math import isfinite
from struct import pack, unpack


def shortest(value: float | None) -> float | None:
    """Return the shortest decimal number that rounds to this REAL, as Redshift shows it: 6.1."""
    if value is None or not isfinite(value):
        return value
    candidates = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    return next((number for number in candidates if unpack("f", pack("f", number))[0] == value), value)
