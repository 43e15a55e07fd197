"""Advance a step by the events of its task state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptoetl.state_machine.causes import readable, unwrapped
from cryptoetl.state_machine.definition import RETRIED_ERRORS
from cryptoetl.state_machine.prices import dpu_hour
from cryptoetl.state_machine.status import StepStatus
from cryptoetl.util.text import parse_json

MINIMUM_SECONDS = 60
"""Glue bills a minute at least (AWS Glue pricing)."""

_FAILURES: Mapping[str, str] = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
    "TaskStartFailed": "taskStartFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
}


def advance(step: StepStatus, event: Mapping[str, Any]) -> StepStatus:
    """Return the step after an event of its state; events that say nothing about a job run change nothing."""
    handler = _HANDLERS.get(event["type"])
    return handler(step, event) if handler else step


def caught(step: StepStatus, time: datetime, state_input: str | None) -> StepStatus:
    """Return the step as failed, for the reason in the input of the state that its Catch leads to."""
    parsed = parse_json(state_input)
    failure = field(parsed, "failure") or parsed
    error = step.error or field(failure, "Error")
    return _failed(step, time, error, field(failure, "Cause") or "", step.reason)


def field(data: object, key: str) -> Any:
    """Return `data[key]`, or None if `data` is no mapping or lacks the key."""
    return data.get(key) if isinstance(data, Mapping) else None


def _entered(step: StepStatus, event: Mapping[str, Any]) -> StepStatus:
    return replace(step, status="RUNNING", started=event["timestamp"])


def _scheduled(step: StepStatus, _event: Mapping[str, Any]) -> StepStatus:
    if step.error is None:
        return step
    return replace(step, status="RUNNING", ended=None, retries=step.retries + 1, error=None, reason=None)


def _submitted(step: StepStatus, event: Mapping[str, Any]) -> StepStatus:
    job_run = parse_json(event.get("taskSubmittedEventDetails", {}).get("output"))
    return replace(step, job_run_id=field(job_run, "JobRunId") or step.job_run_id)


def _succeeded(step: StepStatus, event: Mapping[str, Any]) -> StepStatus:
    output = event.get("taskSucceededEventDetails", {}).get("output") or ""
    job_run = parse_json(output)
    step = replace(step, dpu_seconds=_dpu_seconds(job_run), dpu_hour_usd=_dpu_hour(job_run))
    # A run that was stopped in the Glue console ends its task successfully, with the state STOPPED.
    if (field(job_run, "JobRunState") or "SUCCEEDED") != "SUCCEEDED":
        return _failed(step, event["timestamp"], "States.TaskFailed", output)
    return replace(step, status="SUCCEEDED", ended=event["timestamp"])


def _attempt_failed(step: StepStatus, event: Mapping[str, Any]) -> StepStatus:
    details = event.get(_FAILURES[event["type"]], {})
    error, cause = details.get("error") or "States.TaskFailed", details.get("cause") or ""
    job_run = parse_json(cause)
    step = replace(
        step,
        job_run_id=field(job_run, "Id") or step.job_run_id,
        dpu_seconds=_dpu_seconds(job_run),
        dpu_hour_usd=_dpu_hour(job_run),
    )
    # The state may try a retried error again; if it does not, its exit follows and fails the step.
    if error in RETRIED_ERRORS:
        return replace(step, error=error, reason=readable(cause) or error)
    return _failed(step, event["timestamp"], error, cause)


def _exited(step: StepStatus, event: Mapping[str, Any]) -> StepStatus:
    if step.status == "RUNNING" and step.error is not None:
        return replace(step, status="FAILED", ended=event["timestamp"])
    return step


_HANDLERS: Mapping[str, Callable[[StepStatus, Mapping[str, Any]], StepStatus]] = {
    "TaskStateEntered": _entered,
    "TaskScheduled": _scheduled,
    "TaskSubmitted": _submitted,
    "TaskSucceeded": _succeeded,
    "TaskStateExited": _exited,
    **dict.fromkeys(_FAILURES, _attempt_failed),
}


def _failed(
    step: StepStatus, time: datetime, error: str | None, cause: str, reason: str | None = None
) -> StepStatus:
    reason = reason or readable(cause) or error
    text = unwrapped(cause)
    return replace(
        step,
        status="FAILED",
        ended=time,
        error=error,
        reason=reason,
        cause=text if text and text != reason else None,
    )


def _dpu_seconds(job_run: object) -> float | None:
    """Return the DPU-seconds that a run is billed by, or None if its JobRun does not say.

    Glue reports `DPUSeconds` for Flex and auto-scaled runs only (Glue API, JobRun).
    """
    reported = field(job_run, "DPUSeconds")
    capacity, seconds = field(job_run, "MaxCapacity"), field(job_run, "ExecutionTime")
    if isinstance(reported, int | float):
        return float(reported)
    if isinstance(capacity, int | float) and isinstance(seconds, int | float):
        return float(capacity * max(seconds, MINIMUM_SECONDS))
    return None


def _dpu_hour(job_run: object) -> float:
    """Return the price of a run's DPU-hour, from what its JobRun says of version, workers and class."""
    version, worker_type = field(job_run, "GlueVersion"), field(job_run, "WorkerType")
    return dpu_hour(
        version if isinstance(version, str) else None,
        worker_type if isinstance(worker_type, str) else None,
        flex=field(job_run, "ExecutionClass") == "FLEX",
    )
