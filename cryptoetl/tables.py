"""Each result as rich renderables: tables that a tired engineer can read, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import assert_never

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cryptoetl import preview
from cryptoetl.findings import FileReport, plural
from cryptoetl.results import (
    CheckResult,
    ExecutionList,
    InitResult,
    Plan,
    Preview,
    Removal,
    Result,
    RunResult,
    StepLine,
    StepLog,
    StopResult,
    TableCheck,
    UploadResult,
    UpResult,
    VerifyResult,
)
from cryptoetl.review import DPU_HOUR, HISTORY_LIMIT, PAYLOAD_LIMIT, Review
from cryptoetl.state_machine import SIZE_LIMIT
from cryptoetl.status import CurrencyStatus, ExecutionStatus, StepStatus
from cryptoetl.target import Left, QueryRows

STYLES = {
    "LOADED": "green",
    "SUCCEEDED": "green",
    "RUNNING": "cyan",
    "FAILED": "bold red",
    "TIMED_OUT": "bold red",
    "ABORTED": "yellow",
    "INTERRUPTED": "yellow",
    "PENDING": "dim",
    "SKIPPED": "dim",
}


def render(result: Result, *, verbose: bool = False, now: datetime | None = None) -> Iterator[RenderableType]:
    """The result in the order in which a person wants to read it; what still runs is timed until `now`."""
    match result:
        case CheckResult():
            yield from _check(result, verbose=verbose)
        case UploadResult():
            yield from _upload(result, verbose=verbose)
        case Plan():
            yield from _plan(result)
        case Removal():
            yield from _removal(result)
        case RunResult():
            yield from _run(result, verbose=verbose)
        case ExecutionStatus():
            yield execution(result, now=now if result.status == "RUNNING" else None, verbose=verbose)
        case ExecutionList():
            yield _executions(result)
        case StopResult():
            yield from _stop(result, verbose=verbose)
        case StepLog():
            yield from _log(result)
        case VerifyResult():
            yield from _verify(result)
        case QueryRows():
            yield _rows(result)
        case Preview():
            yield from preview.render(result)
        case UpResult():
            yield from _up(result, verbose=verbose)
        case InitResult():
            yield from _init(result, verbose=verbose)
        case _:
            assert_never(result)


SHOWN_FINDINGS = 10
"""Findings shown per file; `verbose` shows what is known."""


def _table(*columns: str) -> Table:
    """`>` before a column's name sets it to the right. What is long is told below a table, not in it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right,
            min_width=len("2024-01-31 –") if column.endswith("from – to") else None,  # breaks between dates
        )
    return table


# --- check and upload ---------------------------------------------------------------------------------


