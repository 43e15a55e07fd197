"""Currencies checked: their files read (raw_files.py), or what was found of that content before.

With a folder to write to, the files of a currency that passes are also written there in the plain form, in
the same pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptoetl.config.models import Currency
from cryptoetl.events import FileProgress, Observe, Phase
from cryptoetl.pipeline import checks
from cryptoetl.pipeline.results import (
    CheckResult,
    CheckRules,
    CurrencyCheck,
)
from cryptoetl.raw_files import plain, plausibility, reading, verdicts
from cryptoetl.raw_files.findings import FileReport, Kind
from cryptoetl.raw_files.fingerprints import Fingerprint, fingerprint
from cryptoetl.raw_files.history import HistoryFormat
from cryptoetl.raw_files.plain import PlainFile
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.trend import TrendFormat
from cryptoetl.target.storage import changed_meanwhile


class CheckedFile(NamedTuple):
    """A user's file; `plain` is None where the currency did not pass, or no plain form was asked for."""

    kind: Kind
    source: Path
    fingerprint: Fingerprint
    plain: PlainFile | None


class Checked(NamedTuple):
    """A currency, the verdict on it, and its files: history, then trend."""

    currency: Currency
    verdict: CurrencyCheck
    files: tuple[CheckedFile, CheckedFile]


def each(
    currencies: Iterable[Currency],
    rules: CheckRules,
    observe: Observe,
    *,
    in_plain: bool = False,
    scratch: Path | None = None,
    prints: Mapping[Path, Fingerprint] | None = None,
) -> Iterator[Checked]:
    """Yield each currency with the verdict on it, in order, as it is asked for. Raises OSError.

    With `in_plain` also what its files are in the plain form, which is written to the folder `scratch`, where
    there is one. `prints`, where given, saves fingerprinting those files again.
    """
    known = prints or {}
    try:
        for currency in currencies:
            of_files = [known.get(file) or fingerprint(file) for file in files(currency)]
            yield _check(currency, rules, observe, of_files, in_plain=in_plain, scratch=scratch)
    finally:
        if rules.known is not None:
            rules.known.save()


def files(currency: Currency) -> tuple[Path, Path]:
    """Return a currency's history and trend file."""
    return currency.history, currency.trend


def write_plain(checked: Checked, kind: Kind, scratch: Path) -> Path:
    """Write the plain form of a file that was known from an earlier check. Raises EnvironmentFault."""
    at = 0 if kind == "history" else 1
    reports, series = _read(checked.currency, digits=True)
    path = scratch / f"{checked.currency.ticker}.{kind}.csv"
    made = plain.write(series[at], kind, path) if not reports[at].errors else None
    expected = checked.files[at].plain
    if made is None or expected is None or made.sha256 != expected.fingerprint.sha256:
        raise changed_meanwhile(checked.files[at].source)
    return path


def _formats(currency: Currency) -> tuple[HistoryFormat, TrendFormat]:
    history = HistoryFormat(
        currency.date_column,
        currency.price_column,
        currency.date_format,
        currency.decimal,
        currency.delimiter,
    )
    return history, TrendFormat(currency.trend_date_format, currency.trend_delimiter)


def _read(
    currency: Currency, *, digits: bool, observe: Observe = lambda _: None
) -> tuple[tuple[FileReport, FileReport], tuple[Series, Series]]:
    def progress(report: FileReport) -> Callable[[int], None]:
        total = report.file.stat().st_size
        return lambda done: observe(FileProgress(currency.ticker, report.file, done, total))

    reports = FileReport("history", currency.history), FileReport("trend", currency.trend)
    series = reading.read(reports, _formats(currency), drop=currency.drop, digits=digits, on_bytes=progress)
    return reports, series


def _check(
    currency: Currency,
    rules: CheckRules,
    observe: Observe,
    prints: Sequence[Fingerprint],
    *,
    in_plain: bool,
    scratch: Path | None,
) -> Checked:
    key = verdicts.key([found.sha256 for found in prints], *map(tuple, _formats(currency)), currency.drop)
    known = rules.known and rules.known.find(key, *files(currency))
    if known and (not in_plain or known.reports[0].errors or known.reports[1].errors or known.plain):
        reports, plains = known.reports, known.plain
        written = [PlainFile(None, found) for found in plains] if plains else []
    else:
        reports, series = _read(currency, digits=in_plain, observe=observe)
        written = []
        if in_plain and not any(report.errors for report in reports):
            for report, values in zip(reports, series, strict=True):
                path = scratch and scratch / f"{currency.ticker}.{report.kind}.csv"
                written.append(PlainFile(path, plain.write(values, report.kind, path)))
        future = [
            plausibility.future_warning(*pair, rules.today) for pair in zip(reports, series, strict=True)
        ]
        # A verdict on what was written meanwhile is not one on what was fingerprinted.
        untouched = all(
            file.stat().st_mtime_ns == found.modified
            for file, found in zip(files(currency), prints, strict=True)
        )
        if rules.known is not None and untouched and not any(future):
            rules.known.keep(key, reports, [made.fingerprint for made in written])
    for report in reports:
        plausibility.age_warning(report, today=rules.today, max_age_days=rules.max_age_days)
    history, trend = (report.strictly() if rules.strict else report for report in reports)
    verdict = CurrencyCheck(currency.ticker, history, trend)
    of_plain = written if verdict.ok and written else (None, None)
    checked_files = (
        CheckedFile(report.kind, report.file, found, made)
        for report, found, made in zip(reports, prints, of_plain, strict=True)
    )
    return Checked(currency, verdict, (next(checked_files), next(checked_files)))


def check(currencies: Iterable[Currency], rules: CheckRules, observe: Observe) -> CheckResult:
    """Read every raw file of the currencies and report all that is wrong, and all that is odd."""
    observe(Phase("check"))
    return CheckResult(tuple(checked.verdict for checked in checks.each(currencies, rules, observe)))
