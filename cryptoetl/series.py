"""A value per day in little memory: twelve bytes for each day between the first year and the last."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import date
from math import isnan, nan
from typing import NamedTuple

from cryptoetl.dates import FIRST_YEAR

_BASE = date(FIRST_YEAR, 1, 1).toordinal()


class Day(NamedTuple):
    """A day of a series, the line that it stands on, and its value or None."""

    day: date
    line: int
    value: float | None


class Series:
    """The first line and value of each day; days may come in any order.

    Values are kept in double precision. A dictionary of a million days would take ten times the memory.
    """

    def __init__(self) -> None:
        self._lines = array("i")  # 0: no such day
        self._values = array("d")  # not a number: the day has no value
        self._first = -1
        self._last = -1
        self._days = 0
        self._valued = 0

    def __len__(self) -> int:
        return self._days

    @property
    def missing(self) -> int:
        """Days without a value."""
        return self._days - self._valued

    @property
    def first(self) -> date | None:
        return date.fromordinal(self._first + _BASE) if self._days else None

    @property
    def last(self) -> date | None:
        return date.fromordinal(self._last + _BASE) if self._days else None

    def add(self, day: date, line: int, value: float | None) -> tuple[int, float | None] | None:
        """Add a day; if it is there already, change nothing and return its line and value."""
        at = day.toordinal() - _BASE
        if at >= len(self._lines):
            more = at + 1 - len(self._lines)
            self._lines.extend(array("i", bytes(4 * more)))
            self._values.extend(array("d", bytes(8 * more)))
        if known := self._lines[at]:
            there = self._values[at]
            return known, _known(there)
        self._lines[at] = line
        self._values[at] = nan if value is None else value
        self._first = at if self._days == 0 else min(self._first, at)
        self._last = max(self._last, at)
        self._days += 1
        self._valued += value is not None
        return None

    def __iter__(self) -> Iterator[Day]:
        """The days in their order."""
        for at in range(max(self._first, 0), self._last + 1):
            if line := self._lines[at]:
                yield Day(date.fromordinal(at + _BASE), line, _known(self._values[at]))


def _known(value: float) -> float | None:
    return None if isnan(value) else value