def _check(result: CheckResult, *, verbose: bool) -> Iterator[RenderableType]:
    table = _table("Currency", "Check", ">Days", "Prices from – to", ">Missing", ">Weeks", "Trend from – to")
    for currency in result.currencies:
        history, trend = currency.history, currency.trend
        table.add_row(
            currency.ticker,
            _verdict(history.errors + trend.errors, history.warnings + trend.warnings),
            _count(history.rows),
            _span(history.first, history.last),
            _count(history.missing),
            _count(trend.rows),
            _span(trend.first, trend.last),
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


def _upload(result: UploadResult, *, verbose: bool) -> Iterator[RenderableType]:
    if result.check.exit_code or any(c.history.warnings or c.trend.warnings for c in result.check.currencies):
        yield from _check(result.check, verbose=verbose)
    table = _table("Currency", "File", "Upload", ">Size", "From")
    styles = {"uploaded": "green", "unchanged": "dim", "refused": "bold red", "to upload": "yellow"}
    for file in result.files:
        action = Text(file.action, style=styles[file.action])
        table.add_row(file.ticker, file.kind, action, _size(file.bytes), str(file.source))
    yield table
    places = {file.location.rpartition(f"{file.ticker}/")[0] for file in result.files}
    yield from (Text(f"The raw files are in {place.rstrip('/')}.") for place in sorted(places))


# --- init ---------------------------------------------------------------------------------------------

SHOWN_FILES = 20
"""Files of no currency that are shown; `verbose` shows all."""


def _init(result: InitResult, *, verbose: bool) -> Iterator[RenderableType]:
    if result.currencies:
        table = _table("Currency", ">Days", "Prices from – to", "Format", ">Weeks", "Trend from – to")
        for currency in result.currencies:
            history, trend = currency.history, currency.trend
            table.add_row(
                currency.ticker,
                _count(history.facts.rows),
                _span(history.facts.first, history.facts.last),
                history.date_format + ("" if history.decimal == "." else f"  {history.decimal}"),
                _count(trend.facts.rows),
                _span(trend.facts.first, trend.facts.last),
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


# --- deploy -------------------------------------------------------------------------------------------


def _plan(result: Plan) -> Iterator[RenderableType]:
    if not result.changes:
        yield from _notices(result.review)
        yield Text(f"No changes: {result.location} is up to date.")
        return
    signs = {
        "add": ("+", "green"),
        "change": ("~", "yellow"),
        "replace": ("±", "bold red"),
        "remove": ("-", "red"),
    }
    for change in result.changes:
        sign, style = signs[change.action]
        detail = f"  ({change.detail})" if change.detail else ""
        yield Text.assemble(
            (f"{sign} {change.action:<6} ", style), f"{change.what} {change.name}", (detail, "dim")
        )
    if result.review is not None and not result.applied:
        yield from _review(result.review)
    yield from _notices(result.review)
    changes = plural(len(result.changes), "change")
    yield Text(f"{changes} deployed to {result.location}." if result.applied else f"{changes} to deploy.")


def _review(review: Review) -> Iterator[Text]:
    found = review.prediction
    yield Text()
    yield Text(
        f"State machine: {found.definition_bytes:,} of {SIZE_LIMIT:,} bytes; a run of all "
        f"{plural(found.currencies, 'currency')} makes {found.history_events:,} of {HISTORY_LIMIT:,} events "
        f"and at most {found.payload_bytes:,} of {PAYLOAD_LIMIT:,} bytes of result."
    )
    yield Text(f"A run of all currencies costs about ${review.cost.total:,.2f}:")
    for part, usd in review.cost.parts.items():
        yield Text(f"  ${usd:,.4f}  {part}")
    yield from (Text(f"  {line}", style="dim") for line in review.cost.assumptions)


def _notices(review: Review | None) -> Iterator[Text]:
    styles = {"error": "bold red", "warning": "yellow", "note": "dim"}
    for notice in review.notices if review else ():
        yield Text.assemble((f"{notice.severity}: ", styles[notice.severity]), notice.message)


def _removal(result: Removal) -> Iterator[RenderableType]:
    if not result.removed:
        yield Text(f"Nothing is deployed in {result.location}.")
    for part in result.removed:
        detail = f"  ({part.detail})" if part.detail else ""
        yield Text.assemble(("- remove ", "red"), f"{part.what} {part.name}", (detail, "dim"))
    for part in result.kept:
        detail = f"  ({part.detail})" if part.detail else ""
        yield Text.assemble(("  stays  ", "green"), f"{part.what} {part.name}", (detail, "dim"))
    if result.removed:
        parts = plural(len(result.removed), "part")
        yield Text(f"{parts} removed." if result.applied else f"{parts} to remove from {result.location}.")


# --- executions ---------------------------------------------------------------------------------------


def _run(result: RunResult, *, verbose: bool) -> Iterator[RenderableType]:
    if result.note:
        yield Text(result.note)
    if result.execution is not None:
        still = result.execution.status == "RUNNING"
        yield execution(result.execution, now=result.execution.started if still else None, verbose=verbose)
        yield from _left(result.left)
    else:
        for ticker, reason in result.refused.items():
            yield Text.assemble(f"{ticker} ", ("FAILED", "bold red"), f" check: {reason}")


def _stop(result: StopResult, *, verbose: bool) -> Iterator[RenderableType]:
    yield execution(result.execution, verbose=verbose)
    if result.execution.status != "ABORTED":
        yield Text("It had ended before.")
    yield from _left(result.left)


def _left(left: Sequence[Left]) -> Iterator[Text]:
    yield from (Text.assemble(("goes on ", "bold red"), f"{run.what}: {run.reason}") for run in left)


def _log(result: StepLog) -> Iterator[RenderableType]:
    if not result.lines:
        yield Text(f"There is no such line of {result.ticker} in execution {result.execution}.", style="dim")
    yield from (log_line(line) for line in result.lines)


def log_line(line: StepLine) -> Text:
    time = f"{line.time.astimezone():%H:%M:%S}" if line.time else " " * 8
    return Text.assemble((f"{time} {line.step:<8} ", "dim"), line.text)


def execution(
    status: ExecutionStatus, *, now: datetime | None = None, rows: int | None = None, verbose: bool = False
) -> RenderableType:
    """A table of the execution's currencies, and below it why some failed; with `now`, times count on.

    `rows` is how many lines fit: what failed or is running comes first then, each on one line, and the rest
    is counted.
    """
    title = Text.assemble("Execution ", status.name, "  ", _state(status.status))
    if took := seconds(status.started, status.ended or now):
        title.append(f"  {took}")
    if words := _counts(status.currencies):
        title.append(f"  {words}")
    currencies = [c for c in status.currencies if verbose or c.status != "SKIPPED"]
    hidden: Sequence[CurrencyStatus] = []
    if rows is not None and len(currencies) > rows:
        order = {"FAILED": 0, "RUNNING": 1, "ABORTED": 1, "PENDING": 2, "LOADED": 3}
        ranked = sorted(currencies, key=lambda c: order.get(c.status, 4))
        currencies, hidden = ranked[:rows], ranked[rows:]
    table = _table("Currency", "Status", ">silver", ">gold", ">redshift")
    if rows is not None:  # one line each: only the reason gives way
        for column in table.columns:
            column.no_wrap = True
        table.add_column("Reason")
    for currency in currencies:
        cells = [_step(step, now) for step in currency.steps]
        if rows is not None:
            cells.append(Text(_failure(currency), no_wrap=True, overflow="ellipsis"))
        table.add_row(currency.ticker, _state(currency.status), *cells)
    parts: list[RenderableType] = [title, table]
    if hidden:
        parts.append(Text(f"… and {len(hidden)} more: {_counts(hidden)}", style="dim"))
    if rows is None:
        parts += [
            Text.assemble(f"{c.ticker} ", _state(c.status), f" {_failure(c)}")
            for c in currencies
            if _failure(c)
        ]
    if verbose and rows is None:
        parts += [text for c in currencies for text in _details(c)]
    if status.reason:
        parts.append(Text(status.reason, style="bold red" if status.status == "FAILED" else "yellow"))
    if rows is not None:
        for part in parts:
            if isinstance(part, Text):
                part.no_wrap, part.overflow = True, "ellipsis"
    return Group(*parts)


def _details(currency: CurrencyStatus) -> Iterator[Text]:
    """Its job runs, what Glue bills them by, and the whole of what they failed with."""
    for step in currency.steps:
        billed = ""
        if step.dpu_seconds is not None:
            billed = f"  {step.dpu_seconds:g} DPU-seconds, about ${step.dpu_seconds * DPU_HOUR / 3600:.4f}"
        if step.job_run_id:
            yield Text(f"{currency.ticker} {step.step} {step.job_run_id}{billed}", style="dim")
        if step.cause:
            yield Text(step.cause)


def _failure(currency: CurrencyStatus) -> str:
    """Where and why a currency failed; empty for any other, also where the execution's reason says it all."""
    if currency.status != "FAILED":
        return ""
    return f"at {currency.step}: {currency.reason}" if currency.reason else f"at {currency.step}"


def _counts(currencies: Sequence[CurrencyStatus]) -> str:
    """How many are in which state, such as "2 loaded, 1 failed"."""
    counts = {name: sum(c.status == name for c in currencies) for name in STYLES}
    return ", ".join(f"{count} {name.lower()}" for name, count in counts.items() if count)


def _step(step: StepStatus, now: datetime | None) -> Text:
    match step.status:
        case "SUCCEEDED":
            return Text(seconds(step.started, step.ended) or "done", style="green")
        case "RUNNING":
            retries = f" (retry {step.retries})" if step.retries else ""
            return Text(f"{seconds(step.started, now) or 'running'}{retries}", style="cyan")
        case "FAILED":
            return Text("failed", style="bold red")
        case "ABORTED":
            return Text("cut off", style="yellow")
        case _:
            return Text("–", style="dim")


def _state(name: str) -> Text:
    return Text(name, style=STYLES.get(name, ""))


def _executions(result: ExecutionList) -> RenderableType:
    if not result.executions:
        return Text("There is no execution yet.")
    table = _table("Execution", "Status", ">Time", ">Loaded", ">Failed", "Failed currencies")
    for status in result.executions:
        failed = [c for c in status.currencies if c.status in ("FAILED", "ABORTED")]
        table.add_row(
            status.name,
            _state(status.status),
            seconds(status.started, status.ended),
            str(sum(c.status == "LOADED" for c in status.currencies)),
            str(len(failed)),
            ", ".join(f"{c.ticker} at {c.step}" for c in failed[:5]) + (" …" if len(failed) > 5 else ""),
        )
    return table


# --- verify, query, up --------------------------------------------------------------------------------


def _verify(result: VerifyResult) -> Iterator[RenderableType]:
    table = _table("Table", "Verified", ">Rows", "Dates from – to", ">No price")
    for item in result.tables:
        table.add_row(
            item.table,
            _agrees(item),
            _count(item.rows),
            _span(item.first, item.last),
            _count(item.missing_prices),
        )
    yield table
    for item in result.tables:
        if item.problems:
            yield Text.assemble(f"{item.table} ", _agrees(item), f": {'; '.join(item.problems)}")
    for item in result.tables:
        for note in item.notes:
            yield Text.assemble(f"{item.table} ", ("note", "yellow"), f": {note}")
    if any(item.rows is not None for item in result.tables):
        yield Text(f"The tables are in {result.location}.")


def _agrees(item: TableCheck) -> Text:
    if not item.problems:
        return Text("equals gold", style="green")
    return Text("missing" if item.rows is None else "differs", style="bold red")


def _rows(result: QueryRows) -> RenderableType:
    table = _table()
    for name in result.columns:
        table.add_column(Text(name), overflow="fold")
    for row in result.rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    if not result.more:
        return table
    return Group(table, Text(f"The first {len(result.rows):,} rows; --limit shows more.", style="dim"))


def _up(result: UpResult, *, verbose: bool) -> Iterator[RenderableType]:
    yield from _upload(result.upload, verbose=verbose)
    if result.deploy is not None:
        yield from _plan(result.deploy)
    if result.run is not None:
        yield Text()
        yield from _run(result.run, verbose=verbose)
    if result.verify is not None:
        yield from _verify(result.verify)
    if result.run is None:
        yield Text("No currency can be loaded: mend the files above and run the same command again.")
    elif result.exit_code:
        yield Text("Mend what failed, then: cryptoetl run --retry-failed")


# --- words --------------------------------------------------------------------------------------------


def seconds(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments, as 0.3 s, 42 s or 3 min 05 s; empty if one is unknown."""
    if start is None or end is None:
        return ""
    total = max(0.0, (end - start).total_seconds())
    if total < 10:
        return f"{total:.1f} s"
    whole = round(total)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _span(first: date | None, last: date | None) -> str:
    return f"{first} – {last}" if first and last else ""


def _size(size: int) -> str:
    return (
        f"{size:,} B"
        if size < 10_000
        else f"{size / 1000:,.0f} kB"
        if size < 10_000_000
        else f"{size / 1e6:,.0f} MB"
    )
