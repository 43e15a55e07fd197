"""Histories of executions that the interpreter has run, whole or truncated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter, TaskFailed
from cryptoetl.state_machine.definition import Branch, Step, execution_input, render
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus

MACHINE = render("crypto", [Branch("BTC"), Branch("XMR")])
BOTH = execution_input({"BTC": "silver", "XMR": "silver"})
START = datetime(2026, 1, 1, tzinfo=UTC)
JOBS = {"silver": "crypto-bronze2silver", "gold": "crypto-silver2gold", "redshift": "crypto-redshift-upload"}
RunJob = Callable[[str, Mapping[str, str]], Mapping[str, Any]]


def job_run(job_name: str, **rest: Any) -> dict[str, Any]:
    return {"Id": f"jr_{job_name}", "JobName": job_name, "JobRunState": "SUCCEEDED", **rest}


def failing(
    ticker: str | None, step: Step | None, error: str = "States.TaskFailed", times: int = 99
) -> RunJob:
    """Return a function that runs jobs, one of which fails `times` times: the cleaning without a ticker."""
    left = [times]

    def run(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        hit = job_name == (JOBS[step] if step else "crypto-clear-buckets")
        if hit and arguments.get("--TICKER") == ticker and left[0] > 0:
            left[0] -= 1
            if error.startswith("Glue."):
                raise TaskFailed(error, "Rate exceeded (Service: Glue)")
            failed = job_run(job_name, JobRunState="FAILED", ErrorMessage="ValueError: line 3: no price")
            raise TaskFailed(error, json.dumps(failed))
        return job_run(job_name)

    return run


def history(
    run_job: RunJob, input_data: Mapping[str, Any] = BOTH, machine: Mapping[str, Any] = MACHINE
) -> list[Event]:
    """Return the events of an execution, one second apart."""
    events: list[Event] = []
    Interpreter(
        machine,
        run_job=run_job,
        record=events.append,
        clock=lambda: START + timedelta(seconds=len(events)),
        sleep=lambda seconds: None,
        random=lambda: 0.0,
    ).run(input_data)
    return events


def fold(events: list[Event]) -> Fold:
    folded = Fold("e1")
    for event in events:
        folded.add(event)
    return folded


def up_to(events: list[Event], event_type: str, state: str | None = None) -> list[Event]:
    """Return the events up to the first of this type, and of this state if one is given."""
    for number, event in enumerate(events):
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
        if event["type"] == event_type and state in (None, details.get("name")):
            return events[: number + 1]
    raise AssertionError(event_type)


def one(status: ExecutionStatus, ticker: str) -> CurrencyStatus:
    (currency,) = [currency for currency in status.currencies if currency.ticker == ticker]
    return currency


def steps(currency: CurrencyStatus) -> list[str]:
    return [step.status for step in currency.steps]


def ended_by(event_type: str, events: list[Event], **details: str) -> list[Event]:
    last = events[-1]
    key = event_type[0].lower() + event_type[1:] + "EventDetails"
    end = {
        "id": last["id"] + 1,
        "previousEventId": 0,
        "type": event_type,
        "timestamp": last["timestamp"],
        key: details,
    }
    return [*events, end]
