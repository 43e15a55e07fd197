"""Readings of dates and numbers in files whose format is not yet known.

A text is compared only with the date formats of its shape (digits, letters and signs), so that the number of
formats costs no time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Final, Literal

from cryptoetl.raw_files import dates, numerals
from cryptoetl.raw_files.numerals import Decimal

Order = Literal["ymd", "mdy", "dmy", "named", "unix"]
MONTH_ONLY: Final = "yyyy-MM"
"""The format of monthly values. It has no day and cannot be used in a configuration."""


@dataclass(frozen=True)
class DateFormat:
    """A date format of the configuration; `read` returns a text's date as an ordinal, or None."""

    text: str
    order: Order
    read: Callable[[str], int | None] = field(compare=False, repr=False)


_SHAPES = {
    "yyyy": ("0000",),
    "MMM": ("aaa",),
    "MM": ("00",),
    "M": ("0", "00"),
    "dd": ("00",),
    "d": ("0", "00"),
    "HH": ("00",),
    "mm": ("00",),
    "ss": ("00",),
    "SSS": ("000",),
}
_TOKEN = re.compile(r"'[^']*'|yyyy|MMM|MM|M|dd|d|HH|mm|ss|SSS|.")

_ISO_TIMES = (
    *("", " HH:mm:ss", " HH:mm", " HH:mm:ss 'UTC'", " HH:mm:ss+00:00", " HH:mm:ss.SSS", " HH:mm:ss'Z'"),
    *("'T'HH:mm:ss.SSS'Z'", "'T'HH:mm:ss'Z'", "'T'HH:mm:ss", "'T'HH:mm", "'T'HH"),
    *("'T'HH:mm:ss.SSS", "'T'HH:mm:ss+00:00", "'T'HH:mm:ss.SSS+00:00"),
)
_TIMES = ("", " HH:mm:ss", " HH:mm")
_CALENDAR: tuple[tuple[Order, tuple[str, ...], tuple[str, ...]], ...] = (
    # Strict formats before lenient ones. If nothing decides, the first wins: with slashes the month comes
    # first, with dots and hyphens the day.
    ("ymd", ("yyyy-MM-dd",), _ISO_TIMES),
    ("ymd", ("yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd", "yyyy-M-d", "yyyy/M/d", MONTH_ONLY), _TIMES),
    ("ymd", ("yyyy年MM月dd日", "yyyy年M月d日"), _TIMES),
    ("mdy", ("MM/dd/yyyy",), _TIMES),
    ("dmy", ("dd/MM/yyyy", "dd.MM.yyyy", "dd-MM-yyyy"), _TIMES),
    ("mdy", ("MM.dd.yyyy", "MM-dd-yyyy", "M/d/yyyy"), _TIMES),
    ("dmy", ("d/M/yyyy", "d.M.yyyy", "d-M-yyyy"), _TIMES),
    ("mdy", ("M.d.yyyy", "M-d-yyyy"), _TIMES),
    (
        "named",
        ("MMM dd, yyyy", "MMM d, yyyy", "dd MMM yyyy", "d MMM yyyy", "dd-MMM-yyyy", "d-MMM-yyyy"),
        _TIMES,
    ),
    ("named", ("MMM dd yyyy", "MMM d yyyy", "dd MMM, yyyy", "d MMM, yyyy", "yyyy-MMM-dd"), _TIMES),
)


def _read(date_format: str) -> Callable[[str], int | None]:
    # The first of the month stands for a month without a day.
    full, suffix = (f"{date_format}-dd", "-01") if date_format == MONTH_ONLY else (date_format, "")

    def read(value: str) -> int | None:
        found = dates.parse(value + suffix, full)
        return None if found is None else found.toordinal()

    return read


UNIX: Final = tuple(DateFormat(name, "unix", _read(name)) for name in dates.UNIX)

_SHAPE = str.maketrans(
    dict.fromkeys(map(chr, (*range(65, 91), *range(97, 123))), "a") | {str(digit): "0" for digit in range(10)}
)


def _shapes(text: str) -> Iterator[str]:
    parts = [
        _SHAPES[token] if token in _SHAPES else (token.strip("'").translate(_SHAPE),)
        for token in _TOKEN.findall(text)
    ]
    return map("".join, product(*parts))


def _by_shape() -> tuple[tuple[DateFormat, ...], dict[str, tuple[DateFormat, ...]]]:
    formats = tuple(
        DateFormat(base + time, order, _read(base + time))
        for order, bases, times in _CALENDAR
        for base, time in product(bases, times)
        if base != MONTH_ONLY or not time
    )
    shapes: dict[str, tuple[DateFormat, ...]] = defaultdict(tuple)
    for item in formats:
        for shape in _shapes(item.text):
            shapes[shape] += (item,)
    return (*formats, *UNIX), dict(shapes)


FORMATS, _FORMATS_BY_SHAPE = _by_shape()
"""All formats, the preferred first."""
PREFERENCE: Final = {item.text: place for place, item in enumerate(FORMATS)}

_LONGEST_DATE = 40


@lru_cache(maxsize=4096)
def date_formats(text: str) -> tuple[DateFormat, ...]:
    """Return the formats in which a text is a date."""
    if len(text) > _LONGEST_DATE:
        return ()
    candidates = _FORMATS_BY_SHAPE.get(text.translate(_SHAPE), ())
    if text[:9].isdigit():
        candidates += UNIX
    return tuple(candidate for candidate in candidates if candidate.read(text) is not None)


# --- numbers ------------------------------------------------------------------------------------------

_LONGEST_NUMBER = 60


def number(text: str, decimal: Decimal) -> float | None:
    """Return the number in a text with this decimal sign, or None; also for more than 60 characters."""
    return numerals.parse(text, decimal) if len(text) <= _LONGEST_NUMBER else None


def is_number(text: str) -> bool:
    """Return whether a text is a number with either decimal sign."""
    return number(text, ".") is not None or number(text, ",") is not None


def decimal_sign(text: str) -> Decimal | None:
    """Return the decimal sign of a number such as 65.0, 1.28K or -0,37%; None if it could be either."""
    plain = text.strip(" +%KMBT€$")
    point, comma = number(plain, ".") is not None, number(plain, ",") is not None
    if point and comma:  # 1.234 and 1,234 could be either; 0.123 groups no thousands
        if plain.lstrip("-").startswith("0."):
            return "."
        return "," if plain.lstrip("-").startswith("0,") else None
    return "." if point else "," if comma else None
