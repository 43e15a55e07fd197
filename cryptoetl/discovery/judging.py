"""Decide what a file is that was read to its end: a history of prices or a Google trend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cryptoetl.discovery.evidence import (
    Choice,
    DateEvidence,
    ValueEvidence,
    choose_decimal,
)
from cryptoetl.discovery.layouts import Layout
from cryptoetl.discovery.readings import MONTH_ONLY, number
from cryptoetl.discovery.sniffs import Facts, HistorySniff, NotRecognised, Sniff, TrendSniff
from cryptoetl.raw_files.columns import WEEK, is_price_name, plain
from cryptoetl.raw_files.trend import TrendColumns, trend_columns


@dataclass(frozen=True)
class WholeFile:
    """A file read to its end."""

    path: Path
    layout: Layout
    dates: DateEvidence
    values: ValueEvidence
    rows: int
    below: int
    """How many of the rows stand below the last one with a date."""
    choice: Choice
    samples: Mapping[int, str]

    def facts(self, readable: int, missing: int) -> Facts:
        """Return what the file holds, of which so many rows can be read and so many values are missing."""
        first, last = date.fromordinal(self.dates.first), date.fromordinal(self.dates.last)
        return Facts(self.dates.count, first, last, self.dates.cadence, missing, self.rows - readable)


def is_trend(read: WholeFile) -> bool:
    """Return whether a file holds a trend: by its columns, by Google's own names, or by its values."""
    values, layout = read.values, read.layout
    if layout.header is None:
        return values.like_a_trend and layout.width == 2
    if layout.partial:
        return True
    date_name, name = plain(layout.header[layout.date]), layout.header[layout.value]
    dated = date_name in WEEK and not is_price_name(name)
    if any(_GOOGLE.search(title) for title in layout.header) and (dated or values.like_a_trend):
        return True
    if not values.like_a_trend:
        return False
    if values.below_one or dated:
        return True
    if len(layout.header) > 2 or is_price_name(name):
        return False
    coarse = read.dates.cadence in ("weekly", "monthly") or read.dates.format.text == MONTH_ONLY
    named = re.search("trend|timeline", f"{read.path.name} {name}".lower()) is not None
    return layout.preamble or coarse or named


_GOOGLE = re.compile(r": ?\(.*\)$")


def trend(read: WholeFile) -> TrendSniff | NotRecognised:
    """Return a trend's format, or why it cannot be used."""

    def refused(reason: str) -> NotRecognised:
        return NotRecognised(read.path, reason, "trend")

    layout, values = read.layout, read.values
    if layout.header is None:
        term, columns = "", TrendColumns(0, 1)
    else:
        found = trend_columns(layout.header)
        if isinstance(found, str):
            return refused(several_terms(len([name for name in layout.header if name]) - 1))
        term, columns = layout.header[found.value], found
    if (layout.date, layout.value) != (columns.date, columns.value):
        return refused("it is a trend whose first column is not the date")
    if layout.header is not None and plain(term) == "hits":
        term = next(iter(layout.symbols), "")
    if len(layout.symbols) > 1:
        return refused(several_terms(len(layout.symbols)))
    if not values.like_a_trend:
        return refused("it is a trend with values that are not whole numbers from 0 to 100")
    # Other tables may follow below the weeks, such as regions: they are no rows of this one.
    weeks = replace(read, rows=read.rows - read.below)
    facts = weeks.facts(min(read.dates.count, values.whole), 0)
    date_format, delimiter = read.dates.format.text, layout.delimiter
    return TrendSniff(
        read.path,
        facts,
        term,
        date_format,
        delimiter,
        *_split(read.choice),
        layout.preamble or _GOOGLE.search(term) is not None,
    )


def history(read: WholeFile) -> HistorySniff | NotRecognised:
    """Return a history's format, or why it cannot be used."""

    def refused(reason: str) -> NotRecognised:
        return NotRecognised(read.path, reason, "history")

    layout, values = read.layout, read.values
    if read.dates.format.text == MONTH_ONLY:
        return refused("its prices are monthly: daily ones are needed")
    if len(layout.symbols) > 1:
        return refused(f"it holds several currencies ({', '.join(layout.symbols[:3])}): make a file of each")
    decimal, choice = choose_decimal(values, layout.decimals)
    priced = (values.point if decimal == "." else values.comma) + values.missing
    facts = read.facts(min(read.dates.count, priced), values.missing)
    samples = ((day, number(text, decimal)) for day, text in read.samples.items())
    symbol = (
        layout.header[layout.value] if layout.header and layout.coins else next(iter(layout.symbols), None)
    )
    return HistorySniff(
        read.path,
        facts,
        layout.column(layout.date),
        layout.column(layout.value),
        read.dates.format.text,
        decimal,
        layout.delimiter,
        symbol,
        *_split(read.choice, choice, Choice(doubt=layout.doubt)),
        rivals=tuple(map(layout.column, layout.rivals)),
        like_a_trend=values.like_a_trend,
        mixed=any(map(_STUDY.search, map(plain, layout.header or ()))),
        samples=tuple((day, price) for day, price in samples if price is not None and price != -1),
    )


_STUDY = re.compile(
    r"\b(trends?|fear|greed|sentiment|signals?|score|buy|sell|rsi|macd|prediction|pnl|balance)\b"
)


def _split(*choices: Choice) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the decisions and the doubts."""
    return (
        tuple(choice.decision for choice in choices if choice.decision),
        tuple(choice.doubt for choice in choices if choice.doubt),
    )


def several_terms(count: int) -> str:
    """Return why a file of several search terms cannot be used."""
    return f"it holds {count} search terms: export one search term alone"


def like_a_trend(found: Sniff) -> bool:
    """Return whether a history's values could be those of a trend."""
    return isinstance(found, HistorySniff) and found.like_a_trend
