"""What `up` prints: a heading for each phase, what the phase ends with, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.output.tables import deployment, executions, files, warehouse
from cryptoetl.output.tables.view import View, fold
from cryptoetl.output.tables.words import seconds, verdict
from cryptoetl.pipeline.results import (
    CheckResult,
    RunResult,
    UploadResult,
    UpPart,
    UpResult,
    VerifyResult,
)
from cryptoetl.state_machine.status import ExecutionStatus
from cryptoetl.target.deployment import Plan
from cryptoetl.util.text import plural

HEADINGS = {"check": "Check", "deploy": "Deploy", "upload": "Upload", "run": "Run", "verify": "Verify"}
"""By the name of the phase."""

DETAILS = 8
"""Currencies of which a phase shows why they are odd or failed: together the phases fit a screen."""


def heading(phase: str) -> Text | None:
    """Return the heading of a phase; None if it has none."""
    return Text(HEADINGS[phase], style="bold") if phase in HEADINGS else None


def ended(part: UpPart, view: View) -> Iterator[RenderableType]:
    """Yield what a phase ends with: totals, and what is odd or failed; all of it with `view.verbose`."""
    view = replace(view, rows=min(view.rows or DETAILS, DETAILS))
    match part:
        case CheckResult():
            yield from (files.check if view.verbose else files.check_summary)(part, view)
        case Plan():
            yield from deployment.plan(part, view)
        case UploadResult():
            yield from files.upload_summary(part, view)
        case RunResult():
            yield from executions.run(part, view) if view.verbose else _run(part, view)
        case VerifyResult():
            yield from (warehouse.verify if view.verbose else warehouse.verify_summary)(part, view)
        case _:
            assert_never(part)


def _run(result: RunResult, view: View) -> Iterator[RenderableType]:
    if result.execution is None:
        yield from executions.run(result, view)
        return
    yield from executions.title(result.execution, view)
    yield from _failures(result.execution, view)
    yield from executions.reason(result.execution)
    yield from executions.page(result.execution)
    yield from executions.left(result.left)


def _failures(status: ExecutionStatus, view: View) -> Iterator[Text]:
    bad = [currency for currency in status.currencies if currency.bad]
    folded = fold(bad, view.limit, word=lambda c: c.status.lower(), rank=executions.rank)
    for currency in folded.shown:
        text = executions.failure(currency) or f"at {currency.step}"
        yield Text.assemble(f"{currency.ticker} ", (currency.status, "bold red"), f" {text}")
    if note := folded.note("`cryptoetl status --failed` shows all"):
        yield note


def closing(result: UpResult) -> Iterator[RenderableType]:
    """Yield the verdict on everything, and what to do next."""
    yield Text()
    if result.dry_run:
        yield from _dry_run(result)
    elif result.run is not None and result.run.execution is None:
        yield Text(
            "Nothing has changed" + ("; some files have errors: see above." if result.exit_code else ".")
        )
    elif result.run is None or result.run.execution is None:
        yield Text("No currency can be loaded. Fix the files above and run the same command again.")
    else:
        yield _verdict(result.run.execution, result)
        if result.run.exit_code:
            yield from executions.next_step(result.run.execution)


def _verdict(execution: ExecutionStatus, result: UpResult) -> Text:
    total = sum(currency.status != "SKIPPED" for currency in execution.currencies)
    loaded = sum(currency.status == "LOADED" for currency in execution.currencies)
    took = seconds(execution.started, execution.ended)
    text = Text.assemble(verdict(execution), f"  {loaded:,} of {plural(total, 'currency')}")
    text.append(f" in {took}" if took else "")
    if wrong := sum(bool(table.problems) for table in result.verify.tables) if result.verify else 0:
        text.append(f"; {plural(wrong, 'table')} not as expected", style="bold red")
    return text


def _dry_run(result: UpResult) -> Iterator[Text]:
    if not result.to_run:
        none = "all currencies are unchanged" if result.unchanged else "no currency can be loaded"
        yield Text(f"Dry run: {none}. Nothing was changed.")
        return
    yield Text(HEADINGS["run"], style="bold")
    some = 10
    named = ", ".join(result.to_run[:some]) + (", …" if len(result.to_run) > some else "")
    yield Text(f"Would run and verify {plural(len(result.to_run), 'currency')}: {named}")
    yield Text("Dry run: nothing was changed.")
