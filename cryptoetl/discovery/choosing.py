"""Choose the file and the column of a coin's prices, or say that there is no choosing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cryptoetl.discovery.entries import Entry, Leftover, Pair
from cryptoetl.discovery.owners import Named
from cryptoetl.discovery.sniffs import HistorySniff, TrendSniff
from cryptoetl.raw_files import archives
from cryptoetl.raw_files.columns import OTHER, is_price_name, plain

MAX_ALTERNATIVES = 6
"""Columns that are offered where the price could be in any of them."""


DISAGREE = 1.5
"""Two files of one coin in one quote whose prices differ by this factor are not both right."""


def no_prices(sniff: HistorySniff) -> str | None:
    """Return why a file's numbers are no prices, though it has a date and a number on every line."""
    column = sniff.price_column if isinstance(sniff.price_column, str) else ""
    if is_price_name(column):
        return None
    for name in (column, archives.stem(sniff.file.name)):
        if word := OTHER.search(plain(name)):
            return f"its name says that it holds something else than prices ({word[0]})"
    if sniff.like_a_trend:
        return "its values are whole numbers from 0 to 100, as search interest is: no prices"
    return None


def pair_unless_unclear(pair: Pair) -> tuple[list[Pair], list[Leftover]]:
    """Return the pair, or what its file could be if its column of prices could not be chosen."""
    if not pair.history.rivals:
        return [pair], []
    return [], _alternatives(pair.ticker, pair.history, pair.trend)


def _alternatives(ticker: str, history: HistorySniff, trend: TrendSniff | None) -> list[Leftover]:
    """Return an entry for each column that could hold the price."""
    why = "; ".join(history.doubts) or "it is not clear which column holds the price"
    columns = (history.price_column, *history.rivals)
    return [
        Leftover(
            history.file,
            "history",
            f"{why}; if it is column {column}, use" if at == 0 else f"if it is column {column}, use",
            Entry(ticker, replace(history, price_column=column, rivals=()), trend),
            alternative=why,
        )
        for at, column in enumerate(columns[:MAX_ALTERNATIVES])
    ]


def unclear(
    ticker: str,
    best: Named[HistorySniff],
    histories: Sequence[Named[HistorySniff]],
    trend: TrendSniff,
) -> list[Leftover]:
    """Return what a currency could be made of, if there is no choosing; empty if there is."""
    if best.sniff.chosen:
        return []
    if best.sniff.rivals:
        return _alternatives(ticker, best.sniff, trend)
    rivals = [other for other in histories if other is not best and _disagree(best, other)]
    if not rivals:
        return []
    names = some([other.sniff.file.name for other in (best, *rivals)], " and ")
    why = f"the prices of {names} are not those of one coin in one currency"
    return [
        Leftover(
            found.sniff.file,
            "history",
            f"{why}: write the right one's lines",
            Entry(ticker, found.sniff, trend),
            alternative=why,
        )
        for found in (best, *rivals)
    ]


def waiting(
    ticker: str,
    undecided: Sequence[Leftover],
    histories: Sequence[Named[HistorySniff]],
    trends: Sequence[Named[TrendSniff]],
) -> Iterator[Leftover]:
    """Yield the other files of a currency whose prices could not be chosen."""
    entries = [left.entry for left in undecided if left.entry]
    in_use = {sniff.file for entry in entries for sniff in (entry.history, entry.trend) if sniff}
    reason = f"the prices of {ticker} have to be chosen first"
    for history in histories:
        if history.sniff.file not in in_use:
            entry = Entry(ticker, history.sniff, entries[0].trend)
            yield Leftover(history.sniff.file, "history", reason, entry if not history.sniff.rivals else None)
    for trend in trends:
        if trend.sniff.file not in in_use:
            yield Leftover(trend.sniff.file, "trend", reason)


def _disagree(one: Named[HistorySniff], other: Named[HistorySniff]) -> bool:
    """Return whether two files have days in common and, on most of them, prices far from each other."""
    if one.quote and other.quote and one.quote != other.quote:
        return False
    prices = dict(one.sniff.samples)
    factors = [
        max(price, prices[day]) / min(price, prices[day])
        for day, price in other.sniff.samples
        if prices.get(day, 0) > 0 and price > 0
    ]
    return 2 * sum(factor > DISAGREE for factor in factors) > len(factors)


def fitness(file: Named[HistorySniff]) -> tuple[bool, bool, int, int, bool]:
    """Return a sort key: the user's choice, prices alone, more rows, a later end, dollars."""
    return (file.sniff.chosen, not file.sniff.mixed, *length(file), file.quote in (None, "USD"))


def length(file: Named[HistorySniff] | Named[TrendSniff]) -> tuple[int, int]:
    """Return a sort key: the number of rows, then the last date."""
    return file.sniff.facts.rows, file.sniff.facts.last.toordinal()


def some(names: Sequence[str], between: str = ", ") -> str:
    """Return the first three names, and how many more there are."""
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return between.join([*names[:3], *more])
