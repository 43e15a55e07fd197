"""The ways in which dates and numbers can be read, for files whose form is not known yet.

A date is a base such as MM/dd/yyyy, perhaps with a day of the week before it and a time behind it. The text
before and behind is recognised by its own form; the base is one of `_BASES`, of which only those of the
text's shape are tried.
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
from cryptoetl.raw_files.trend import trend_day, week_begins

Order = Literal["ymd", "mdy", "dmy", "named", "unix"]
MONTH_ONLY: Final = "yyyy-MM"
"""The format of monthly values. It has no day and cannot be used in a configuration."""


@dataclass(frozen=True)
class DateFormat:
    """A date format as the configuration writes it; `read` returns a text's day as an ordinal, or None."""

    text: str
    order: Order
    base: str
    """The format without the time; what files mix within a column is the time, or the unit of a count."""
    time: str
    read: Callable[[str], int | None] = field(compare=False, repr=False)


_SHAPES = {
    "yyyy": ("0000",),
    "yy": ("00",),
    "MMMM": tuple("a" * letters for letters in sorted({len(month) for month in dates.FULL_MONTHS})),
    "MMM": ("aaa",),
    "MM": ("00",),
    "M": ("0", "00"),
    "dd": ("00",),
    "d": ("0", "00"),
}
_TOKEN = re.compile(r"'[^']*'|yyyy|yy|MMMM|MMM|MM|M|dd|d|.")

_BASES: tuple[tuple[Order, tuple[str, ...]], ...] = (
    # The strict before the lenient. Where nothing decides, the first wins: slashes begin with the month,
    # dots and hyphens with the day.
    ("ymd", ("yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd", "yyyy-M-d", "yyyy/M/d", MONTH_ONLY)),
    ("ymd", ("yyyy年MM月dd日", "yyyy年M月d日", "yyyy년 MM월 dd일", "yyyy년 M월 d일", "yyyy년MM월dd일")),
    ("ymd", ("yyyy- MM- dd", "yyyy. MM. dd", "yyyy. M. d", "yyyy. MM. dd.", "yyyy. M. d.")),
    ("mdy", ("MM/dd/yyyy",)),
    ("dmy", ("dd/MM/yyyy", "dd.MM.yyyy", "dd-MM-yyyy")),
    ("mdy", ("MM.dd.yyyy", "MM-dd-yyyy", "M/d/yyyy")),
    ("dmy", ("d/M/yyyy", "d.M.yyyy", "d-M-yyyy")),
    ("mdy", ("M.d.yyyy", "M-d-yyyy")),
    ("mdy", ("MM/dd/yy", "M/d/yy")),
    ("dmy", ("dd/MM/yy", "dd.MM.yy", "dd-MM-yy", "d/M/yy", "d.M.yy", "d-M-yy")),
    ("mdy", ("MM-dd-yy", "M-d-yy")),
    ("ymd", ("yy/MM/dd", "yy-MM-dd", "yy.MM.dd")),
    ("named", ("MMM dd, yyyy", "MMM d, yyyy", "dd MMM yyyy", "d MMM yyyy", "dd-MMM-yyyy", "d-MMM-yyyy")),
    ("named", ("MMM dd yyyy", "MMM d yyyy", "dd MMM, yyyy", "d MMM, yyyy", "yyyy-MMM-dd", "yyyy MMM dd")),
    (
        "named",
        ("MMMM dd, yyyy", "MMMM d, yyyy", "dd MMMM yyyy", "d MMMM yyyy", "MMMM d yyyy", "d MMMM, yyyy"),
    ),
    ("named", ("MMM-dd-yyyy", "MMM-d-yyyy", "dd/MMM/yyyy", "d/MMM/yyyy", "dd.MMM.yyyy", "d. MMMM yyyy")),
    ("named", ("dd-MMM-yy", "d-MMM-yy", "dd MMM yy", "d MMM yy", "MMM dd, yy", "MMM d, yy")),
)
_WEEKDAY = re.compile(
    r"(?P<day>(?i:mon|tue|wed|thu|fri|sat|sun)|(?i:mon|tues|wednes|thurs|fri|satur|sun)(?i:day))"
    r"(?P<gap>,? |,)(?=.)"
)
_TIME = re.compile(
    r"(?P<gap>T|, ?| )(?P<hour>[0-9]{1,2})"
    r"(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?)?)?"
    r"(?P<half> ?[AaPp]\.?[Mm]\.?)?(?P<zone>.*)"
)
_COMPACT_TIME = re.compile(r"T[0-9]{6}(?P<zone>.*)")
_ZONES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(form), text)
    for form, text in (
        ("", ""),
        ("Z", "'Z'"),
        (r"\+00:00", "+00:00"),
        (r" \+00:00", " +00:00"),
        (" UTC", " 'UTC'"),
        ("UTC", "'UTC'"),
        (" GMT", " 'GMT'"),
        (r"[+-][0-9]{2}:[0-9]{2}", "XXX"),
        (r" [+-][0-9]{2}:[0-9]{2}", " XXX"),
        (r"[+-][0-9]{4}", "XX"),
        (r" [+-][0-9]{4}", " XX"),
        (r"[+-][0-9]{2}", "X"),
        (r" (?:GMT|UTC)[+-][0-9]{1,2}(?::?[0-9]{2})?", " O"),
        (r" [+-][0-9]{4} UTC", " XX 'UTC'"),
        (r" [A-Z]{3,4}", " z"),
    )
)
_SHAPE = str.maketrans(
    dict.fromkeys(map(chr, (*range(65, 91), *range(97, 123))), "a") | {str(digit): "0" for digit in range(10)}
)


