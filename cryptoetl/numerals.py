"""The forms of prices, matched strictly: the engines differ in what else they would take for a number."""

from __future__ import annotations

import re
from typing import Final, Literal

Decimal = Literal[".", ","]

_FORMS: Final[dict[str, re.Pattern[str]]] = {
    ".": re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
    ",": re.compile(r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
}


def parse(text: str, decimal: Decimal) -> float | None:
    """The number that a text is with this decimal sign, the other one between thousands; or None."""
    if not _FORMS[decimal].fullmatch(text):
        return None
    return float(text.replace(",", "") if decimal == "." else text.replace(".", "").replace(",", "."))
