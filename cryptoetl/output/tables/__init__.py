"""Results as tables and sentences for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.discovery.results import InitResult
from cryptoetl.output import plot
from cryptoetl.output.tables import deployment, doctor, executions, files, warehouse
from cryptoetl.pipeline.results import (
    CheckResult,
    DoctorResult,
    ExecutionList,
    Preview,
    RunResult,
    StepLog,
    StopResult,
    UploadResult,
    UpResult,
    VerifyResult,
)
from cryptoetl.state_machine.status import ExecutionStatus
from cryptoetl.target.deployment import Plan, Removal
from cryptoetl.target.warehouse import QueryRows


def render(  # noqa: C901 - one case per result
    result: Result, *, verbose: bool = False, now: datetime | None = None
) -> Iterator[RenderableType]:
    """Yield the parts of a result in reading order; durations of what still runs end at `now`."""
    match result:
        case CheckResult():
            yield from files.check(result, verbose=verbose)
        case UploadResult():
            yield from files.upload(result, verbose=verbose)
        case Plan():
            yield from deployment.plan(result)
        case Removal():
            yield from deployment.removal(result)
        case RunResult():
            yield from executions.run(result, verbose=verbose)
        case ExecutionStatus():
            yield executions.execution(
                result, now=now if result.status == "RUNNING" else None, verbose=verbose
            )
        case ExecutionList():
            yield executions.listed(result)
        case StopResult():
            yield from executions.stop(result, verbose=verbose)
        case StepLog():
            yield from executions.log(result)
        case VerifyResult():
            yield from warehouse.verify(result)
        case QueryRows():
            yield warehouse.rows(result)
        case Preview():
            yield from plot.render(result)
        case UpResult():
            yield from _up(result, verbose=verbose)
        case InitResult():
            yield from files.init(result, verbose=verbose)
        case DoctorResult():
            yield doctor.summary(result)
        case _:
            assert_never(result)


def _up(result: UpResult, *, verbose: bool) -> Iterator[RenderableType]:
    yield from files.upload(result.upload, verbose=verbose)
    if result.deploy is not None:
        yield from deployment.plan(result.deploy)
    if result.run is not None:
        yield Text()
        yield from executions.run(result.run, verbose=verbose)
    if result.verify is not None:
        yield from warehouse.verify(result.verify)
    if result.run is None:
        yield Text("No currency can be loaded. Fix the files above and run the same command again.")
    elif result.exit_code:
        yield Text("Fix what failed, then run: cryptoetl run --retry-failed")


Result = (
    CheckResult
    | UploadResult
    | Plan
    | Removal
    | RunResult
    | ExecutionStatus
    | ExecutionList
    | StopResult
    | StepLog
    | VerifyResult
    | QueryRows
    | Preview
    | UpResult
    | InitResult
    | DoctorResult
)
