"""Tables of raw files: check, upload, init."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.discovery.results import InitResult
from cryptoetl.output.tables.words import columns, count, size, span
from cryptoetl.pipeline.results import CheckResult, UploadResult
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.util.text import plural

SHOWN_FINDINGS = 10
"""Findings shown per file; `verbose` shows all that are kept."""
SHOWN_UPLOADS = 100
"""Changed files shown of an upload; `verbose` shows all files."""
SHOWN_FILES = 20
"""Unused files shown by init; `verbose` shows all."""


def check(result: CheckResult, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield a table of the currencies and the findings of each file."""
    table = columns("Currency", "Check", ">Days", "Prices from – to", ">Missing", ">Weeks", "Trend from – to")
    for currency in result.currencies:
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
    for currency in result.currencies:
        for report in (currency.history, currency.trend):
            yield from _findings(currency.ticker, report, None if verbose else SHOWN_FINDINGS)


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


def upload(result: UploadResult, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield the check if it has findings, what was done with each file, and where the files are."""
    if result.check.exit_code or any(c.history.warnings or c.trend.warnings for c in result.check.currencies):
        yield from check(result.check, verbose=verbose)
    shown = [file for file in result.files if verbose or file.action != "unchanged"]
    hidden = [] if verbose else shown[SHOWN_UPLOADS:]
    if shown:
        table = columns("Currency", "File", "Upload", ">Size", "From")
        styles = {"uploaded": "green", "unchanged": "dim", "refused": "bold red", "to upload": "yellow"}
        for file in shown[: len(shown) - len(hidden)]:
            action = Text(file.action, style=styles[file.action])
            table.add_row(file.ticker, file.kind, action, size(file.bytes), str(file.source))
        yield table
    for done, number in Counter(file.action for file in hidden).items():
        yield Text(f"… and {plural(number, 'file')} more {done}; --verbose shows all", style="dim")
    if unchanged := len(result.files) - len(shown):
        yield Text(f"{plural(unchanged, 'file')} unchanged.")
    places = {file.location.rpartition(f"{file.ticker}/")[0] for file in result.files}
    yield from (Text(f"The raw files are in {place.rstrip('/')}.") for place in sorted(places))


def init(result: InitResult, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield the proposed currencies, what to check about them, and the unused files."""
    if result.currencies:
        table = columns("Currency", ">Days", "Prices from – to", "Format", ">Weeks", "Trend from – to")
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
    shown = result.unpaired if verbose else result.unpaired[:SHOWN_FILES]
    for file in shown:
        yield Text.assemble(("not used", "yellow"), f" {file.file}: {file.reason}")
        if file.lines:
            yield Text("\n".join(file.lines), style="dim")
    if hidden := len(result.unpaired) - len(shown):
        yield Text(f"… and {plural(hidden, 'file')} more; --verbose shows all", style="dim")
    if not result.currencies:
        what = "no two files make a currency" if result.unpaired else "there are no CSV files"
        yield Text(f"Nothing was written: {what} in {result.folder}.")
