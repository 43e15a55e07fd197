"""Check of currencies: read their files (raw_files/), or reuse the findings of an earlier check.

The plain form of the files of a currency that passes is made in the same pass if it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptoetl.config.loading import MissingFile, missing_files
from cryptoetl.config.models import Currency
from cryptoetl.events import FileProgress, Observe, Phase, counted
from cryptoetl.pipeline.results import CheckResult, CheckRules, CurrencyCheck
from cryptoetl.raw_files import plain as plain_files
from cryptoetl.raw_files import plausibility, reading, summaries, verdicts
from cryptoetl.raw_files.findings import FileReport, Kind
from cryptoetl.raw_files.fingerprints import ABSENT, Fingerprint, fingerprint
from cryptoetl.raw_files.history import HistoryFormat, read_history
from cryptoetl.raw_files.plain import PlainFile
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.trend import TrendFormat, read_trend
from cryptoetl.target.storage import changed_meanwhile


class PlainForm(NamedTuple):
    """That the plain form is wanted: its fingerprint, and its content in the folder `scratch`, if given."""

    scratch: Path | None = None

    def path(self, ticker: str, kind: Kind) -> Path | None:
        """Return where to write the plain form of a file."""
        return self.scratch / f"{ticker}.{kind}.csv" if self.scratch else None


class CheckedFile(NamedTuple):
    """A user's file; `plain` is None if the currency did not pass, or the plain form is not wanted."""

    kind: Kind
    source: Path
    fingerprint: Fingerprint
    plain: PlainFile | None


class Checked(NamedTuple):
    """A currency, the verdict on it, and its files: history, then trend; `strict`: warnings are errors."""

    currency: Currency
    verdict: CurrencyCheck
    files: tuple[CheckedFile, CheckedFile]
    strict: bool = False


def each(
    currencies: Iterable[Currency],
    rules: CheckRules,
    observe: Observe,
    *,
    plain: PlainForm | None = None,
    prints: Mapping[Path, Fingerprint] | None = None,
) -> Iterator[Checked]:
    """Yield each currency with the verdict on it, lazily and in order. Raises OSError.

    A file that cannot be opened is an error of its currency, at the line of the configuration that names it.
    `plain` asks for the plain form of the files; `prints` are fingerprints of files that are known already.
    """
    known = prints or {}
    currencies = list(currencies)
    missing: dict[str, list[MissingFile]] = {}
    for file in missing_files(rules.config_file, currencies, rules.environment) if rules.config_file else ():
        missing.setdefault(file.ticker, []).append(file)
    try:
        for currency in currencies:
            if currency.ticker in missing:
                yield _incomplete(currency, rules, missing[currency.ticker])
                continue
            of_files = [known.get(file) or fingerprint(file) for file in files(currency)]
            yield _check(currency, rules, observe, of_files, plain)
    finally:
        if rules.known is not None:
            rules.known.save()


def files(currency: Currency) -> tuple[Path, Path]:
    """Return a currency's history and trend file."""
    return currency.history, currency.trend


def write_plain(checked: Checked, kind: Kind, scratch: Path) -> Path:
    """Write the plain form of a file whose findings were reused. Raises EnvironmentFault if it changed."""
    at = 0 if kind == "history" else 1
    reports, series = _read(checked.currency, digits=True)
    path = scratch / f"{checked.currency.ticker}.{kind}.csv"
    made = plain_files.write(series[at], kind, path) if not reports[at].errors else None
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


class _Findings(NamedTuple):
    """Reports on a currency's two files, and their plain forms if those were made."""

    reports: tuple[FileReport, FileReport]
    plain: Sequence[PlainFile]


def _check(
    currency: Currency,
    rules: CheckRules,
    observe: Observe,
    prints: Sequence[Fingerprint],
    plain: PlainForm | None,
) -> Checked:
    found = _known(currency, rules, prints, plain) or _find(currency, rules, observe, prints, plain)
    for report in found.reports:
        plausibility.age_warning(report, today=rules.today, max_age_days=rules.max_age_days)
    history, trend = (report.strictly() if rules.strict else report for report in found.reports)
    verdict = CurrencyCheck(currency.ticker, history, trend)
    of_plain = found.plain if verdict.ok and found.plain else (None, None)
    checked_files = (
        CheckedFile(report.kind, report.file, found_print, made)
        for report, found_print, made in zip(found.reports, prints, of_plain, strict=True)
    )
    return Checked(currency, verdict, (next(checked_files), next(checked_files)), rules.strict)


def _incomplete(currency: Currency, rules: CheckRules, missing: Sequence[MissingFile]) -> Checked:
    """Return the verdict on a currency that lacks a file; the other file, if it is there, is read alone."""
    history, trend = FileReport("history", currency.history), FileReport("trend", currency.trend)
    fields = {file.field for file in missing}
    formats = _formats(currency)
    if history.kind not in fields:
        read_history(history, formats[0], drop=currency.drop)
    if trend.kind not in fields:
        read_trend(trend, formats[1])
    for file in missing:
        report = history if file.field == history.kind else trend
        report.is_missing(file.problem.file, file.problem.line, file.problem.message)
    if rules.strict:
        history, trend = history.strictly(), trend.strictly()
    absent = (
        CheckedFile("history", currency.history, ABSENT, None),
        CheckedFile("trend", currency.trend, ABSENT, None),
    )
    return Checked(currency, CurrencyCheck(currency.ticker, history, trend), absent, rules.strict)


def _key(currency: Currency, prints: Sequence[Fingerprint]) -> str:
    return verdicts.key([found.sha256 for found in prints], *map(tuple, _formats(currency)), currency.drop)


def _known(
    currency: Currency, rules: CheckRules, prints: Sequence[Fingerprint], plain: PlainForm | None
) -> _Findings | None:
    """Return what an earlier check of this very content found; None if that is not enough."""
    known = rules.known and rules.known.find(_key(currency, prints), *files(currency))
    if not known:
        return None
    if plain and not known.plain and not any(report.errors for report in known.reports):
        return None
    return _Findings(known.reports, known.plain)


def _find(
    currency: Currency,
    rules: CheckRules,
    observe: Observe,
    prints: Sequence[Fingerprint],
    plain: PlainForm | None,
) -> _Findings:
    """Read the files, and keep what was found for the next check."""
    reports, series = _read(currency, digits=plain is not None, observe=observe)
    written: list[PlainFile] = []
    if plain and not any(report.errors for report in reports):
        for report, values in zip(reports, series, strict=True):
            path = plain.path(currency.ticker, report.kind)
            written.append(_plain_file(values, report.kind, path))
    warnings = [
        plausibility.future_warning(report, values, rules.today)
        for report, values in zip(reports, series, strict=True)
    ]
    # Findings on a file that was written to meanwhile do not belong to its fingerprint; those on dates in the
    # future depend on the day.
    untouched = all(
        file.stat().st_mtime_ns == found.modified for file, found in zip(files(currency), prints, strict=True)
    )
    if rules.known is not None and untouched and not any(warnings):
        rules.known.keep(_key(currency, prints), reports, written)
    return _Findings(reports, written)


def _plain_file(values: Series, kind: Kind, path: Path | None) -> PlainFile:
    found = summaries.summary(values) if kind == "history" else None
    return PlainFile(path, plain_files.write(values, kind, path), found.text() if found else None)


def check(currencies: Sequence[Currency], rules: CheckRules, observe: Observe) -> CheckResult:
    """Read every raw file of the currencies and report errors and warnings."""
    observe(Phase("check"))
    every = counted(each(currencies, rules, observe), len(currencies), observe)
    return CheckResult(tuple(checked.verdict for checked in every))
