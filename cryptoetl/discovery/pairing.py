"""Pair histories with trends, and explain every file that is left over.

If there is a choice, a note says what was chosen, and the other file is left over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptoetl.discovery import owners
from cryptoetl.discovery.owners import Named
from cryptoetl.discovery.sniffing import HistorySniff, NotRecognised, Sniff, TrendSniff
from cryptoetl.util.text import plural

NO_TICKER = "TICKER"
"""Placeholder for a ticker that only the user knows."""

_MONTHLY = (
    "its values are monthly, weekly ones are needed: in Google Trends choose a range of at most five years"
)
_INTRADAY = "it has several rows a day: daily ones are needed"
_UNNAMED = "neither its content nor its name says which currency it is for"
_NOT_IN_A_CONFIGURATION = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Entry:
    """A currency in the configuration; None stands for a missing file."""

    ticker: str
    history: HistorySniff | None
    trend: TrendSniff | None


@dataclass(frozen=True)
class Pair:
    """A currency with both files; `notes` name choices and oddities."""

    ticker: str
    history: HistorySniff
    trend: TrendSniff
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leftover:
    """A file that is in no currency, the reason, and the entry that would use it, if one could."""

    file: Path
    kind: Literal["history", "trend"] | None
    reason: str
    entry: Entry | None = None


@dataclass(frozen=True)
class Pairing:
    """The currencies, ordered by ticker, and the other files in the order in which they were found."""

    pairs: tuple[Pair, ...]
    leftovers: tuple[Leftover, ...]


def pair(sniffs: Sequence[Sniff], root: Path) -> Pairing:
    """Pair the files that were found below `root`."""
    leftovers = [refused for sniff in sniffs if (refused := _refused(sniff)) is not None]
    unfit = {leftover.file for leftover in leftovers}
    histories: list[Named[HistorySniff]] = []
    trends: list[Named[TrendSniff]] = []
    for sniff in sniffs:
        if sniff.file in unfit:
            continue
        if isinstance(sniff, HistorySniff):
            histories.append(owners.of_history(sniff, root))
        elif isinstance(sniff, TrendSniff):
            trends.append(owners.of_trend(sniff, root))

    pairs: list[Pair] = []
    if len(histories) == len(trends) == 1 and (only := _only_two(histories[0], trends[0])):
        pairs, histories, trends = [only], [], []
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
    return None


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
        best = max(histories, key=_length)
        return [], [
            Leftover(best.sniff.file, "history", reason, Entry(ticker, best.sniff, None)),
            *_other_histories(ticker, best, None, histories),
        ]
    quotes = sorted({t.quote for t in trends if t.quote} & {h.quote for h in histories if h.quote})
    if len(quotes) > 1:
        return _currencies_by_quote(ticker, quotes, histories, trends)
    best = max(histories, key=_length)
    trend = max(
        trends, key=lambda trend: (_is_weekly(trend), _overlap(best.sniff, trend.sniff), _length(trend))
    )
    notes = [*best.notes, *trend.notes, *_oddities(best.sniff, trend.sniff)]
    if len(histories) > 1:
        names = _some([other.sniff.file.name for other in histories if other is not best])
        notes.append(f"{len(histories)} histories were found: the longest is used, not {names}")
    if len(trends) > 1:
        names = _some([other.sniff.file.name for other in trends if other is not trend])
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


def _some(names: Sequence[str], between: str = ", ") -> str:
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return between.join([*names[:3], *more])


def _is_weekly(trend: Named[TrendSniff]) -> bool:
    return trend.sniff.facts.cadence == "weekly"


def _length(file: Named[HistorySniff] | Named[TrendSniff]) -> tuple[int, int]:
    """Return a sort key: the number of rows, then the last date."""
    return file.sniff.facts.rows, file.sniff.facts.last.toordinal()


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
    hint = f"; if it is meant for {_some(waiting, ' or ')}, write its trend line there"
    return [
        Leftover(left.file, left.kind, left.reason + hint, left.entry)
        if left.entry and left.entry.trend and not left.entry.history
        else left
        for left in leftovers
    ]
