"""Render the configuration that `init` writes: fields that are not the default, and facts as comments."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from cryptoetl.config.models import Currency
from cryptoetl.discovery.entries import NO_TICKER, Entry, Leftover, Pair
from cryptoetl.discovery.owners import search_term
from cryptoetl.discovery.sniffs import HistorySniff, TrendSniff
from cryptoetl.util.text import plural

SHOWN_LEFTOVERS = 30
"""Most files without a currency that the configuration lists; the others are counted."""

_HEADER = """\
# Written by `cryptoetl init`: prices and trends found in {place}.
# Paths are relative to this file. `cryptoetl schema` prints the JSON Schema, for completion in an editor.

# pipeline: crypto        # prefix of every resource: lowercase letters, digits, hyphens
# target: aws             # local (the default): this machine, no AWS account
# max_age_days: null      # the check warns of files that end more than 30 days ago; null never does

currencies:
"""
_FORMAT_FIELDS = (
    *("date_column", "price_column", "date_format", "decimal", "delimiter"),
    *("trend_date_format", "trend_delimiter"),
)


def render(pairs: Sequence[Pair], leftovers: Sequence[Leftover], root: Path, folder: Path) -> str:
    """Return the configuration's text. `folder` is its own folder, `root` the one that was searched."""
    place = relative(root.resolve(), folder)
    parts = [_HEADER.format(place="this folder" if root.resolve() == folder.resolve() else _comment(place))]
    parts += ["\n".join(_pair(pair, folder)) + "\n" for pair in pairs]
    if leftovers:
        parts.append("\n".join(_leftovers(leftovers, folder)) + "\n")
    return "\n".join(parts).replace("currencies:\n\n", "currencies:\n", 1)


def lines(entry: Entry, folder: Path) -> tuple[str, ...]:
    """Return a currency's lines for a configuration in `folder`, with a placeholder for a missing file."""
    name = "" if entry.ticker == NO_TICKER else f" of {entry.ticker}"
    return (
        f"  - ticker: {scalar(entry.ticker)}" + ("    # its short name" if not name else ""),
        _file("history", entry.history, folder)
        or f"    history: history_{entry.ticker}.csv    # the daily prices{name}",
        _file("trend", entry.trend, folder)
        or f"    trend: trend_{entry.ticker}.csv    # the weekly Google Trends export{name}",
        *_formats(entry),
    )


def scalar(value: str | int) -> str:
    """Return a value as a YAML scalar."""
    text = yaml.safe_dump(value, allow_unicode=True, width=sys.maxsize)
    return text.removesuffix("...\n").removesuffix("\n")


def relative(file: Path, folder: Path) -> str:
    """Return the path of a file relative to a folder; absolute if they share only the root."""
    place = (file.parent.resolve() / file.name).as_posix()
    base = folder.resolve()
    if len(Path(os.path.commonpath((place, base))).parts) < 2:
        return place
    found = Path(os.path.relpath(place, base)).as_posix()
    return place if found.startswith("~") else found  # ~ would be read as a home folder


def _pair(pair: Pair, folder: Path) -> Iterator[str]:
    yield f"  # {_comment(facts(pair.history))}"
    yield f"  # {_comment(facts(pair.trend))}"
    decisions = (*pair.history.decisions, *pair.trend.decisions)
    doubts = (*pair.notes, *pair.history.doubts, *pair.trend.doubts)
    yield from (f"  # {_comment(text)}" for text in decisions)
    yield from (f"  # Please check: {_comment(text)}" for text in doubts)
    yield from lines(Entry(pair.ticker, pair.history, pair.trend), folder)
    if pair.history.facts.missing:
        yield "    # drop: true          # drop the days without a price instead of carrying the last one"


def facts(sniff: HistorySniff | TrendSniff) -> str:
    """Return a file's facts in one line."""
    found = sniff.facts
    rows = plural(found.rows, "day" if isinstance(sniff, HistorySniff) else "row")
    parts = [f"{rows}, {found.first} to {found.last}"]
    if found.cadence:
        parts.append(found.cadence)
    if isinstance(sniff, TrendSniff):
        parts.append(f"search term {search_term(sniff)}")
    if found.missing:
        parts.append(f"{found.missing:,} without a price")
    return f"{'prices' if isinstance(sniff, HistorySniff) else 'trend'}: {', '.join(parts)}"


def _file(field: str, sniff: HistorySniff | TrendSniff | None, folder: Path) -> str | None:
    return None if sniff is None else f"    {field}: {scalar(relative(sniff.file, folder))}"


def _formats(entry: Entry) -> Iterator[str]:
    """Yield the lines of the format fields that differ from the defaults."""
    for field in _FORMAT_FIELDS:
        default = Currency.model_fields[field].default
        sniff = entry.trend if field.startswith("trend_") else entry.history
        value = getattr(sniff, field, default)
        if value != default:
            yield f"    {field}: {scalar(value)}"


def _leftovers(leftovers: Sequence[Leftover], folder: Path) -> Iterator[str]:
    yield "  # Files that are in no currency, each with the lines that would use it:"
    for left in leftovers[:SHOWN_LEFTOVERS]:
        yield "  #"
        yield f"  # {_comment(relative(left.file, folder))}: {_comment(left.reason)}"
        if left.entry is not None:
            yield from (f"  #{line[1:]}" for line in lines(left.entry, folder))
    if len(leftovers) > SHOWN_LEFTOVERS:
        yield f"  # ... and {len(leftovers) - SHOWN_LEFTOVERS:,} more"


def _comment(text: str) -> str:
    """Return a text for a comment: on one line, and in characters that YAML allows."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
