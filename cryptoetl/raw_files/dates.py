"""Date formats of raw files, written with the letters of Spark and Java, and matched strictly.

A format becomes a regular expression with one group each for year, month and day. A time of day and a time
zone are matched and left out: the date is the one that the file writes, in its own time zone. Parts between
square brackets are optional, as in Java: `yyyy-MM-dd[ HH:mm:ss]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {
    name: number for names in (MONTHS, FULL_MONTHS) for number, name in enumerate(names, start=1)
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_YEAR = 1900
"""Earlier dates are refused: most often they are years of two digits, read as four."""
BUDDHIST_YEAR = 2500
"""A file that begins in this year or later has years of the Buddhist calendar, in which 2024 is 2567."""

UNIX = {"unix": 0, "unix_ms": 3, "unix_us": 6, "unix_ns": 9}
"""Formats of time since 1970 in UTC: the number of digits after those of the seconds.

Nine or ten digits of seconds (1973 to 2286), so that one unit is never taken for another.
"""
EPOCH = "epoch"
"""A count since 1970 in any unit of `UNIX`, by its number of digits; a column may mix them."""
EXCEL = "excel"
"""A spreadsheet's serial number: days since 1899-12-30 (the 1900 date system)."""

_TOKENS = {
    "yyyy": "(?P<year>[0-9]{4})",
    "yy": "(?P<year>[0-9]{2})",
    "MMMM": f"(?P<month>(?i:{'|'.join(FULL_MONTHS)}))",
    "MMM": "(?P<month>[A-Za-z]{3})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "dd": "(?P<day>[0-9]{2})",
    "d": "(?P<day>[0-9]{1,2})",
    "EEEE": "(?P<weekday>(?i:mon|tues|wednes|thurs|fri|satur|sun)day)",
    "EEE": f"(?P<weekday>(?i:{'|'.join(WEEKDAYS)}))",
    "HH": "[0-9]{2}",
    "H": "[0-9]{1,2}",
    "hh": "[0-9]{2}",
    "h": "[0-9]{1,2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
    "a": "(?i:[ap]\\.?m\\.?)",
    "XXX": "(?:Z|[+-][0-9]{2}:[0-9]{2})",
    "XX": "(?:Z|[+-][0-9]{4})",
    "X": "(?:Z|[+-][0-9]{2})",
    "O": "(?:GMT|UTC)(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?",
    "z": "[A-Z]{3,4}",
    **{"S" * digits: f"[0-9]{{{digits}}}" for digits in range(1, 10)},
}
"""Letters → what they match, as in Java's DateTimeFormatter; `O` also takes Dukascopy's GMT+0100."""
_ONCE = {"yyyy": "y", "yy": "y", "MMMM": "M", "MMM": "M", "MM": "M", "M": "M", "dd": "d", "d": "d"}
_PARTS = re.compile(r"'(?P<literal>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", re.DOTALL)
_UNIX_EPOCH = date(1970, 1, 1)
_EXCEL_EPOCH = date(1899, 12, 30)
_UNITS = "|".join(f"(?:[0-9]{{{digits}}})" for digits in UNIX.values() if digits)
_ANY_UNIT = rf"(?P<seconds>[0-9]{{9,10}})(?:{_UNITS})?(?:\.[0-9]+)?"
_EXPONENT = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{1,2}")
_EXACT_DIGITS = 8
"""Digits of a number with an exponent that leave no doubt about the day: a spreadsheet shows six at most."""


@lru_cache
def pattern(date_format: str) -> re.Pattern[str]:
    """Return the regular expression of a format, with groups year, month and day, or seconds, or serial.

    Letters between quotes stand for themselves: yyyy-MM-dd'T'HH:mm:ss'Z'. Raises ValueError for an
    unknown letter, for brackets that do not match, or for a format without exactly one year, month and day.
    """
    if date_format in UNIX:
        fraction = f"[0-9]{{{UNIX[date_format]}}}" if UNIX[date_format] else ""
        return re.compile(rf"(?P<seconds>[0-9]{{9,10}}){fraction}(?:\.[0-9]+)?")
    if date_format == EPOCH:
        return re.compile(_ANY_UNIT)
    if date_format == EXCEL:
        return re.compile(r"(?P<serial>[0-9]{5})(?:\.[0-9]+)?")
    parts = list(_PARTS.finditer(date_format))
    expression = "".join(_expression(part, date_format) for part in parts)
    once = [_ONCE[part["letters"]] for part in parts if part["letters"] in _ONCE]
    depths = list(accumulate({"[": 1, "]": -1}.get(part["other"], 0) for part in parts))
    if min(depths, default=0) < 0 or (depths and depths[-1]):
        raise ValueError(f"{date_format!r}: the square brackets around an optional part do not match")
    if sorted(once) != ["M", "d", "y"]:
        minutes = " (mm are minutes, MM is the month)" if "mm" in date_format else ""
        raise ValueError(
            f"{date_format!r} must hold year, month and day once each, such as MM/dd/yyyy{minutes}"
        )
    try:
        return re.compile(expression)
    except re.error:
        raise ValueError(f"{date_format!r} holds the day of the week twice") from None


