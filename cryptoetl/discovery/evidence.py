"""Decide date formats and decimal signs by all rows of a file.

The evidence is collected row by row, in constant memory, for each reading that the first lines left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptoetl.discovery.readings import DateFormat, date_formats, number, together
from cryptoetl.raw_files.numerals import Decimal, is_missing

Cadence = Literal["several a day", "daily", "weekly", "monthly", "irregular"]

MAX_TIMES = 4
"""Ways of writing the time that a column may mix."""


@dataclass(frozen=True)
class Choice:
    """The reason for a reading: `decision` if the values decided it, `doubt` if they could not."""

    decision: str | None = None
    doubt: str | None = None


class DateEvidence:
    """The dates of a file as one base reads them, with any time behind it."""

    def __init__(self, date_format: DateFormat) -> None:
        self.format = date_format
        self.count = 0
        self.first = self.last = 0
        self._times = [date_format.time]
        self._previous: int | None = None
        self._steps: Counter[int] = Counter()

    def add(self, text: str) -> bool:
        """Add the date of the next row; return False for one that is not in the format."""
        day = self.format.read(text)
        if day is None:
            day = self._with_another_time(text)
        if day is None:
            return False
        if self._previous is None:
            self.first = self.last = day
        else:
            # The bound on the keys bounds the memory.
            self._steps[min(abs(day - self._previous), 400)] += 1
            self.first, self.last = min(self.first, day), max(self.last, day)
        self._previous = day
        self.count += 1
        return True

    def _with_another_time(self, text: str) -> int | None:
        """Return the day of a text that has the same base, and let the format read its time as well."""
        of_base = (found for found in date_formats(text) if found.base == self.format.base)
        if len(self._times) == MAX_TIMES or (other := next(of_base, None)) is None:
            return None
        # A lenient hour reads a strict one: 4:00 beside 10:00.
        lenient = {other.time, *self._times}
        times = [
            time for time in (*self._times, other.time) if time.replace("HH", "H") not in lenient - {time}
        ]
        self._times = list(dict.fromkeys(times))
        self.format = together(other.base, other.order, self._times)
        return self.format.read(text)

    @property
    def latest(self) -> int:
        """Return the day that was read last, as an ordinal; 1 before the first."""
        return self._previous or 1

    @property
    def regular(self) -> int:
        """Return how many neighbouring dates are a day or a week apart."""
        return self._steps[1] + self._steps[7]

    @property
    def cadence(self) -> Cadence | None:
        """Return how far apart most neighbouring dates are; None if there are fewer than two."""
        steps = sum(self._steps.values())
        if not steps:
            return None
        if self._steps[0] * 10 > steps:
            return "several a day"
        months = sum(self._steps[days] for days in range(28, 32))
        counts: list[tuple[int, Cadence]] = [
            (self._steps[1], "daily"),
            (self._steps[7], "weekly"),
            (months, "monthly"),
        ]
        most, cadence = max(counts, key=lambda item: item[0])
        return cadence if most * 2 >= steps else "irregular"


class ValueEvidence:
    """The values of a file as read with each decimal sign.

    Values are `missing` (empty or -1) or `present`. Of the latter, `whole` counts the whole numbers from 0 to
    100 and <1, `point` and `comma` the numbers with that decimal sign, `separated` those with either sign.
    """

    def __init__(self) -> None:
        self.missing = self.present = self.whole = 0
        self.point = self.comma = self.separated = 0
        self.point_jumps = self.comma_jumps = 0
        self.below_one = False
        self._before: tuple[float, float] | None = None

    @property
    def like_a_trend(self) -> bool:
        """Return whether nearly all values are whole numbers from 0 to 100."""
        return self.present > 0 and self.whole * 10 >= 9 * self.present

    def add(self, text: str) -> None:
        """Add the value of the next row."""
        if is_missing(text) or (text.startswith("-1") and number(text, ".") == -1):
            self.missing += 1
            return
        self.present += 1
        if text.replace(" ", "") == "<1":
            self.below_one = True
            self.whole += 1
            return
        if text.endswith(".0"):
            self.whole += text[:-2].isdigit() and int(text[:-2]) <= 100
        if text.isascii() and text.isdigit() and len(text) < 16:
            point: float | None = float(text)
            comma = point
            self.whole += int(text) <= 100
        else:
            point, comma = number(text, "."), number(text, ",")
            self.separated += "." in text or "," in text
        self.point += point is not None
        self.comma += comma is not None
        if point is None or comma is None:
            return
        if self._before is not None:
            self.point_jumps += _is_jump(self._before[0], point)
            self.comma_jumps += _is_jump(self._before[1], comma)
        self._before = point, comma


def _is_jump(before: float, after: float) -> bool:
    low, high = sorted((before, after))
    return 0 < low * 10 < high


def choose_dates(dates: Sequence[DateEvidence]) -> tuple[DateEvidence, Choice]:
    """Choose the format that reads the most dates; among equals, the one with the most regular dates."""
    most = max(candidate.count for candidate in dates)
    equal = [candidate for candidate in dates if candidate.count == most]
    best = max(equal, key=lambda candidate: candidate.regular)
    rival = next((candidate for candidate in equal if candidate.format.order != best.format.order), None)
    if rival is None or most == 0:
        return best, Choice()
    ours, theirs = best.format.text, rival.format.text
    if best.regular > rival.regular:
        return best, Choice(f"{ours}, not {theirs}: it puts more neighbouring dates a day or a week apart")
    return best, Choice(doubt=f"date_format could also be {theirs}: nothing distinguishes day from month")


def choose_decimal(values: ValueEvidence, others: Sequence[Decimal]) -> tuple[Decimal, Choice]:
    """Choose the decimal sign that reads the most values; among equals, that of `others`.

    `others` are the decimal signs of the numbers in the file's other columns.
    """
    if values.point != values.comma or not values.separated:
        return ("." if values.point >= values.comma else ","), Choice()
    points, commas = others.count("."), others.count(",")
    if points != commas:
        sign: Decimal = "." if points > commas else ","
        return sign, Choice(f"decimal sign {sign} as in the other columns")
    if values.point_jumps != values.comma_jumps:
        sign = "." if values.point_jumps < values.comma_jumps else ","
        return sign, Choice(f"decimal sign {sign}: with the other one, prices would jump a thousandfold")
    return ".", Choice(
        doubt='decimal could also be ",": every price has one sign, with three digits after it'
    )
