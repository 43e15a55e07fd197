"""The status of an execution, per currency and step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.prices import dpu_hour

Stage: TypeAlias = Literal["check", "clean", "silver", "gold", "redshift"]
Progress: TypeAlias = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
CurrencyProgress: TypeAlias = Literal["PENDING", "RUNNING", "LOADED", "FAILED", "SKIPPED", "ABORTED"]
ExecutionProgress: TypeAlias = Literal[
    "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "INTERRUPTED"
]

Verdict: TypeAlias = Literal[
    "running", "loaded", "partly_loaded", "failed", "stopped", "timed_out", "interrupted"
]
"""What became of an execution. Step Functions calls one SUCCEEDED whose machine caught every failure."""

_VERDICTS: dict[ExecutionProgress, Verdict] = {
    "RUNNING": "running",
    "ABORTED": "stopped",
    "TIMED_OUT": "timed_out",
    "INTERRUPTED": "interrupted",
}


@dataclass(frozen=True)
class StepStatus:
    """The job run of a currency's step, or of the cleaning. `retries` counts the attempts after the first.

    PENDING: not started, or not part of this execution. RUNNING with an `error`: waiting to be retried.
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
    """The whole text of the error's cause, if it is more than the line in `reason`."""
    dpu_seconds: float | None = None
    """The DPU-seconds that Glue bills, if the JobRun says so; else capacity times seconds."""
    dpu_hour_usd: float = field(default=dpu_hour(None), repr=False)
    """The price of a DPU-hour of this job run; the highest if the JobRun does not say what it is."""


@dataclass(frozen=True)
class CurrencyStatus:
    """The status of one currency: `step` is where it is, failed or was aborted; `begins` is its first step.

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

    @property
    def bad(self) -> bool:
        """Return whether the currency was to be loaded and was not."""
        return self.status in ("FAILED", "ABORTED")


@dataclass(frozen=True)
class ExecutionStatus:
    """The status of an execution. INTERRUPTED: the process that ran it died before it ended.

    `link` is its page in the AWS console; None on the local target.
    """

    name: str
    status: ExecutionProgress
    started: datetime | None
    ended: datetime | None
    currencies: tuple[CurrencyStatus, ...]
    clean: StepStatus
    error: str | None = None
    reason: str | None = None
    link: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Return what became of the execution, by its currencies where its status does not tell."""
        if self.status in _VERDICTS:
            return _VERDICTS[self.status]
        loaded = any(currency.status == "LOADED" for currency in self.currencies)
        if self.status == "SUCCEEDED" and not any(currency.bad for currency in self.currencies):
            return "loaded"
        return "partly_loaded" if loaded else "failed"


def retry_plan(status: ExecutionStatus) -> dict[str, Step]:
    """Return the step at which to resume each currency that failed or was aborted."""
    plan: dict[str, Step] = {}
    for currency in status.currencies:
        if currency.bad:
            match currency.step:
                case "silver" | "gold" | "redshift" as step:
                    plan[currency.ticker] = step
                case "check":
                    plan[currency.ticker] = "silver"
                case "clean" | None:
                    plan[currency.ticker] = currency.begins
    return plan
