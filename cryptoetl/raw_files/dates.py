"""Date formats of raw files, written with the letters of Spark and Java, and matched strictly.

A format becomes a regular expression with one group each for year, month and day. A time of day must match,
and is then ignored: the date is the one in the file, whatever its time zone.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIRST_YEAR = 1900
"""Earlier dates are refused: most often they are years of two digits, read as four."""

UNIX = {"unix": 0, "unix_ms": 3, "unix_us": 6}
"""Formats of time since 1970 in UTC: the number of digits after those of the seconds.

Seconds have nine or ten digits (1973 to 2286), so that the units cannot be confused.
"""

_TOKENS = {
    "yyyy": "(?P<year>[0-9]{4})",
    "MMM": "(?P<month>[A-Za-z]{3})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "dd": "(?P<day>[0-9]{2})",
    "d": "(?P<day>[0-9]{1,2})",
    "HH": "[0-9]{2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
    "SSS": "[0-9]{3}",
}
_PARTS = re.compile(r"'(?P<literal>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", re.DOTALL)
_EPOCH = date(1970, 1, 1)


@lru_cache
def pattern(date_format: str) -> re.Pattern[str]:
    """Return the regular expression of a format, with the groups year, month and day; seconds for `UNIX`.

    Letters between quotes are literal: yyyy-MM-dd'T'HH:mm:ss'Z'.

    Raises:
        ValueError: A letter is unknown, or the format does not have exactly one year, month and day.
    """
    if date_format in UNIX:
        fraction = f"[0-9]{{{UNIX[date_format]}}}" if UNIX[date_format] else ""
        return re.compile(rf"(?P<seconds>[0-9]{{9,10}}){fraction}(?:\.[0-9]+)?")
    expression, groups = "", []
    for part in _PARTS.finditer(date_format):
        letters = part["letters"]
        if part["literal"] is not None:
            expression += re.escape(part["literal"].replace("''", "'") or "'")
        elif letters in _TOKENS:
            expression += _TOKENS[letters]
            groups += [letters[0]] if "(?P" in _TOKENS[letters] else []
        elif letters:
            known = ", ".join(_TOKENS)
            raise ValueError(
                f"{date_format!r}: {letters!r} is not one of {known}; put literal letters between "
                "single quotes"
            )
        elif part["other"] == "'":
            raise ValueError(f"{date_format!r}: a single quote is not closed")
        else:
            expression += re.escape(part["other"])
    if sorted(groups) != ["M", "d", "y"]:
        minutes = " (mm are minutes, MM is the month)" if "mm" in date_format else ""
        raise ValueError(
            f"{date_format!r} must hold year, month and day once each, such as MM/dd/yyyy{minutes}"
        )
    return re.compile(expression)


def parse(text: str, date_format: str) -> date | None:
    """Return the date of a text in `date_format`, or None if it is not in that format."""
    match = pattern(date_format).fullmatch(text)
    if match is None:
        return None
    if date_format in UNIX:
        return _EPOCH + timedelta(days=int(match["seconds"]) // 86_400)
    month = match["month"].lower()
    try:
        number = MONTHS.index(month) + 1 if month in MONTHS else int(month)
        found = date(int(match["year"]), number, int(match["day"]))
    except ValueError:
        return None
    return found if found.year >= FIRST_YEAR else None


REMEMBERED = 20_000
"""Dates that `Ordinals` remembers: 55 years, about two megabytes."""


class Ordinals(dict[str, int]):
    """The proleptic ordinals of dates in a format, by their text. Raises KeyError for any other text.

    A text with blanks around it is no date: fields are trimmed before they are read. Parsed dates are
    remembered, because the files of many currencies hold the same days.
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


ordinals = lru_cache(Ordinals)
"""Return the ordinals of a format, shared by all callers."""
