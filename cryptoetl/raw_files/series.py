"""One value per day in little memory: sixteen bytes a row, and no object per row."""

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
"""The day before the first possible one, so that every day of a series has an index above 0."""


class Day(NamedTuple):
    """A day of a series with the line that it is on, and its value or None."""

    day: date
    line: int
    value: float | None


class Columns(NamedTuple):
    """A series in the order of its days: ordinals, lines, and values, NaN where there is none."""

    days: Sequence[int]
    lines: Sequence[int]
    values: Sequence[float]


class Series:
    """The first line and value of each day; days may be added in any order.

    Values are kept in double precision. With `digits` their text is kept as well, which takes its own length
    and eight bytes a row. A dictionary of a million days would need ten times the memory.
    """

    def __init__(self, *, digits: bool = False) -> None:
        # In the order in which they were added.
        self._days = array("i")
        self._lines = array("i")
        self._values = array("d")
        self._digits = bytearray() if digits else None
        self._ends = array("q")
        """The end of each row's digits."""
        self.missing = 0
        """Days without a value."""
        self._places = array("i")
        """By day: its index in the above, counting from 1; filled when first needed."""
        self._placed = 0
        self._first = 0
        self._last = 0
        self._ascending = True
        self._descending = True

    def __len__(self) -> int:
        return len(self._days)

    @property
    def first(self) -> date | None:
        """Return the earliest day, or None if there is none."""
        return date.fromordinal(self._first) if self._days else None

    @property
    def last(self) -> date | None:
        """Return the latest day, or None if there is none."""
        return date.fromordinal(self._last) if self._days else None

    def add(
        self, day: date, line: int, value: float | None, digits: str = ""
    ) -> tuple[int, float | None] | None:
        """Add a day and return None; if it is there already, change nothing and return its line and value."""
        ordinal = day.toordinal()
        if place := self._place(ordinal):
            return self._lines[place - 1], _known(self._values[place - 1])
        self._append(array("i", (ordinal,)), line, array("d", (nan if value is None else value,)), (digits,))
        self.missing += value is None
        return None

    def extend(
        self, days: Sequence[int], line: int, values: array[float], digits: Sequence[str] = ()
    ) -> bool:
        """Add the days of consecutive lines, beginning at `line`, as ordinals, with NaN for missing values.

        The days must ascend or descend, and be all earlier or all later than those of the series. Otherwise
        nothing is added and False returned: `add` then finds which of them are there already.
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
        """Return the index of a day, counting from 1, or 0 if it is not there."""
        places, days = self._places, self._days
        if (top := max(ordinal, self._last) - _BASE) >= len(places):
            # A quarter more than needed: otherwise each of many ascending days would move the whole array.
            places.extend(array("i", bytes(4 * (top + 1 + top // 4 - len(places)))))
        for at in range(self._placed, len(days)):
            places[days[at] - _BASE] = at + 1
        self._placed = len(days)
        return places[ordinal - _BASE]

    def _order(self) -> Sequence[int]:
        """Return the indices of the days in their order, counting from 0."""
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

        A series without digits must hold whole numbers.
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
        """Iterate over the days in their order."""
        for day, line, value in zip(*self.columns(), strict=True):
            yield Day(date.fromordinal(day), line, _known(value))


@lru_cache(20_000)
def _iso(ordinal: int) -> str:
    """Return a day as yyyy-MM-dd. Cached, because the files of many currencies hold the same days."""
    return date.fromordinal(ordinal).isoformat()


def _known(value: float) -> float | None:
    return None if isnan(value) else value
