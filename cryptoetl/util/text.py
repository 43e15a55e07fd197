"""Text for users: quoting, shortening, escaping, plurals."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from cryptoetl.util.files import load_json


def parse_json(text: str | None) -> Any:
    """Return the value of JSON text; None if it is not JSON."""
    try:
        return load_json(text) if text else None
    except ValueError:
        return None


def quoted(text: str) -> str:
    """Return a value in quotes for a message, cut to 40 characters."""
    return f"'{shown(text, 40)}'"


def shown(text: str, limit: int) -> str:
    """Return text from a file as one line, cut to `limit` characters and escaped."""
    return _escaped(text if len(text) <= limit else text[: limit - 3] + "...")


def printable(text: str) -> str:
    """Return the text with an escape sequence for each character that a terminal would interpret or hide.

    These are control characters (C0 and C1), DEL, bidirectional controls, and spaces other than U+0020.
    Newlines and tabs stay.
    """
    if text.isprintable():
        return text
    return re.sub(r"[^\n\t]+", lambda found: _escaped(found[0]), text)


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as 1 day or 2 currencies."""
    if count != 1:
        ending = "es" if noun.endswith("ch") else "s"
        noun = f"{noun[:-1]}ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else f"{noun}{ending}"
    return f"{count:,} {noun}"


def one_line(text: str, limit: int) -> str:
    """Return the text without line breaks, cut to `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def did_you_mean(wrong: Iterable[str], known: Sequence[str]) -> str:
    """Return "Did you mean BTC? " for names like known ones, ignoring case; "" if there is none."""
    by_lower = {name.lower(): name for name in known}
    close = [
        by_lower[found]
        for name in wrong
        for found in difflib.get_close_matches(name.lower(), list(by_lower), n=1)
    ]
    return f"Did you mean {', '.join(dict.fromkeys(close))}? " if close else ""


def enumerated(names: Sequence[str], limit: int = 20) -> str:
    """Return names with commas between them, and how many there are beyond the limit."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