def _by_shape() -> dict[str, list[tuple[str, Order]]]:
    shapes: dict[str, list[tuple[str, Order]]] = defaultdict(list)
    for order, bases in _BASES:
        for base in bases:
            for shape in dict.fromkeys(_shapes(base)):
                shapes[shape].append((base, order))
    return dict(shapes)


def _shapes(text: str) -> Iterator[str]:
    parts = [
        _SHAPES[token] if token in _SHAPES else (token.strip("'").translate(_SHAPE),)
        for token in _TOKEN.findall(text)
    ]
    return map("".join, product(*parts))


_BASES_BY_SHAPE = _by_shape()
_PLACES: Final = {base: place for place, base in enumerate(base for _, bases in _BASES for base in bases)}


def preference(base: str) -> int:
    """Return a sort key of bases, the preferred first, whether or not a day of the week stands before."""
    return _PLACES.get(re.sub("^E+[, ]+", "", base), 0)


@lru_cache(maxsize=1024)
def date_format(base: str, order: Order, time: str) -> DateFormat:
    """Return the format of a base and a time behind it; `time` is the unit where the base is a count."""
    text = time if base == dates.EPOCH else base + time
    # The first of the month stands for a month without a day.
    full, suffix = (f"{text}-dd", "-01") if text == MONTH_ONLY else (text, "")

    def read(value: str) -> int | None:
        found = trend_day(value + suffix, full)
        return None if found is None else found.toordinal()

    return DateFormat(text, order, base, time, read)


def together(base: str, order: Order, times: list[str]) -> DateFormat:
    """Return the format that reads a base with any of the times, each as an optional part."""
    if len(times) == 1:
        return date_format(base, order, times[0])
    if base == dates.EPOCH:
        return date_format(base, order, dates.EPOCH)
    return date_format(base, order, "".join(f"[{time}]" for time in times if time))


_LONGEST_DATE = 60


@lru_cache(maxsize=4096)
def date_formats(text: str) -> tuple[DateFormat, ...]:
    """Return the formats in which a text is a date."""
    if len(text) > _LONGEST_DATE:
        return ()
    found: list[DateFormat] = []
    whole, text = text, week_begins(text)
    if text[:1].isdigit() and (text[:9].isdigit() or "e" in text.lower()):
        found += [date_format(dates.EPOCH, "unix", unit) for unit in dates.UNIX]
        if not text[:9].isdigit():
            found = [date_format(dates.EPOCH, "unix", dates.EPOCH)]
    weekday, rest = _without_weekday(text)
    for day, time in _without_time(rest):
        for base, order in _BASES_BY_SHAPE.get(day.translate(_SHAPE), ()):
            if not (base == MONTH_ONLY and time):
                found.append(date_format(weekday + base, order, time))
    return tuple(candidate for candidate in found if candidate.read(whole) is not None)


def _without_weekday(text: str) -> tuple[str, str]:
    """Return how a format writes the day of the week that a text begins with, and the rest."""
    if (match := _WEEKDAY.match(text)) is None:
        return "", text
    return ("EEE" if len(match["day"]) == 3 else "EEEE") + match["gap"], text[match.end() :]


def _without_time(text: str) -> Iterator[tuple[str, str]]:
    """Yield each way to divide a text: into a day, and how a format writes the time behind it."""
    yield text, ""
    for at in (place for place, letter in enumerate(text) if letter in "T, " and place >= 6):
        if compact := _COMPACT_TIME.fullmatch(text[at:]):
            if (zone := _zone(compact["zone"])) is not None:
                yield text[:at], f"'T'HHmmss{zone}"
        elif (match := _TIME.fullmatch(text[at:])) and (match["minute"] or match["gap"] == "T"):
            zone = _zone(match["zone"])
            if zone is None:
                continue
            hour = "h" if match["half"] else "H"
            gap = "'T'" if match["gap"] == "T" else match["gap"]
            yield (
                text[:at],
                gap
                + (hour * len(match["hour"]))
                + (":mm" if match["minute"] else "")
                + (":ss" if match["second"] else "")
                + ("." + "S" * (len(match["fraction"]) - 1) if match["fraction"] else "")
                + ((" a" if match["half"].startswith(" ") else "a") if match["half"] else "")
                + zone,
            )


def _zone(text: str) -> str | None:
    return next((written for form, written in _ZONES if form.fullmatch(text)), None)


# --- numbers ------------------------------------------------------------------------------------------

_LONGEST_NUMBER = 60


def number(text: str, decimal: Decimal) -> float | None:
    """Return the number that a text is with this decimal sign; None also for endless digits."""
    return numerals.parse(text, decimal) if len(text) <= _LONGEST_NUMBER else None


def is_number(text: str) -> bool:
    """Return whether a text is a number with one of the decimal signs."""
    return number(text, ".") is not None or number(text, ",") is not None


def decimal_sign(text: str) -> Decimal | None:
    """Return the decimal sign that a number such as 65.0, 1.28K or -0,37% gives away; None for either."""
    plain = text.strip(" +%KMBT€$")
    point, comma = number(plain, ".") is not None, number(plain, ",") is not None
    if point and comma:  # 1.234 and 1,234 could be either; 0.123 groups no thousands
        if plain.lstrip("-").startswith("0."):
            return "."
        return "," if plain.lstrip("-").startswith("0,") else None
    return "." if point else "," if comma else None
