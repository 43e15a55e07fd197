"""Prices as text, matched strictly in one of two forms: 1,234.5 or 1.234,5."""

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
    """Return the number in a text, or None. The sign that is not `decimal` may separate thousands."""
    if not _FORMS[decimal].fullmatch(text):
        return None
    return float(plain(text, decimal))


def plain_all(texts: Sequence[str], decimal: Decimal) -> list[str] | None:
    """Return each text as `plain` does, or None if one of them is not a number. None may hold a line end."""
    joined = "".join(f"{text}\n" for text in texts)
    if not _LINES[decimal].fullmatch(joined):
        return None
    return plain(joined, decimal).split()


def plain(text: str, decimal: Decimal) -> str:
    """Return the text of a number with a decimal point and without separators of thousands."""
    return text.replace(",", "") if decimal == "." else text.replace(".", "").replace(",", ".")