def _expression(part: re.Match[str], date_format: str) -> str:
    """Return what a part of a format matches."""
    if part["literal"] is not None:
        return re.escape(part["literal"].replace("''", "'") or "'")
    if part["letters"]:
        return _token(part["letters"], date_format)
    if part["other"] == "'":
        raise ValueError(f"{date_format!r}: a single quote is not closed")
    return {"[": "(?:", "]": ")?"}.get(part["other"]) or re.escape(part["other"])


def _token(letters: str, date_format: str) -> str:
    if letters not in _TOKENS:
        known = ", ".join(token for token in _TOKENS if not token.startswith("S")) + ", S to SSSSSSSSS"
        raise ValueError(
            f"{date_format!r}: {letters!r} is not one of {known}; put literal letters between single quotes"
        )
    return _TOKENS[letters]


class _Form(NamedTuple):
    """How texts in a format are matched, and how a match is read. `read` raises ValueError or KeyError."""

    match: Callable[[str], re.Match[str] | None]
    read: Callable[[re.Match[str]], date]


@lru_cache
def _form(date_format: str) -> _Form:
    expression = pattern(date_format)
    if "seconds" in expression.groupindex:
        return _Form(expression.fullmatch, _from_seconds)
    return _Form(
        expression.fullmatch, _from_serial if "serial" in expression.groupindex else _calendar(expression)
    )


def _from_seconds(match: re.Match[str]) -> date:
    return _UNIX_EPOCH + timedelta(days=int(match["seconds"]) // 86_400)


def _from_serial(match: re.Match[str]) -> date:
    return _EXCEL_EPOCH + timedelta(days=int(match["serial"]))


def _calendar(expression: re.Pattern[str]) -> Callable[[re.Match[str]], date]:
    """Return how to read a match of year, month and day; a day of the week must be the right one."""
    # Two digits are of this century: prices of coins begin in 2009.
    century = 2000 if _TOKENS["yy"] in expression.pattern else 0
    named = "(?P<month>[0-9]" not in expression.pattern

    def read(match: re.Match[str]) -> date:
        year, month, day = match.group("year", "month", "day")
        return date(int(year) + century, _MONTH_NUMBERS[month.lower()] if named else int(month), int(day))

    def read_with_weekday(match: re.Match[str]) -> date:
        found = read(match)
        if WEEKDAYS[found.weekday()] != match["weekday"][:3].lower():
            raise ValueError("it is another day of the week")
        return found

    return read_with_weekday if "weekday" in expression.groupindex else read


def parse(text: str, date_format: str) -> date | None:
    """Return the date of a text in `date_format`, or None if it is not in that format."""
    form = _form(date_format)
    if (match := form.match(text)) is None:
        seconds = _from_exponent(text) if date_format in UNIX or date_format == EPOCH else None
        return parse(seconds, EPOCH) if seconds else None
    try:
        found = form.read(match)
    except (ValueError, KeyError, OverflowError):
        return None
    return found if found.year >= FIRST_YEAR else None


def _from_exponent(text: str) -> str | None:
    """Return 1.7304192E+12 as a whole number; None if so few digits could stand for two days."""
    if not _EXPONENT.fullmatch(text):
        return None
    number = Decimal(text)
    whole = f"{number:f}".partition(".")[0]
    midnight = int(whole[:10]) % 86_400 == 0 and not whole[10:].strip("0")
    digits = len(number.as_tuple().digits)
    return whole if midnight or digits >= _EXACT_DIGITS else None


class Ordinals(dict[str, int]):
    """The proleptic ordinals of dates in a format, by their text; KeyError for what is no date.

    A text with blanks around it is none: fields are trimmed before they are read. What was parsed once is
    remembered: files of many currencies hold the same days.
    """

    def __init__(self, date_format: str) -> None:
        self._format = date_format

    def __missing__(self, text: str) -> int:
        day = parse(text, self._format)
        if day is None or text != text.strip():
            raise KeyError(text)
        if len(self) >= REMEMBERED:
            self.clear()
        self[text] = ordinal = day.toordinal()
        return ordinal


REMEMBERED = 20_000
"""Dates that are remembered at the most: 55 years of them, two megabytes."""

ordinals = lru_cache(Ordinals)
"""Return the ordinals of a format, shared by all callers."""
