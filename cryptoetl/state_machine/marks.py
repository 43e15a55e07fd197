"""Marks: what a currency's table was made of, as its scripts noted it when they loaded it.

glue_scripts/groups.py writes them, `<GOLD>/_loaded/<TICKER>/<mark>`, for a branch and for a group alike, and
every run deletes those of its currencies first: a currency without a mark has to be run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from cryptoetl.state_machine.bundle import Bundle

FOLDER = "_loaded"
"""The folder of the marks, below the place of gold."""

FILES = ("--HIST_FILE", "--TREND_FILE")


def mark(tags: Iterable[str], drop: str, scripts: str) -> str:
    """Return the mark of a table, given the tags of both raw files; equal to `groups.mark_of` of a script."""
    files = hashlib.sha256("\n".join(tags).encode()).hexdigest()[:16]
    return f"{files}-{drop}-{scripts}"


def raw_keys(deployed: Bundle, tickers: Iterable[str]) -> set[str]:
    """Return the keys of the raw files that these deployed currencies are made of."""
    arguments = deployed.silver_arguments
    return {arguments[ticker][name] for ticker in tickers for name in FILES}


def unchanged(
    deployed: Bundle, tickers: Iterable[str], tags: Mapping[str, str], loaded: Mapping[str, str]
) -> Iterator[str]:
    """Yield those of the deployed currencies that would be made of what their tables were made of.

    `tags` are those of the raw files by key, `loaded` the marks of the tables by ticker.
    """
    scripts, arguments = deployed.scripts_version, deployed.silver_arguments
    if scripts is None:
        return
    for ticker in tickers:
        found = [tags.get(arguments[ticker][name], "") for name in FILES]
        if all(found) and loaded.get(ticker) == mark(found, arguments[ticker]["--DROP"], scripts):
            yield ticker


def marks(keys: Iterable[str]) -> dict[str, str]:
    """Return ticker → mark, from the keys `<TICKER>/<mark>` of all marks; several of a currency are none."""
    found: dict[str, list[str]] = {}
    for key in keys:
        ticker, _, name = key.partition("/")
        found.setdefault(ticker, []).append(name)
    return {ticker: names[0] for ticker, names in found.items() if len(names) == 1}
