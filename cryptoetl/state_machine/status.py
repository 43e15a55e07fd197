"""How an execution stands, per currency and step, from the events of its history.

One fold for both targets: `Fold.add` takes events as boto3's `get_execution_history` returns them (times as
datetime), in the order of their ids and as they come; `Fold.status` may be asked at any time, also after each
event: it computes only the currencies that have had events since. What counts is what the job runs did. The
records that the branches return are not looked at: they leave out causes, and an execution that was stopped
has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from cryptoetl.state_machine.causes import readable as readable
from cryptoetl.state_machine.definition import (
    Step,
)

Stage: TypeAlias = Literal["check", "clean", "silver", "gold", "redshift"]
Progress: TypeAlias = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
CurrencyProgress: TypeAlias = Literal["PENDING", "RUNNING", "LOADED", "FAILED", "SKIPPED", "ABORTED"]
ExecutionProgress: TypeAlias = Literal[
    "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "INTERRUPTED"
]


@dataclass(frozen=True)
class StepStatus:
    """One job run of one currency, or the cleaning. PENDING: not begun, or not part of this execution.

    A RUNNING step with an `error` waits to be tried again. `retries` counts the attempts after the first.
    """

    step: Stage
    status: Progress = "PENDING"
    started: datetime | None = None
    ended: datetime | None = None
    retries: int = 0
    job_run_id: str | None = None
    error: str | None = None
    reason: str | None = None
    cause: str | None = None
    """All that the error's cause says, of which `reason` is one line."""
    dpu_seconds: float | None = None
    """What Glue bills the run by, if its JobRun says so: DPU-seconds, or capacity times seconds."""


@dataclass(frozen=True)
class CurrencyStatus:
    """One branch. `step` is where it is, failed or was cut off; `begins` the step it was to begin at.

    FAILED at "check": refused before the execution; at "clean": not started, because the cleaning failed.
    ABORTED: the execution ended before the currency did. SKIPPED: not part of this execution.
    """

    ticker: str
    status: CurrencyProgress
    step: Stage | None
    error: str | None
    reason: str | None
    steps: tuple[StepStatus, ...]
    begins: Step
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class ExecutionStatus:
    """An execution. INTERRUPTED: the process that ran it is gone, and it did not end."""

    name: str
    status: ExecutionProgress
    started: datetime | None
    ended: datetime | None
    currencies: tuple[CurrencyStatus, ...]
    clean: StepStatus
    error: str | None = None
    reason: str | None = None


def retry_plan(status: ExecutionStatus) -> dict[str, Step]:
    """Where to resume each currency that failed or was cut off."""
    plan: dict[str, Step] = {}
    for currency in status.currencies:
        if currency.status in ("FAILED", "ABORTED"):
            match currency.step:
                case "silver" | "gold" | "redshift" as step:
                    plan[currency.ticker] = step
                case "check":
                    plan[currency.ticker] = "silver"
                case "clean" | None:
                    plan[currency.ticker] = currency.begins
    return plan


DPU_HOUR = 0.44
