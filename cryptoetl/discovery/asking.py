"""Questions about currencies whose prices could be in several columns or files, and what an answer means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from cryptoetl.discovery.entries import Leftover, Pairing
from cryptoetl.discovery.sniffing import sniff
from cryptoetl.discovery.sniffs import HistorySniff, Sniff
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.history import HistoryFormat, read_history


@dataclass(frozen=True)
class Question:
    """Which of the options holds the prices of a currency, and why there is a question."""

    ticker: str
    reason: str
    options: tuple[str, ...]


Ask = Callable[[Question], int | None]
"""Returns the index of the option that was chosen; None to leave the currency out."""


def undecided(pairing: Pairing) -> dict[str, list[Leftover]]:
    """Return, by ticker, what the prices of the currencies without a choice could be."""
    found: dict[str, list[Leftover]] = {}
    for left in pairing.leftovers:
        if left.alternative is not None and left.entry is not None:
            found.setdefault(left.entry.ticker, []).append(left)
    return found


def question(ticker: str, alternatives: Sequence[Leftover]) -> Question:
    """Return the question about a currency; the files are read for their first and last prices."""
    reason = alternatives[0].alternative or ""
    return Question(ticker, reason, tuple(_option(history) for history in _histories(alternatives)))


def answered(sniffs: Sequence[Sniff], alternatives: Sequence[Leftover], answer: int) -> list[Sniff]:
    """Return the files, with the column and file that were chosen for a currency marked as such."""
    chosen = list(_histories(alternatives))[answer]
    return [
        _chosen(chosen)
        if isinstance(found, HistorySniff)
        and found.file == chosen.file
        and (found.rivals or found.price_column == chosen.price_column)
        else found
        for found in sniffs
    ]


def _histories(alternatives: Sequence[Leftover]) -> Iterator[HistorySniff]:
    for left in alternatives:
        if left.entry is not None and left.entry.history is not None:
            yield left.entry.history


def _chosen(history: HistorySniff) -> HistorySniff:
    """Return a history as its file is with the chosen column."""
    read = sniff(history.file, column=history.price_column)
    if len(read) == 1 and isinstance(read[0], HistorySniff):
        history = read[0]
    return replace(history, rivals=(), chosen=True)


def _option(history: HistorySniff) -> str:
    report = FileReport("history", history.file)
    layout = HistoryFormat(
        history.date_column, history.price_column, history.date_format, history.decimal, history.delimiter
    )
    priced = [day for day in read_history(report, layout, drop=False) if day.value is not None]
    named = f"{history.file.name}, column {history.price_column}"
    if not priced:
        return f"{named}: no prices"
    first, last = priced[0], priced[-1]
    return f"{named}: {first.value:,g} on {first.day} ... {last.value:,g} on {last.day}"
