"""A value per day in little memory: sixteen bytes for each row, and no object for any."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate, islice
from math import isnan, nan
from operator import gt, lt
from typing import NamedTuple

from cryptoetl.raw_files.dates import FIRST_YEAR

_BASE = date(FIRST_YEAR, 1, 1).toordinal() - 1
"""The last day that is too early, so that every day of a series has a place above 0."""


class Day(NamedTuple):
    """A day of a series, the line that it stands on, and its value or None."""

    day: date
    line: int
    value: float | None


class Columns(NamedTuple):
    """A series in the order of its days: ordinals, the lines they stand on, values (NaN: there is none)."""

    days: Sequence[int]
    lines: Sequence[int]
    values: Sequence[float]


class Series:
    """The first line and value of each day; days may come in any order.

    Values are kept in double precision, and with `digits` also as they are written, in eight more bytes a row
    and those of the digits. A dictionary of a million days would take ten times the memory.
    """

    def __init__(self, *, digits: bool = False) -> None:
        # As they came.
        self._days = array("i")
        self._lines = array("i")
        self._values = array("d")
        self._digits = bytearray() if digits else None
        self._ends = array("q")
        """Where the digits of each row end."""
        self.missing = 0
        """Days without a value."""
        self._places = array("i")
        """By day: where it is among the above, counting from 1. Filled when it is first needed."""
        self._placed = 0
        self._first = 0
        self._last = 0
        self._ascending = True
        self._descending = True

    def __len__(self) -> int:
        return len(self._days)

    @property
    def first(self) -> date | None:
        return date.fromordinal(self._first) if self._days else None

    @property
    def last(self) -> date | None:
        return date.fromordinal(self._last) if self._days else None

    def add(
        self, day: date, line: int, value: float | None, digits: str = ""
    ) -> tuple[int, float | None] | None:
        """Add a day; if it is there already, change nothing and return its line and value."""
        ordinal = day.toordinal()
        if place := self._place(ordinal):
            return self._lines[place - 1], _known(self._values[place - 1])
        self._append(array("i", (ordinal,)), line, array("d", (nan if value is None else value,)), (digits,))
        self.missing += value is None
        return None

    def extend(
        self, days: Sequence[int], line: int, values: array[float], digits: Sequence[str] = ()
    ) -> bool:
        """Add the days of consecutive lines, the first of which is `line`: ordinals, and values or NaN.

        They are taken if they all lie before or all after those that are there, and go one way. If not,
        False is returned and nothing is added: it takes `add` to tell which of them are there already.
        """
        if not (all(map(lt, days, islice(days, 1, None))) or all(map(gt, days, islice(days, 1, None)))):
            return False
        low, high = min(days[0], days[-1]), max(days[0], days[-1])
        if self._days and not (high < self._first or low > self._last):
            return False
        self._append(array("i", days), line, values, digits)
        if isnan(sum(values)):
            self.missing += sum(map(isnan, values))
        return True

    def _append(self, days: array[int], line: int, values: array[float], digits: Sequence[str]) -> None:
        begins, ends = days[0], days[-1]
        if self._days:
            before = self._days[-1]
            self._ascending &= before < begins <= ends
            self._descending &= before > begins >= ends
            self._first = min(self._first, begins, ends)
            self._last = max(self._last, begins, ends)
        else:
            self._ascending, self._descending = begins <= ends, begins >= ends
            self._first, self._last = min(begins, ends), max(begins, ends)
        self._days.extend(days)
        self._lines.extend(range(line, line + len(days)))
        self._values.extend(values)
        if self._digits is not None:
            lengths = accumulate(map(len, digits), initial=len(self._digits))
            self._ends.extend(islice(lengths, 1, None))
            self._digits += "".join(digits).encode()

    def _place(self, ordinal: int) -> int:
        """Where a day is, counting from 1; 0 if it is not there."""
        places, days = self._places, self._days
        if (top := max(ordinal, self._last) - _BASE) >= len(places):
            # A quarter more than is needed: days in ascending order would otherwise move all of it each.
            places.extend(array("i", bytes(4 * (top + 1 + top // 4 - len(places)))))
        for at in range(self._placed, len(days)):
            places[days[at] - _BASE] = at + 1
        self._placed = len(days)
        return places[ordinal - _BASE]

    def _order(self) -> Sequence[int]:
        """Return the places of the days in their order, counting from 0."""
        if self._ascending:
            return range(len(self._days))
        if self._descending:
            return range(len(self._days) - 1, -1, -1)
        self._place(self._last)
        return array("i", (place - 1 for place in self._places if place))

    def columns(self) -> Columns:
        """Return the days in their order."""
        if self._ascending:
            return Columns(self._days, self._lines, self._values)
        if self._descending:
            return Columns(self._days[::-1], self._lines[::-1], self._values[::-1])
        order = self._order()
        return Columns(
            array("i", map(self._days.__getitem__, order)),
            array("i", map(self._lines.__getitem__, order)),
            array("d", map(self._values.__getitem__, order)),
        )

    def written(self, missing: str) -> Iterator[str]:
        """Yield each day in order as `yyyy-MM-dd,digits`, with `missing` where there is no value.

        Without digits of their own, values are whole numbers.
        """
        days, values, ends = self._days, self._values, self._ends
        digits = self._digits.decode() if self._digits is not None else None
        for at in self._order():
            if values[at] != values[at]:
                yield f"{_iso(days[at])},{missing}"
            elif digits is None:
                yield f"{_iso(days[at])},{int(values[at])}"
            else:
                yield f"{_iso(days[at])},{digits[ends[at - 1] if at else 0 : ends[at]]}"

    def __iter__(self) -> Iterator[Day]:
        """The days in their order."""
        for day, line, value in zip(*self.columns(), strict=True):
            yield Day(date.fromordinal(day), line, _known(value))


@lru_cache(20_000)
def _iso(ordinal: int) -> str:
    """Return a day as yyyy-MM-dd; files of many currencies hold the same days."""
    return date.fromordinal(ordinal).isoformat()


def _known(value: float) -> float | None:
    return None if isnan(value) else value
