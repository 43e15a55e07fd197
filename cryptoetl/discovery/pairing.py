"""Pair histories with trends, and explain every file that is left over.

If there is a choice, a note says what was chosen, and the other file is left over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from cryptoetl.discovery import owners
from cryptoetl.discovery.choosing import (
    fitness,
    length,
    no_prices,
    pair_unless_unclear,
    some,
    unclear,
    waiting,
)
from cryptoetl.discovery.coin_names import SAME_COIN
from cryptoetl.discovery.entries import NO_TICKER, Entry, Leftover, Pair, Pairing
from cryptoetl.discovery.owners import Named
from cryptoetl.discovery.sniffs import HistorySniff, NotRecognised, Sniff, TrendSniff
from cryptoetl.util.text import plural

_MONTHLY = (
    "its values are monthly, weekly ones are needed: in Google Trends choose a range of at most five years"
)
_INTRADAY = "it has several rows a day: daily ones are needed"
_UNNAMED = "neither its content nor its name says which currency it is for"
_NOT_IN_A_CONFIGURATION = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def pair(sniffs: Sequence[Sniff], root: Path) -> Pairing:
    """Pair the files that were found below `root`."""
    leftovers: list[Leftover] = []
    histories: list[Named[HistorySniff]] = []
    trends: list[Named[TrendSniff]] = []
    for sniff in sniffs:
        if (refused := _refused(sniff)) is not None:
            leftovers.append(refused)
        elif isinstance(sniff, HistorySniff):
            histories.append(owners.of_history(sniff, root))
        elif isinstance(sniff, TrendSniff):
            trends.append(owners.of_trend(sniff, root))

    pairs: list[Pair] = []
    if len(histories) == len(trends) == 1 and (only := _only_two(histories[0], trends[0])):
        found, rest = pair_unless_unclear(only)
        pairs, histories, trends = found, [], []
        leftovers += rest
    trends = _of_the_only_coin(histories, _under_one_ticker(histories, trends))
    tickers = {h.ticker for h in histories if h.ticker} | {t.ticker for t in trends if t.ticker}
    for ticker in sorted(tickers):
        found, rest = _currency(
            ticker,
            [history for history in histories if history.ticker == ticker],
            [trend for trend in trends if trend.ticker == ticker],
        )
        pairs += found
        leftovers += rest
    leftovers += _without_coin(histories, trends)
    order = {sniff.file: place for place, sniff in enumerate(sniffs)}
    leftovers.sort(key=lambda leftover: order[leftover.file])
    pairs.sort(key=lambda pair: pair.ticker)
    return Pairing(tuple(pairs), tuple(_with_candidates(leftovers)))


def _without_coin(
    histories: Sequence[Named[HistorySniff]], trends: Sequence[Named[TrendSniff]]
) -> Iterator[Leftover]:
    for history in histories:
        if not history.coin:
            entry = Entry(NO_TICKER, history.sniff, None)
            yield Leftover(history.sniff.file, "history", history.reason or _UNNAMED, entry)
    for trend in trends:
        if not trend.coin:
            entry = Entry(NO_TICKER, None, trend.sniff)
            yield Leftover(trend.sniff.file, "trend", trend.reason or _UNNAMED, entry)


def _refused(sniff: Sniff) -> Leftover | None:
    """Return a file that cannot be used for any currency as a leftover, with the reason; else None."""
    if isinstance(sniff, NotRecognised):
        return Leftover(sniff.file, sniff.kind, sniff.reason)
    kind: Literal["history", "trend"] = "history" if isinstance(sniff, HistorySniff) else "trend"
    if _NOT_IN_A_CONFIGURATION.search(str(sniff.file)):
        return Leftover(sniff.file, kind, "its name holds control characters or is not UTF-8: rename it")
    if sniff.facts.cadence == "several a day":
        return Leftover(sniff.file, kind, _INTRADAY)
    if kind == "trend" and sniff.facts.cadence == "monthly":
        return Leftover(sniff.file, kind, _MONTHLY)
    if kind == "history" and sniff.facts.cadence == "monthly":
        return Leftover(sniff.file, kind, "its prices are monthly: daily ones are needed")
    if isinstance(sniff, HistorySniff) and not sniff.chosen and (reason := no_prices(sniff)):
        return Leftover(sniff.file, kind, reason)
    return None


def _of_the_only_coin(
    histories: Sequence[Named[HistorySniff]], trends: Sequence[Named[TrendSniff]]
) -> list[Named[TrendSniff]]:
    """Return the trends; the only one, if it does not say of which coin it is, as that of the only coin."""
    coins = {history.ticker: history.coin for history in histories if history.coin}
    if len(trends) != 1 or len(coins) != 1 or trends[0].coin or trends[0].reason:
        return list(trends)
    (coin,) = coins.values()
    note = f"{trends[0].sniff.file.name} does not say of which currency it is: there is no other"
    return [replace(trends[0], coin=replace(coin, quote=None), notes=(*trends[0].notes, note))]


def _under_one_ticker(
    histories: Sequence[Named[HistorySniff]], trends: Sequence[Named[TrendSniff]]
) -> list[Named[TrendSniff]]:
    """Return the trends of a coin that has changed its ticker under the ticker that its prices have."""
    known = {history.ticker for history in histories if history.ticker}
    others = {**SAME_COIN, **{new: old for old, new in SAME_COIN.items()}}
    return [
        replace(trend, coin=replace(trend.coin, ticker=others[trend.coin.ticker]))
        if trend.coin and trend.coin.ticker not in known and others.get(trend.coin.ticker) in known
        else trend
        for trend in trends
    ]


# --- one coin -----------------------------------------------------------------------------------------


def _only_two(history: Named[HistorySniff], trend: Named[TrendSniff]) -> Pair | None:
    """Pair the only two files if one of them does not name its currency, or names an unknown one."""
    if history.reason or trend.reason:
        return None
    # A search term says more than the name of a file, which can be anything.
    if trend.coin and (history.coin is None or (trend.coin.known and not history.coin.known)):
        coin, silent = trend.coin, history.sniff.file
    elif history.coin and trend.coin is None:
        coin, silent = history.coin, trend.sniff.file
    else:
        return None
    note = f"{silent.name} does not say which currency it is for, but there is no other file"
    oddities = _oddities(history.sniff, trend.sniff)
    return Pair(coin.ticker, history.sniff, trend.sniff, (*history.notes, *trend.notes, note, *oddities))


def _currency(
    ticker: str, histories: Sequence[Named[HistorySniff]], trends: Sequence[Named[TrendSniff]]
) -> tuple[list[Pair], list[Leftover]]:
    """Return the currencies of one coin: one, or one per quote if each quote has a trend of its own."""
    if not histories:
        reason = f"there is no file with daily prices of {ticker}"
        return [], [Leftover(t.sniff.file, "trend", reason, Entry(ticker, None, t.sniff)) for t in trends]
    if not trends:
        reason = f"there is no file with the weekly trend of {ticker}"
        best = max(histories, key=fitness)
        return [], [
            Leftover(best.sniff.file, "history", reason, Entry(ticker, best.sniff, None)),
            *_other_histories(ticker, best, None, histories),
        ]
    quotes = sorted({t.quote for t in trends if t.quote} & {h.quote for h in histories if h.quote})
    if len(quotes) > 1:
        return _currencies_by_quote(ticker, quotes, histories, trends)
    clear = [history for history in histories if not history.sniff.rivals]
    best = max(clear or histories, key=fitness)
    trend = max(
        trends,
        key=lambda trend: (
            _is_weekly(trend),
            trend.sniff.from_google,
            _overlap(best.sniff, trend.sniff),
            length(trend),
        ),
    )
    if undecided := unclear(ticker, best, clear, trend.sniff):
        return [], [*undecided, *waiting(ticker, undecided, histories, trends)]
    notes = [*best.notes, *trend.notes, *_oddities(best.sniff, trend.sniff)]
    if len(histories) > 1:
        names = some([other.sniff.file.name for other in histories if other is not best])
        notes.append(f"{len(histories)} histories were found: the longest is used, not {names}")
    if len(trends) > 1:
        names = some([other.sniff.file.name for other in trends if other is not trend])
        notes.append(
            f"{len(trends)} trends were found: the one that shares the most days is used, not {names}"
        )
    leftovers = _other_histories(ticker, best, trend.sniff, histories)
    for other in trends:
        if other is not trend:
            reason = f"{trend.sniff.file.name} is used for {ticker}; to use this one, write its lines instead"
            entry = Entry(ticker, best.sniff, other.sniff)
            leftovers.append(Leftover(other.sniff.file, "trend", reason, entry))
    return [Pair(ticker, best.sniff, trend.sniff, tuple(notes))], leftovers


def _currencies_by_quote(
    ticker: str,
    quotes: Sequence[str],
    histories: Sequence[Named[HistorySniff]],
    trends: Sequence[Named[TrendSniff]],
) -> tuple[list[Pair], list[Leftover]]:
    pairs: list[Pair] = []
    leftovers: list[Leftover] = []
    for quote in quotes:
        found, rest = _currency(
            _with_quote(ticker, quote),
            [history for history in histories if history.quote == quote],
            [trend for trend in trends if trend.quote == quote],
        )
        pairs += found
        leftovers += rest
    if not pairs:
        return [], leftovers
    first = next(history for history in histories if history.sniff is pairs[0].history)
    others = [history for history in histories if history.quote not in quotes]
    leftovers += _other_histories(ticker, first, pairs[0].trend, others)
    reason = f"the trends of {' and '.join(pair.ticker for pair in pairs)} are used instead"
    leftovers += [Leftover(t.sniff.file, "trend", reason) for t in trends if t.quote not in quotes]
    return pairs, leftovers


def _oddities(history: HistorySniff, trend: TrendSniff) -> Iterator[str]:
    """Yield what the check would warn of, and other signs that these may be the wrong files."""
    if history.facts.cadence == "weekly":
        yield "the prices are weekly; daily ones are expected"
    if trend.facts.cadence not in ("weekly", None):
        yield f"the trend is {trend.facts.cadence}; weekly values are expected"
    if not _overlap(history, trend):
        yield "prices and trend have no day in common"
    for sniff in (history, trend):
        if count := sniff.facts.unreadable:
            lines = plural(count, "line")
            yield f"{sniff.file.name} has {lines} that cannot be read: cryptoetl check lists them"


def _other_histories(
    ticker: str,
    best: Named[HistorySniff],
    trend: TrendSniff | None,
    histories: Sequence[Named[HistorySniff]],
) -> list[Leftover]:
    found = []
    for other in histories:
        if other is best:
            continue
        name, rows = best.sniff.file.name, f"{best.sniff.facts.rows:,} rows to {best.sniff.facts.last}"
        if other.quote == best.quote and not _overlap(best.sniff, other.sniff):
            reason = f"it holds other days than {name}: join the files into one"
            found.append(Leftover(other.sniff.file, "history", reason))
            continue
        if other.quote and other.quote != best.quote:
            own, use = _with_quote(ticker, other.quote), "to have this one too, add its lines"
        else:
            own, use = ticker, "to use this one, write its lines instead"
        reason = f"{name} is used for {ticker} ({rows}); {use}"
        found.append(Leftover(other.sniff.file, "history", reason, Entry(own, other.sniff, trend)))
    return found


def _with_quote(ticker: str, quote: str) -> str:
    return f"{ticker[: 14 - len(quote)]}_{quote}"


def _is_weekly(trend: Named[TrendSniff]) -> bool:
    return trend.sniff.facts.cadence == "weekly"


def _overlap(one: HistorySniff | TrendSniff, other: HistorySniff | TrendSniff) -> int:
    """Return the number of days from the later beginning to the earlier end."""
    first, last = max(one.facts.first, other.facts.first), min(one.facts.last, other.facts.last)
    return max(0, (last - first).days + 1)


def _with_candidates(leftovers: Sequence[Leftover]) -> list[Leftover]:
    """Return the leftovers, with a hint for each trend without a history: the currencies it may be for."""
    waiting = [
        f"{left.entry.ticker} ({left.file.name})"
        for left in leftovers
        if left.entry and left.entry.history and not left.entry.trend
    ]
    if not waiting:
        return list(leftovers)
    hint = f"; if it is meant for {some(waiting, ' or ')}, write its trend line there"
    return [
        Leftover(left.file, left.kind, left.reason + hint, left.entry)
        if left.entry and left.entry.trend and not left.entry.history
        else left
        for left in leftovers
    ]
