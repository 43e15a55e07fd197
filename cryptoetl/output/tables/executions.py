"""Executions: currencies and their steps, what was stopped, what was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from cryptoetl.output.tables.words import STYLES, columns, seconds, state
from cryptoetl.pipeline.results import ExecutionList, RunResult, StepLine, StepLog, StopResult
from cryptoetl.state_machine.status import DPU_HOUR, CurrencyStatus, ExecutionStatus, StepStatus
from cryptoetl.target.executions import Left
from cryptoetl.util.text import printable


def run(result: RunResult, *, verbose: bool) -> Iterator[RenderableType]:
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
    yield execution(result.execution, verbose=verbose)
    if result.execution.status != "ABORTED":
        yield Text("It had ended before.")
    yield from _left(result.left)


def _left(left: Sequence[Left]) -> Iterator[Text]:
    yield from (Text.assemble(("goes on ", "bold red"), f"{run.what}: {run.reason}") for run in left)


def log(result: StepLog) -> Iterator[RenderableType]:
    if not result.lines:
        yield Text(f"There is no such line of {result.ticker} in execution {result.execution}.", style="dim")
    yield from (log_line(line) for line in result.lines)


def log_line(line: StepLine) -> Text:
    time = f"{line.time.astimezone():%H:%M:%S}" if line.time else " " * 8
    return Text.assemble((f"{time} {line.step:<8} ", "dim"), printable(line.text))


def execution(
    status: ExecutionStatus, *, now: datetime | None = None, rows: int | None = None, verbose: bool = False
) -> RenderableType:
    """A table of the execution's currencies, and below it why some failed; with `now`, times count on.

    `rows` is how many lines fit: what failed or is running comes first then, each on one line, and the rest
    is counted.
    """
    title = Text.assemble("Execution ", status.name, "  ", state(status.status))
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
    table = columns("Currency", "Status", ">silver", ">gold", ">redshift")
    if rows is not None:  # one line each: only the reason gives way
        for column in table.columns:
            column.no_wrap = True
        table.add_column("Reason")
    for currency in currencies:
        cells = [_step(step, now) for step in currency.steps]
        if rows is not None:
            cells.append(Text(_failure(currency), no_wrap=True, overflow="ellipsis"))
        table.add_row(currency.ticker, state(currency.status), *cells)
    parts: list[RenderableType] = [title, table]
    if hidden:
        parts.append(Text(f"… and {len(hidden)} more: {_counts(hidden)}", style="dim"))
    if rows is None:
        parts += [
            Text.assemble(f"{c.ticker} ", state(c.status), f" {_failure(c)}")
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
