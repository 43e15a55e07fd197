"""The date formats of raw files: letters as Spark and Java write them, matched strictly.

The engines differ in how lenient their own parsers are (one digit for MM, trailing text), so
neither the check nor the scripts use them: a format becomes a regular expression with one group
each for year, month and day, here as in `glue_scripts/bronze2silver.py`. A time of day is matched and
left aside: the date is the one that the file writes, in whatever time zone it does.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIRST_YEAR = 1900
"""Earlier years are no dates of prices: most often two digits read as four."""

UNIX = {"unix": 0, "unix_ms": 3, "unix_us": 6}
"""Formats of a count since 1970 in UTC: how many digits follow those of the seconds.

Nine or ten digits of seconds (1973 to 2286), so that one unit is never taken for another.
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
    """The regular expression of a format: the groups year, month and day, or seconds for one of `UNIX`.

    Letters between quotes stand for themselves: yyyy-MM-dd'T'HH:mm:ss'Z'. Raises ValueError for an
    unknown letter, or for a format without exactly one year, month and day.
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
                f"{date_format!r}: {letters!r} is not one of {known}; put letters that stand for themselves "
                "between single quotes"
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
    """The date that `text` writes in `date_format`, or None."""
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


class Ordinals(dict[str, int]):
    """The proleptic ordinals of dates in a format, looked up by their text; KeyError for what is no date.

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
"""The ordinals of a format, made once."""
