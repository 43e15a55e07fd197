"""Tables of executions: currencies and their steps, logs, lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from cryptoetl.output.tables.words import STYLES, columns, seconds, state
from cryptoetl.pipeline.results import ExecutionList, RunResult, StepLine, StepLog, StopResult
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus
from cryptoetl.target.executions import StillRunning
from cryptoetl.util.text import printable


def run(result: RunResult, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield the execution, or why nothing was run."""
    if result.note:
        yield Text(result.note)
    if result.execution is not None:
        still = result.execution.status == "RUNNING"
        yield execution(result.execution, now=result.execution.started if still else None, verbose=verbose)
        yield from _left(result.left)
    else:
        for ticker, reason in result.refused.items():
            yield Text.assemble(f"{ticker} ", ("FAILED", "bold red"), f" check: {reason}")


def stop(result: StopResult, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield the stopped execution, and the job runs that could not be stopped."""
    yield execution(result.execution, verbose=verbose)
    if result.execution.status != "ABORTED":
        yield Text("The execution had already ended.")
    yield from _left(result.left)


def _left(left: Sequence[StillRunning]) -> Iterator[Text]:
    yield from (Text.assemble(("goes on ", "bold red"), f"{run.what}: {run.reason}") for run in left)


def log(result: StepLog) -> Iterator[RenderableType]:
    """Yield the lines of a log."""
    if not result.lines:
        yield Text(f"Execution {result.execution} has no such log lines of {result.ticker}.", style="dim")
    yield from (log_line(line) for line in result.lines)


def log_line(line: StepLine) -> Text:
    """Return a line with its local time and its step."""
    time = f"{line.time.astimezone():%H:%M:%S}" if line.time else " " * 8
    return Text.assemble((f"{time} {line.step:<8} ", "dim"), printable(line.text))


def execution(
    status: ExecutionStatus, *, now: datetime | None = None, rows: int | None = None, verbose: bool = False
) -> RenderableType:
    """Return a table of the currencies, and below it why some failed.

    The durations of what still runs end at `now`. With `rows`, at most so many currencies are shown, each on
    one line, failed and running ones first; the others are counted.
    """
    currencies = [c for c in status.currencies if verbose or c.status != "SKIPPED"]
    if rows is not None:
        return _fitted(status, currencies, now=now, rows=rows)
    table = columns("Currency", "Status", ">silver", ">gold", ">redshift")
    for currency in currencies:
        table.add_row(currency.ticker, state(currency.status), *(_step(step, now) for step in currency.steps))
    failures = (
        Text.assemble(f"{currency.ticker} ", state(currency.status), f" {failure}")
        for currency in currencies
        if (failure := _failure(currency))
    )
    details = (text for currency in currencies if verbose for text in _details(currency))
    return Group(_title(status, now), table, *failures, *details, *_reason(status))


def _fitted(
    status: ExecutionStatus, currencies: Sequence[CurrencyStatus], *, now: datetime | None, rows: int
) -> RenderableType:
    """Return a table of at most so many currencies, in which no text takes more than one line."""
    hidden: Sequence[CurrencyStatus] = []
    if len(currencies) > rows:
        order = {"FAILED": 0, "RUNNING": 1, "ABORTED": 1, "PENDING": 2, "LOADED": 3}
        ranked = sorted(currencies, key=lambda currency: order.get(currency.status, 4))
        currencies, hidden = ranked[:rows], ranked[rows:]
    table = columns("Currency", "Status", ">silver", ">gold", ">redshift")
    for column in table.columns:
        column.no_wrap = True
    table.add_column("Reason")  # the only column that is cut
    for currency in currencies:
        reason = Text(_failure(currency), no_wrap=True, overflow="ellipsis")
        steps = (_step(step, now) for step in currency.steps)
        table.add_row(currency.ticker, state(currency.status), *steps, reason)
    more = [Text(f"… and {len(hidden)} more: {_counts(hidden)}", style="dim")] if hidden else []
    title, *below = _title(status, now), *more, *_reason(status)
    for text in (title, *below):
        text.no_wrap, text.overflow = True, "ellipsis"
    return Group(title, table, *below)


def _title(status: ExecutionStatus, now: datetime | None) -> Text:
    title = Text.assemble("Execution ", status.name, "  ", state(status.status))
    if took := seconds(status.started, status.ended or now):
        title.append(f"  {took}")
    if counts := _counts(status.currencies):
        title.append(f"  {counts}")
    return title


def _reason(status: ExecutionStatus) -> Iterator[Text]:
    if status.reason:
        yield Text(status.reason, style="bold red" if status.status == "FAILED" else "yellow")


def _details(currency: CurrencyStatus) -> Iterator[Text]:
    """Yield the job runs of a currency with their DPU-seconds and cost, and the whole causes of failures."""
    for step in currency.steps:
        billed = ""
        if step.dpu_seconds is not None:
            dollars = step.dpu_seconds * step.dpu_hour_usd / 3600
            billed = f"  {step.dpu_seconds:g} DPU-seconds, about ${dollars:.4f}"
        if step.job_run_id:
            yield Text(f"{currency.ticker} {step.step} {step.job_run_id}{billed}", style="dim")
        if step.cause:
            yield Text(step.cause)


def _failure(currency: CurrencyStatus) -> str:
    """Return where and why a currency failed; "" for any other."""
    if currency.status != "FAILED":
        return ""
    return f"at {currency.step}: {currency.reason}" if currency.reason else f"at {currency.step}"


def _counts(currencies: Sequence[CurrencyStatus]) -> str:
    """Return how many currencies have which status, such as "2 loaded, 1 failed"."""
    counts: Counter[str] = Counter(currency.status for currency in currencies)
    return ", ".join(f"{counts[name]} {name.lower()}" for name in STYLES if counts[name])


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


def listed(result: ExecutionList) -> RenderableType:
    """Return a table with a row for each execution."""
    if not result.executions:
        return Text("There is no execution yet.")
    table = columns("Execution", "Status", ">Time", ">Loaded", ">Failed", "Failed currencies")
    for status in result.executions:
        failed = [c for c in status.currencies if c.status in ("FAILED", "ABORTED")]
        table.add_row(
            status.name,
            state(status.status),
            seconds(status.started, status.ended),
            str(sum(c.status == "LOADED" for c in status.currencies)),
            str(len(failed)),
            ", ".join(f"{c.ticker} at {c.step}" for c in failed[:5]) + (" …" if len(failed) > 5 else ""),
        )
    return table
