"""Tables of executions: currencies and their steps, logs, lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.output.tables.layout import Column, columns
from cryptoetl.output.tables.view import View, counts, fold
from cryptoetl.output.tables.words import STYLES, moment, seconds, state, verdict
from cryptoetl.pipeline.results import ExecutionList, RunResult, StepLine, StepLog, StopResult
from cryptoetl.state_machine.definition import STEPS
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus
from cryptoetl.target.executions import StillRunning
from cryptoetl.util.text import printable

_OWN_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")

NAME = len("20260101T000000000Z")
"""Letters of a name that cryptoetl gives; longer ones, such as those of a schedule, may be shortened."""


def run(result: RunResult, view: View) -> Iterator[RenderableType]:
    """Yield the execution, or why nothing was run."""
    if result.note:
        yield Text(result.note)
    if result.execution is not None:
        yield from execution(result.execution, view)
        yield from left(result.left)
        yield from next_step(result.execution)
    else:
        for ticker, reason in result.refused.items():
            yield Text.assemble(f"{ticker} ", ("FAILED", "bold red"), f" check: {reason}")


def next_step(status: ExecutionStatus) -> Iterator[Text]:
    """Yield the commands that show why currencies failed, and that run them again."""
    bad = [currency for currency in status.currencies if currency.bad]
    if not bad or status.status == "RUNNING":
        return
    first = next((currency for currency in bad if currency.status == "FAILED"), bad[0])
    if first.step == "check":
        show = f"cryptoetl check --tickers {first.ticker}"
    elif first.step == "clean":
        show = "cryptoetl logs --step clean"
    else:
        show = f"cryptoetl logs {first.ticker} --errors"
    yield Text(f"Next: `{show}` shows why; `cryptoetl run --retry-failed` runs what failed again.")


def stop(result: StopResult, view: View) -> Iterator[RenderableType]:
    """Yield the stopped execution, and the job runs that could not be stopped."""
    yield from execution(result.execution, view)
    if result.execution.status != "ABORTED":
        yield Text("The execution had already ended.")
    yield from left(result.left)


def left(runs: Sequence[StillRunning]) -> Iterator[Text]:
    """Yield a line for each job run that could not be stopped."""
    yield from (Text.assemble(("goes on ", "bold red"), f"{run.what}: {run.reason}") for run in runs)


def log(result: StepLog) -> Iterator[RenderableType]:
    """Yield the lines of a log."""
    if result.note:
        yield Text(result.note)
    elif not result.lines:
        of = result.ticker or "the cleaning"
        yield Text(f"Execution {result.execution} has no such log lines of {of}.", style="dim")
    yield from (log_line(line) for line in result.lines)


def log_line(line: StepLine) -> Text:
    """Return a line with its local time and zone, and its step.

    A time at the beginning of the text, which a local job writes, is left out: it is the same one.
    """
    time = f"{line.time.astimezone():%Y-%m-%d %H:%M:%S %Z}" if line.time else ""
    text = _OWN_TIME.sub("", line.text) if line.time else line.text
    return Text.assemble((f"{time:<23} {line.step:<8} ", "dim"), printable(text))


def execution(status: ExecutionStatus, view: View) -> Iterator[RenderableType]:
    """Yield what became of the execution, a table of its currencies, and why some failed.

    Failed currencies come first; those that do not fit the view are counted.
    """
    currencies = [c for c in status.currencies if c.bad or (not view.failed and shown(c, view))]
    folded = fold(currencies, view.limit, word=lambda c: c.status.lower(), rank=rank)
    yield from title(status, view)
    if view.failed and not currencies:
        yield Text("No currency failed.")
        return
    table = columns("Currency", "Status", *(Column(step, right=True, least=1) for step in STEPS))
    running_to = view.now if status.status == "RUNNING" else None
    for currency in folded.shown:
        steps = (step_cell(step, running_to) for step in currency.steps)
        table.add_row(currency.ticker, state(currency.status), *steps)
    yield table
    if note := folded.note():
        yield note
    for currency in folded.shown:
        if text := failure(currency):
            yield Text.assemble(f"{currency.ticker} ", state(currency.status), f" {text}")
    if view.verbose:
        yield from (text for currency in folded.shown for text in _details(currency))
    yield from reason(status)
    yield from page(status)


def shown(currency: CurrencyStatus, view: View) -> bool:
    """Return whether a currency is shown: one that was not to be run only if all is."""
    return view.verbose or currency.status != "SKIPPED"


def rank(currency: CurrencyStatus) -> int:
    """Return the place of a currency: failed, running, waiting, loaded."""
    return _RANKS.get(currency.status, 4)


_RANKS = {"FAILED": 0, "RUNNING": 1, "ABORTED": 1, "PENDING": 2, "LOADED": 3}


def title(status: ExecutionStatus, view: View) -> Iterator[Text]:
    """Yield two lines: name and verdict; start, duration and what became of how many currencies."""
    yield Text.assemble("Execution ", status.name, "  ", verdict(status))
    facts = ", ".join(_times(status, view))
    found = counts(Counter(currency.status for currency in status.currencies), STYLES)
    if found or facts:
        yield Text(": ".join(part for part in (facts and f"started {facts}", found) if part))


def _times(status: ExecutionStatus, view: View) -> Iterator[str]:
    """Yield when an execution was started, and how long it took or has been running."""
    if status.started is not None:
        yield moment(status.started, view.now)
        if took := seconds(status.started, status.ended or view.now):
            yield f"took {took}" if status.ended else f"running for {took}"


def reason(status: ExecutionStatus) -> Iterator[Text]:
    """Yield why the execution ended, if it did not end by itself."""
    if status.reason:
        yield Text(status.reason, style="bold red" if status.status == "FAILED" else "yellow")


def page(status: ExecutionStatus) -> Iterator[Text]:
    """Yield the address of the execution's page."""
    if status.link:
        yield Text(status.link, style="dim")


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


def failure(currency: CurrencyStatus) -> str:
    """Return where and why a currency failed; "" for any other."""
    if currency.status != "FAILED":
        return ""
    return f"at {currency.step}: {currency.reason}" if currency.reason else f"at {currency.step}"


def step_cell(step: StepStatus, now: datetime | None) -> Text:
    """Return the duration of a step, or what became of it; what still runs ends at `now`."""
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


def listed(result: ExecutionList, view: View) -> RenderableType:
    """Return a table with a row for each execution."""
    if not result.executions:
        return Text("None of these executions failed." if view.failed else "There is no execution yet.")
    table = columns(
        Column("Execution", cut="end", least=NAME),
        "Status",
        "Started",
        "Currencies",
        Column("Failed currencies", spare=1),
    )
    for status in result.executions:
        failed = [currency for currency in status.currencies if currency.bad]
        table.add_row(
            status.name,
            verdict(status),
            ", ".join(_times(status, view)),
            counts(Counter(currency.status for currency in status.currencies), STYLES),
            ", ".join(f"{c.ticker} at {c.step}" for c in failed[:5]) + (" …" if len(failed) > 5 else ""),
        )
    return table
