"""The date formats of history files: letters as Spark and Java write them, matched strictly.

The engines differ in how lenient their own parsers are (one digit for MM, trailing text), so
neither the check nor the scripts use them: a format becomes a regular expression with one group
each for year, month and day, here as in `glue_scripts/bronze2silver.py`.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIRST_YEAR = 1900
"""Earlier years are no dates of prices: most often two digits read as four."""

_TOKENS = {
    "yyyy": "(?P<year>[0-9]{4})",
    "MMM": "(?P<month>[A-Za-z]{3})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "dd": "(?P<day>[0-9]{2})",
    "d": "(?P<day>[0-9]{1,2})",
}


@lru_cache
def pattern(date_format: str) -> re.Pattern[str]:
    """The regular expression of a format, with the groups year, month and day.

    Raises ValueError for an unknown letter, or for a format without exactly one of each.
    """
    expression, groups = "", []
    for token in re.findall(r"[A-Za-z]+|[^A-Za-z]", date_format):
        runs = [match.group() for match in re.finditer(r"([A-Za-z])\1*", token)] or [token]
        for run in runs:
            if run in _TOKENS:
                expression += _TOKENS[run]
                groups.append(run[0])
            elif run[0].isalpha() and run[0].isascii():
                raise ValueError(f"{date_format!r}: {run!r} is not one of {', '.join(_TOKENS)}")
            else:
                expression += re.escape(run)
    if sorted(groups) != ["M", "d", "y"]:
        raise ValueError(f"{date_format!r} must hold year, month and day once each, such as MM/dd/yyyy")
    return re.compile(expression)


def parse(text: str, date_format: str) -> date | None:
    """The date that `text` writes in `date_format`, or None."""
    match = pattern(date_format).fullmatch(text)
    if match is None:
        return None
    month = match["month"].lower()
    try:
        number = MONTHS.index(month) + 1 if month in MONTHS else int(month)
        found = date(int(match["year"]), number, int(match["day"]))
    except ValueError:
        return None
    return found if found.year >= FIRST_YEAR else None
