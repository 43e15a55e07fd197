"""Parts of all tables: counts, times, sizes and states in words."""

from __future__ import annotations

from datetime import date, datetime

from rich.text import Text

from cryptoetl.state_machine.status import ExecutionStatus, Verdict

STYLES = {
    "LOADED": "green",
    "SUCCEEDED": "green",
    "PARTLY LOADED": "yellow",
    "RUNNING": "cyan",
    "FAILED": "bold red",
    "TIMED OUT": "bold red",
    "ABORTED": "yellow",
    "STOPPED": "yellow",
    "INTERRUPTED": "yellow",
    "PENDING": "dim",
    "SKIPPED": "dim",
}


def state(name: str) -> Text:
    """Return a status in its colour."""
    return Text(name, style=STYLES.get(name, ""))


def verdict(execution: ExecutionStatus) -> Text:
    """Return what became of an execution."""
    found: Verdict = execution.verdict
    return state(found.upper().replace("_", " "))


def seconds(start: datetime | None, end: datetime | None) -> str:
    """Return the time between two moments, such as 0.3 s, 42 s or 3 min 05 s; "" if one is None."""
    if start is None or end is None:
        return ""
    total = max(0.0, (end - start).total_seconds())
    return f"{total:.1f} s" if total < 10 else duration(total)


def duration(total: float) -> str:
    """Return a number of seconds as 42 s, 3 min 05 s or 2 h 05 min."""
    whole = round(total)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600 * 3:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def moment(when: datetime, now: datetime | None) -> str:
    """Return a time in the zone of `now` and how long ago it is: "14:42 UTC, 2 h ago".

    Of another day than that of `now` the date comes first.
    """
    if now is None:
        return f"{when:%Y-%m-%d %H:%M %Z}".rstrip()
    local = when.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{local:%Y-%m-%d} "
    elapsed = (now - when).total_seconds()
    return f"{day}{local:%H:%M %Z}".rstrip() + (f", {_ago(elapsed)}" if elapsed >= 60 else "")


def _ago(elapsed: float) -> str:
    if elapsed < 3600:
        return f"{int(elapsed / 60)} min ago"
    return f"{int(elapsed / 3600)} h ago" if elapsed < 48 * 3600 else f"{int(elapsed / 86400):,} days ago"


def count(number: int | None) -> str:
    """Return a number with separators; "" for None."""
    return "" if number is None else f"{number:,}"


def span(first: date | None, last: date | None) -> str:
    """Return a range of dates; "" if one is None."""
    return f"{first} – {last}" if first and last else ""


def size(number: int) -> str:
    """Return a number of bytes in B, kB or MB."""
    if number < 10_000:
        return f"{number:,} B"
    return f"{number / 1000:,.0f} kB" if number < 10_000_000 else f"{number / 1e6:,.0f} MB"
