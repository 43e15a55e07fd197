"""The forms of prices, matched strictly, and the markers of a missing one.

A price is digits with a decimal sign, perhaps in groups (1,234.5, 1'234.5, 49,29,431.64), with a sign, a
currency before or after it, an exponent, or K, M or B for thousands, millions and billions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal as Number
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Decimal = Literal[".", ","]

MISSING: Final = frozenset(
    {
        "",
        "-",
        ".",
        "--",
        "null",
        "nan",
        "n/a",
        "#n/a",
        "na",
        "<na>",
        "none",
        "nil",
        "#null!",
        "\u2013",
        "\u2014",
    }
)
"""What stands where a price is missing, in lower case; -1 does so too, as a number."""

_FORMS: Final[dict[str, re.Pattern[str]]] = {
    ".": re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
    ",": re.compile(r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
}
_LINES: Final = {decimal: re.compile(rf"(?:{form.pattern}\n)*+") for decimal, form in _FORMS.items()}

_SYMBOLS = "US$ R$ A$ C$ HK$ NT$ S$ $ € £ ¥ ￥ ₹ ₩ ₽ ₺ ฿ ₫ ₴ ₦ ₱ ₪ ₿ zł Kč Ft kr. kr Rp Rs. Rs"
_CODES = (
    "USD EUR GBP JPY CNY KRW INR BRL RUB TRY CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON BGN UAH ZAR MXN ARS "
    "CLP COP IDR THB VND MYR SGD HKD TWD PHP ILS AED SAR NGN PKR USDT USDC BUSD DAI BTC ETH"
)
CURRENCIES: Final = frozenset(_CODES.lower().split())
"""Codes of currencies in lower case, as they stand in the names of columns."""
_CURRENCY = "|".join(map(re.escape, [*_SYMBOLS.split(), *sorted(_CODES.split(), key=len, reverse=True)]))
_SPACES = "[ \u00a0\u202f\u2009]"
_GROUPS = "['\u2019\u00a0\u202f\u2009{other}]"
_FACTORS: Final = {"": 0, "K": 3, "M": 6, "B": 9}


@lru_cache
def _form(decimal: Decimal) -> re.Pattern[str]:
    group = _GROUPS.format(other="," if decimal == "." else ".")
    thousands = rf"[0-9]{{1,3}}(?P<mark>{group})[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    lakhs = rf"[0-9]{{1,2}}(?P<lakh>{group})(?:[0-9]{{2}}(?P=lakh))+[0-9]{{3}}"
    sign = re.escape(decimal)
    return re.compile(
        rf"(?P<sign>[+\u2212-]?)(?:(?P<before>{_CURRENCY}){_SPACES}*)?(?P<inner>[+\u2212-]?)"
        rf"(?P<whole>{thousands}|{lakhs}|[0-9]+|)(?:{sign}(?P<fraction>[0-9]+))?(?P<exponent>[eE][+-]?[0-9]+)?"
        rf"{_SPACES}?(?P<factor>[KMBkmb]?)(?:{_SPACES}*(?P<after>{_CURRENCY}))?"
    )


class Price(NamedTuple):
    """A number in plain digits, and the currency that is written beside it, if there is one."""

    digits: str
    currency: str | None = None


def read(text: str, decimal: Decimal) -> Price | None:
    """Return the number that a text is with this decimal sign; None if it is none."""
    if _FORMS[decimal].fullmatch(text):
        return Price(_without_groups(text, decimal))
    match = _form(decimal).fullmatch(text)
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    if (match["sign"] and match["inner"]) or (match["before"] and match["after"]):
        return None
    whole = re.sub("[^0-9]", "", match["whole"]) or "0"
    minus = "-" if match["sign"] + match["inner"] in ("-", "\u2212") else ""
    digits = f"{minus}{whole}" + (f".{match['fraction']}" if match["fraction"] else "")
    if power := _FACTORS[match["factor"].upper()]:
        if match["exponent"]:
            return None
        digits = f"{Number(digits).scaleb(power):f}"
    return Price(digits + (match["exponent"] or ""), match["before"] or match["after"])


def parse(text: str, decimal: Decimal) -> float | None:
    """Return the number that a text is with this decimal sign, without its currency; None if it is none."""
    found = read(text, decimal)
    return None if found is None else float(found.digits)


def plain_all(texts: Sequence[str], decimal: Decimal) -> list[str] | None:
    """Return texts in their plain digits; None if one of them is more than digits, signs and groups."""
    joined = "".join(f"{text}\n" for text in texts)
    if not _LINES[decimal].fullmatch(joined):
        return None
    return _without_groups(joined, decimal).split()


def plain(text: str, decimal: Decimal) -> str:
    """Return a number with its own digits, a decimal point, and nothing between thousands.

    Raises ValueError for what is no number.
    """
    if (found := read(text, decimal)) is None:
        raise ValueError(f"{text!r} is not a number")
    return found.digits


def is_missing(text: str) -> bool:
    """Whether a text stands for a price that is missing; -1 is for the number's reader to find."""
    return text.strip().lower() in MISSING


def _without_groups(text: str, decimal: Decimal) -> str:
    return text.replace(",", "") if decimal == "." else text.replace(".", "").replace(",", ".")
