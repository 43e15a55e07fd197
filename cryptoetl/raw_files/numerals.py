"""The forms of prices, matched strictly: the engines differ in what else they would take for a number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

Decimal = Literal[".", ","]

_FORMS: Final[dict[str, re.Pattern[str]]] = {
    ".": re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
    ",": re.compile(r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
}


_LINES: Final = {decimal: re.compile(rf"(?:{form.pattern}\n)*+") for decimal, form in _FORMS.items()}


def parse(text: str, decimal: Decimal) -> float | None:
    """The number that a text is with this decimal sign, the other one between thousands; or None."""
    if not _FORMS[decimal].fullmatch(text):
        return None
    return float(plain(text, decimal))


def plain_all(texts: Sequence[str], decimal: Decimal) -> list[str] | None:
    """Return texts without line ends as `plain` numbers, or None if one of them is not a number."""
    joined = "".join(f"{text}\n" for text in texts)
    if not _LINES[decimal].fullmatch(joined):
        return None
    return plain(joined, decimal).split()


def plain(text: str, decimal: Decimal) -> str:
    """Return a number with its own digits, a decimal point, and nothing between thousands."""
    return text.replace(",", "") if decimal == "." else text.replace(".", "").replace(",", ".")
