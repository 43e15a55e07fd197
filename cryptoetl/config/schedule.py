"""Schedules and time zones, as EventBridge Scheduler accepts them.

Source: "Schedule types in EventBridge Scheduler" (EventBridge Scheduler User Guide) and "Cron expressions
reference" (EventBridge User Guide).
"""

from __future__ import annotations

import difflib
import re
from datetime import datetime
from typing import NamedTuple

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class _Field(NamedTuple):
    """A field of a cron expression: its numbers, their names, and a pattern of its own forms, if any."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    special: str = r"(?!)"

    def number(self, text: str) -> int | None:
        """Return a number or name as a number; None if it is neither or out of range."""
        if text.upper() in self.names:
            return self.least + self.names.index(text.upper())
        if not re.fullmatch(r"[0-9]{1,4}", text):
            return None
        return int(text) if self.least <= int(text) <= self.most else None

    @property
    def values(self) -> str:
        """Return what the field takes, for messages."""
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.least} to {self.most}{names}"


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, special=r"\?|L|LW|L-([1-9]|[12][0-9]|30)|([1-9]|[12][0-9]|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, rf"\?|L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])"),
    _Field("year", 1970, 2199),
)
_FORMS = "write cron(0 6 * * ? *), rate(1 day) or at(2030-01-31T06:00:00)"


def expression(text: str) -> str:
    """Return a schedule expression unchanged. Raises ValueError if EventBridge Scheduler would refuse it."""
    found = re.fullmatch(r"(cron|rate|at)\((.*)\)", text, re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is not a schedule: {_FORMS}")
    {"cron": _cron, "rate": _rate, "at": _at}[found[1]](found[2])
    return text


def timezone(text: str) -> str:
    """Return the name of a time zone unchanged. Raises ValueError if no such zone is known.

    Without a database of time zones on this machine, such as the package tzdata, any name passes that could
    be one: AWS decides.
    """
    from zoneinfo import available_timezones

    known = available_timezones()
    if text in known or (not known and re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", text)):
        return text
    close = difflib.get_close_matches(text, sorted(known), n=1)
    end = f", did you mean {close[0]!r}?" if close else ", such as Europe/Berlin"
    raise ValueError(f"{text!r} is not a time zone{end}")


def _cron(text: str) -> None:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        named = ", ".join(field.name for field in _FIELDS)
        raise ValueError(f"cron({text}) has {len(fields)} fields and needs six: {named}")
    for field, value in zip(_FIELDS, fields, strict=True):
        _values(field, value)
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(
            f"cron({text}): exactly one of day of month and day of week must be ?, the other says the days"
        )


def _values(field: _Field, text: str) -> None:
    """Raise ValueError unless a field of a cron expression is valid."""
    parts = text.split(",")
    for part in parts:
        if re.fullmatch(field.special, part.upper()) and (
            len(parts) == 1 or (part[0] not in "?" and "#" not in part)
        ):
            continue
        found = re.fullmatch(r"(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:/([0-9]+))?", part)
        first, last, step = found.groups() if found else ("", None, None)
        numbers = [field.number(number) for number in (first, last) if number not in ("*", None)]
        if found is None or None in numbers or (first == "*" and last is not None):
            raise ValueError(
                f"{part!r} is not valid for the field {field.name}: {field.values}{_also(field)}"
            )
        if step is not None and not 1 <= int(step) <= field.most:
            raise ValueError(f"{part!r}: the step of {field.name} is 1 to {field.most}")
        if len(numbers) == 2 and field.least == 1970 and numbers[0] > numbers[1]:  # type: ignore[operator]
            raise ValueError(f"{part!r}: the range of years ends before it begins")


def _also(field: _Field) -> str:
    return {
        "day of month": ", *, ?, L (the last), 15W (the weekday nearest to the 15th)",
        "day of week": ", *, ?, 6L (the last Friday), 6#2 (the second Friday); 1 is Sunday",
    }.get(field.name, " or *") + "; with - , and / for ranges, lists and steps"


def _rate(text: str) -> None:
    found = re.fullmatch(r"([0-9]+) (minute|hour|day)(s?)", text)
    if found is None or int(found[1]) == 0:
        raise ValueError(f"rate({text}) is not a rate: write a whole number and minutes, hours or days")
    if (int(found[1]) == 1) == bool(found[3]):
        right = found[2] if found[3] else f"{found[2]}s"
        raise ValueError(f"rate({text}): write rate({found[1]} {right})")


def _at(text: str) -> None:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
            datetime.fromisoformat(text)
            return
    except ValueError:
        pass
    raise ValueError(f"at({text}) is not a moment: write it as at(2030-01-31T06:00:00), without a zone")
