"""Options that several commands share, and the parsers of their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli import completion
from cryptoetl.errors import UsageError

if TYPE_CHECKING:
    from cryptoetl.state_machine.definition import Step

StrictOption = Annotated[bool, typer.Option("--strict", help="Treat every warning as an error.")]
TickersOption = Annotated[
    str | None,
    typer.Option(
        "--tickers", metavar="BTC,XMR", help="Only these currencies.", autocompletion=completion.tickers
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Apply the plan without asking.")]
FailOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fail",
        metavar="TICKER:STEP",
        help="Make a step fail on purpose, to test that other currencies continue (local target).",
    ),
]


def parse_tickers(text: str | None) -> list[str] | None:
    """Return the tickers of a text such as `BTC,XMR`; None for None. Raises UsageError if there is none."""
    if text is None:
        return None
    tickers = [part.strip() for part in text.split(",") if part.strip()]
    if not tickers:
        raise UsageError("--tickers names no currency", hint="Write it as --tickers BTC,XMR.")
    return list(dict.fromkeys(tickers))


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as 90s, 30m or 2h. Raises UsageError."""
    found = re.fullmatch(r"(\d+)([smh])", text.strip())
    if found is None or int(found[1]) == 0:
        unit = " without a unit" if text.strip().isdecimal() and int(text) else ""
        raise UsageError(
            f"{text!r} is not a duration{unit}",
            hint="Write it with s for seconds, m for minutes or h for hours: 90s, 30m or 2h.",
        )
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def parse_size(text: str) -> int:
    """Return the bytes of a size such as 500MB or 2GiB, at least 16MB. Raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B", text.strip(), re.IGNORECASE)
    size = 0
    if found is not None:
        power = "KMGT".index(found[2].upper()) + 1
        size = int(float(found[1]) * (1024 if found[3] else 1000) ** power)
    if size < 16_000_000:
        raise UsageError(f"{text!r} is not a size of 16MB or more", hint="Write it as 500MB or 2GB.")
    return size


def parse_fail(items: list[str]) -> dict[str, Step]:
    """Return the step of each ticker: {"XMR": "gold"} for ["XMR:gold"]. Raises UsageError."""
    from cryptoetl.state_machine.definition import STEPS

    fail: dict[str, Step] = {}
    for item in items:
        ticker, _, step = item.partition(":")
        if step not in STEPS or not ticker:
            raise UsageError(
                f"--fail {item}: not a currency and step",
                hint=f"Write TICKER:STEP, with one of {', '.join(STEPS)}.",
            )
        fail[ticker] = step
    return fail
