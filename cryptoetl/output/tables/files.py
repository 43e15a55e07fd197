"""Tables of raw files: check, upload, init."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.discovery.results import InitResult
from cryptoetl.output.tables.layout import DATES, Column, columns
from cryptoetl.output.tables.view import View, counts, fold, more
from cryptoetl.output.tables.words import count, size, span
from cryptoetl.pipeline.reporting import ReportResult
from cryptoetl.pipeline.results import CheckResult, ConfigCheck, CurrencyCheck, UploadedFile, UploadResult
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.util.text import plural

SHOWN_FINDINGS = 10
"""Findings shown per file; `verbose` shows all that are kept."""
SHOWN_FILES = 20
"""Unused files shown by init; `verbose` shows all."""


def check(result: CheckResult, view: View) -> Iterator[RenderableType]:
    """Yield a table of the currencies and the findings of each file; refused currencies come first."""
    table = columns(
        "Currency",
        Column("Check", least=len("2 warnings")),
        ">Days",
        Column("Prices from – to", least=DATES),
        Column("Missing", right=True, spare=2),
        Column("Weeks", right=True, spare=3),
        Column("Trend from – to", least=DATES, spare=1),
    )
    folded = fold(result.currencies, view.limit, word=_word, rank=_rank)
    for currency in folded.shown:
        history, trend = currency.history, currency.trend
        table.add_row(
            currency.ticker,
            _verdict(history.errors + trend.errors, history.warnings + trend.warnings),
            count(history.rows),
            span(history.first, history.last),
            count(history.missing),
            count(trend.rows),
            span(trend.first, trend.last),
        )
    yield table
    if note := folded.note():
        yield note
    for currency in folded.shown:
        for report in (currency.history, currency.trend):
            yield from _findings(currency.ticker, report, None if view.verbose else SHOWN_FINDINGS)


def check_summary(result: CheckResult, view: View) -> Iterator[Text]:
    """Yield how many currencies passed, and the first finding of each of the others."""
    words = Counter(map(_word, result.currencies))
    yield Text(f"{plural(len(result.currencies), 'currency')}: {counts(words, _WORDS)}")
    odd = [currency for currency in result.currencies if _word(currency) != "ok"]
    folded = fold(odd, view.limit, word=_word, rank=_rank)
    for currency in folded.shown:
        reports = (currency.history, currency.trend)
        errors = sum(report.errors for report in reports)
        report = next(r for r in reports if (r.errors if errors else r.warnings))
        first = next(_findings(currency.ticker, report, 1))
        if others := sum(r.errors + r.warnings for r in reports) - 1:
            first.append(f" (and {others:,} more)", style="dim")
        yield first
    if note := folded.note("`cryptoetl check -v` shows all"):
        yield note


_WORDS = ("ok", "with warnings", "refused")


def _word(currency: CurrencyCheck) -> str:
    if not currency.ok:
        return "refused"
    return "with warnings" if currency.history.warnings or currency.trend.warnings else "ok"


def _rank(currency: CurrencyCheck) -> int:
    return -_WORDS.index(_word(currency))


def _verdict(errors: int, warnings: int) -> Text:
    if errors:
        return Text(plural(errors, "error"), style="bold red")
    return Text(plural(warnings, "warning"), style="yellow") if warnings else Text("ok", style="green")


def _findings(ticker: str, report: FileReport, limit: int | None) -> Iterator[Text]:
    shown = sorted(report.findings, key=lambda finding: finding.severity != "error")[:limit]
    for finding in shown:
        style = "bold red" if finding.severity == "error" else "yellow"
        where = f"{finding.file}:{finding.line}" if finding.line else str(finding.file)
        yield Text.assemble(f"{ticker} ", (finding.severity, style), f" {where}: {finding.message}")
    if hidden := report.errors + report.warnings - len(shown):
        how = "; --verbose shows more" if len(shown) < len(report.findings) else ""
        yield Text(f"{ticker} … and {hidden:,} more in {report.file}{how}", style="dim")


def upload(result: UploadResult, view: View) -> Iterator[RenderableType]:
    """Yield the check if it has findings, what was done with each file, and where the files are."""
    if any(_word(currency) != "ok" for currency in result.check.currencies):
        yield from check(result.check, view)
    changed = [file for file in result.files if view.verbose or file.action != "unchanged"]
    folded = fold(changed, view.limit, word=lambda file: file.action, rank=_unchanged)
    if folded.shown:
        table = columns("Currency", "File", "Upload", ">Size", Column("From", cut="start"))
        styles = {"uploaded": "green", "unchanged": "dim", "refused": "bold red", "to upload": "yellow"}
        for file in folded.shown:
            action = Text(file.action, style=styles[file.action])
            table.add_row(file.ticker, file.kind, action, size(file.bytes), str(file.source))
        yield table
    if note := folded.note():
        yield note
    if unchanged := len(result.files) - len(changed):
        yield Text(f"{plural(unchanged, 'file')} unchanged.")
    yield from _places(result)


def _unchanged(file: UploadedFile) -> int:
    return int(file.action == "unchanged")


def upload_summary(result: UploadResult, view: View) -> Iterator[Text]:
    """Yield how many files were uploaded, what is remarkable about those replaced, and where they are."""
    found = Counter(file.action for file in result.files)
    sizes = sum(file.bytes for file in result.files if file.action in ("uploaded", "to upload"))
    parts = [
        f"{plural(found[action], 'file')} {action}" + (f" ({size(sizes)})" if "upload" in action else "")
        for action in ("uploaded", "to upload", "unchanged", "refused")
        if found[action]
    ]
    yield Text(", ".join(parts) or "no files")
    replaced = (c for c in result.check.currencies if c.ticker in result.differences)
    shown = list(islice(replaced, view.limit))
    for currency in shown:
        label = Text("warning", style="yellow") if currency.ok else Text("error", style="bold red")
        for message in result.differences[currency.ticker]:
            yield Text.assemble(f"{currency.ticker} ", label, f" {currency.history.file}: {message}")
    if hidden := len(result.differences) - len(shown):
        yield more(hidden, "replaced history", "`cryptoetl upload -v` shows all")
    yield from _places(result)


def _places(result: UploadResult) -> Iterator[Text]:
    places = {file.location.rpartition(f"{file.ticker}/")[0] for file in result.files}
    yield from (Text(f"The raw files are in {place.rstrip('/')}.") for place in sorted(places))


def report(result: ReportResult) -> Iterator[RenderableType]:
    """Yield where the report is."""
    yield Text(f"Wrote the report of {result.execution} to {result.path} ({size(result.bytes)}).")
    if result.url is not None and result.expires is not None:
        yield Text(f"Until {result.expires:%Y-%m-%d %H:%M} UTC anyone with this link can open it:")
        yield Text(result.url, overflow="ignore", no_wrap=True)


def init(result: InitResult, view: View) -> Iterator[RenderableType]:
    """Yield the proposed currencies, what to check about them, and the unused files."""
    if result.currencies:
        table = columns(
            "Currency",
            ">Days",
            Column("Prices from – to", least=DATES),
            Column("Format", spare=1),
            Column("Weeks", right=True, spare=3),
            Column("Trend from – to", least=DATES, spare=2),
        )
        for currency in result.currencies:
            history, trend = currency.history, currency.trend
            table.add_row(
                currency.ticker,
                count(history.facts.rows),
                span(history.facts.first, history.facts.last),
                history.date_format + ("" if history.decimal == "." else f"  {history.decimal}"),
                count(trend.facts.rows),
                span(trend.facts.first, trend.facts.last),
            )
        yield table
    for currency in result.currencies:
        yield Text(f"{currency.ticker} prices: {currency.history.file}")
        yield Text(f"{currency.ticker} trend:  {currency.trend.file}")
        for doubt in (*currency.notes, *currency.history.doubts, *currency.trend.doubts):
            yield Text.assemble(f"{currency.ticker} ", ("please check", "yellow"), f": {doubt}")
    shown = result.unpaired if view.verbose else result.unpaired[:SHOWN_FILES]
    for file in shown:
        yield Text.assemble(("not used", "yellow"), f" {file.file}: {file.reason}")
        if file.lines:
            yield Text("\n".join(file.lines), style="dim")
    if hidden := len(result.unpaired) - len(shown):
        yield Text(f"… and {plural(hidden, 'file')} more; --verbose shows all", style="dim")
    if not result.currencies:
        what = "no two files make a currency" if result.unpaired else "there are no CSV files"
        yield Text(f"Nothing was written: {what} in {result.folder}.")


def configuration(result: ConfigCheck) -> Text:
    """Return that a configuration is valid, with its environments."""
    names = result.environments
    having = f", with {plural(len(names), 'environment')}: {', '.join(names)}" if names else ""
    return Text.assemble(f"{result.file} is ", ("valid", "green"), having)
