"""The verdict on each currency: its files read (raw_files.py), or what was found of that content before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from cryptoetl import raw_files, uploads, verdicts
from cryptoetl.config import Currency
from cryptoetl.findings import FileReport
from cryptoetl.raw_files import HistoryFormat, TrendFormat
from cryptoetl.results import CheckRules, CurrencyCheck, FileProgress, Observe
from cryptoetl.target import Fingerprint
from cryptoetl.uploads import ComparedFile


def verdicts_on(
    currencies: Iterable[Currency], rules: CheckRules, observe: Observe, compared: Iterable[ComparedFile] = ()
) -> Iterator[CurrencyCheck]:
    """The verdict on each, in order, as it is asked for; `compared` saves reading their files once more."""
    prints = {file.raw.source: file.fingerprint for file in compared}
    try:
        for currency in currencies:
            found = [prints.get(file) or uploads.fingerprint(file) for file in _files(currency)]
            history, trend = _check_one(currency, found, rules, observe)
            if rules.strict:
                history, trend = history.strictly(), trend.strictly()
            yield CurrencyCheck(currency.ticker, history, trend)
    finally:
        if rules.known is not None:
            rules.known.save()


def _files(currency: Currency) -> tuple[Path, Path]:
    return currency.history, currency.trend


def _check_one(
    currency: Currency, prints: Sequence[Fingerprint], rules: CheckRules, observe: Observe
) -> tuple[FileReport, FileReport]:
    def progress(report: FileReport) -> Callable[[int], None]:
        total = report.file.stat().st_size
        return lambda done: observe(FileProgress(currency.ticker, report.file, done, total))

    history, trend = FileReport("history", currency.history), FileReport("trend", currency.trend)
    history_format = HistoryFormat(
        currency.date_column,
        currency.price_column,
        currency.date_format,
        currency.decimal,
        currency.delimiter,
    )
    trend_format = TrendFormat(currency.trend_date_format, currency.trend_delimiter)
    key = verdicts.key(
        [found.sha256 for found in prints],
        tuple(history_format),
        tuple(trend_format),
        currency.drop,
        rules.today,
        rules.max_age_days,
    )
    if rules.known is not None and (known := rules.known.find(key, history, trend)):
        return known
    raw_files.check(
        history,
        trend,
        history_format,
        trend_format,
        drop=currency.drop,
        today=rules.today,
        max_age_days=rules.max_age_days,
        on_bytes=progress,
    )
    # A verdict on what somebody wrote meanwhile is not one on what was fingerprinted.
    untouched = all(
        file.stat().st_mtime_ns == found.modified
        for file, found in zip(_files(currency), prints, strict=True)
    )
    if rules.known is not None and untouched:
        rules.known.keep(key, history, trend)
    return history, trend
