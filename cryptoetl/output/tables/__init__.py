"""Results as tables and sentences for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rich.console import RenderableType

from cryptoetl.discovery.results import InitResult
from cryptoetl.output import plot
from cryptoetl.output.tables import deployment, doctor, executions, files, phases, warehouse
from cryptoetl.output.tables.view import FULL, View
from cryptoetl.pipeline.reporting import ReportResult
from cryptoetl.pipeline.results import (
    CheckResult,
    ConfigCheck,
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


def render(result: Result, view: View = FULL) -> Iterator[RenderableType]:  # noqa: C901 - a case per result
    """Yield the parts of a result in reading order; of `up`, the verdict: its phases were printed before."""
    match result:
        case CheckResult():
            yield from files.check(result, view)
        case UploadResult():
            yield from files.upload(result, view)
        case Plan():
            yield from deployment.plan(result, view)
            yield from deployment.next_step(result)
        case Removal():
            yield from deployment.removal(result)
        case RunResult():
            yield from executions.run(result, view)
        case ExecutionStatus():
            yield from executions.execution(result, view)
        case ExecutionList():
            yield executions.listed(result, view)
        case StopResult():
            yield from executions.stop(result, view)
        case StepLog():
            yield from executions.log(result)
        case VerifyResult():
            yield from warehouse.verify(result, view)
        case QueryRows():
            yield warehouse.rows(result)
        case Preview():
            yield from plot.render(result)
        case ReportResult():
            yield from files.report(result)
        case UpResult():
            yield from phases.closing(result)
        case InitResult():
            yield from files.init(result, view)
        case ConfigCheck():
            yield files.configuration(result)
        case DoctorResult():
            yield doctor.summary(result)
        case _:
            assert_never(result)


Result = (
    CheckResult
    | ConfigCheck
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
    | ReportResult
    | UpResult
    | InitResult
    | DoctorResult
)
