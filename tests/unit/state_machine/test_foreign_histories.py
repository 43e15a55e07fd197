"""Histories that AWS writes and the local interpreter does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cryptoetl.local.step_functions.interpreter import TaskFailed
from cryptoetl.state_machine.definition import execution_input
from tests.unit.state_machine.histories import (
    JOBS,
    START,
    failing,
    fold,
    history,
    job_run,
    one,
)


def test_a_glue_run_that_was_stopped_by_hand_is_a_failure_even_if_the_task_succeeded() -> None:
    events = history(failing(None, "silver"), execution_input({"BTC": "redshift"}))
    stopped = json.dumps(job_run("crypto-redshift-upload", JobRunState="STOPPED"))
    last = [event for event in events if event["type"] == "TaskSucceeded"][-1]
    last["taskSucceededEventDetails"]["output"] = stopped
    btc = one(fold(events).status(), "BTC")
    assert (btc.status, btc.step, btc.reason) == ("FAILED", "redshift", "the job run was stopped")


def test_a_step_that_is_caught_without_a_failure_event_takes_its_error_from_the_catch() -> None:
    events = history(failing("BTC", "gold"), execution_input({"BTC": "gold"}))
    dropped = {"TaskFailed", "TaskStateExited"}
    ids = {e["id"]: e["previousEventId"] for e in events if e["type"] in dropped and e["id"] > 10}
    kept = [dict(event) for event in events if event["id"] not in ids]
    for event in kept:
        while event["previousEventId"] in ids:
            event["previousEventId"] = ids[event["previousEventId"]]
    btc = one(fold(kept).status(), "BTC")
    assert (btc.status, btc.step, btc.reason) == ("FAILED", "gold", "line 3: no price")


def test_a_task_that_timed_out_has_failed() -> None:
    events = history(failing("BTC", "gold", "States.Timeout"), execution_input({"BTC": "gold"}))
    for event in events:
        if event["type"] == "TaskFailed":
            event["type"] = "TaskTimedOut"
            event["taskTimedOutEventDetails"] = {"error": "States.Timeout"}
            del event["taskFailedEventDetails"]
    btc = one(fold(events).status(), "BTC")
    assert (btc.status, btc.step, btc.error, btc.reason) == (
        "FAILED",
        "gold",
        "States.Timeout",
        "States.Timeout",
    )


def test_an_execution_without_data_in_its_history_is_still_followed() -> None:
    # includeExecutionData=False leaves out inputs, outputs and causes.
    events = history(failing("XMR", "gold"))
    for event in events:
        for details in event.values():
            if isinstance(details, dict):
                for key in ("input", "output", "cause", "parameters"):
                    details.pop(key, None)
    status = fold(events).status()
    assert {c.ticker: (c.status, c.step) for c in status.currencies} == {
        "BTC": ("LOADED", None),
        "XMR": ("FAILED", "gold"),
    }


@pytest.mark.parametrize(
    "input_data", [{"tickers": ["BTC"]}, {"tickers": {"BTC": None}, "refused": ["XMR"]}, []]
)
def test_an_odd_input_does_not_break_the_fold(input_data: Any) -> None:
    event = {
        "id": 1,
        "previousEventId": 0,
        "timestamp": START,
        "type": "ExecutionStarted",
        "executionStartedEventDetails": {"input": json.dumps(input_data)},
    }
    assert fold([event]).status().status == "RUNNING"


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({}, None),
        ({"ExecutionTime": 90, "MaxCapacity": 2.0}, 180.0),
        ({"ExecutionTime": 5, "MaxCapacity": 0.0625}, 3.75),
        ({"ExecutionTime": 90, "MaxCapacity": 2.0, "DPUSeconds": 101.5}, 101.5),
    ],
)
def test_a_run_is_billed_by_what_glue_reports_and_a_minute_at_least(
    reported: dict[str, float], expected: float | None
) -> None:
    status = fold(history(lambda job_name, _: job_run(job_name, **reported))).status()
    assert {step.dpu_seconds for step in one(status, "BTC").steps} == {expected}


@pytest.mark.parametrize(
    ("reported", "price"),
    [
        ({"GlueVersion": "6.0", "WorkerType": "G.1X", "ExecutionClass": "STANDARD"}, 0.308),
        ({"GlueVersion": "6.1", "WorkerType": "G.1X"}, 0.308),
        ({"GlueVersion": "5.1", "WorkerType": "G.1X"}, 0.44),
        ({"GlueVersion": "6.0", "WorkerType": "R.1X"}, 0.52),
        ({"GlueVersion": "6.0", "WorkerType": "G.1X", "ExecutionClass": "FLEX"}, 0.29),
        ({"GlueVersion": "3.0", "WorkerType": None}, 0.44),
        ({"GlueVersion": "next"}, 0.44),
        ({"GlueVersion": 6}, 0.44),
        ({}, 0.44),
    ],
)
def test_the_price_of_a_run_is_that_of_its_version_and_workers(
    reported: dict[str, Any], price: float
) -> None:
    status = fold(history(lambda job_name, _: job_run(job_name, **reported))).status()
    assert {step.dpu_hour_usd for step in one(status, "BTC").steps} == {price}


def test_all_of_a_cause_is_kept_beside_its_one_line() -> None:
    message = "ValueError: line 3: no price\nand how it came to that"

    def run(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        if job_name == JOBS["gold"]:
            failed = job_run(job_name, JobRunState="FAILED", ErrorMessage=message)
            raise TaskFailed("States.TaskFailed", json.dumps(failed))
        return job_run(job_name)

    gold = one(fold(history(run)).status(), "BTC").steps[1]
    assert (gold.reason, gold.cause) == ("line 3: no price", message)


def test_an_execution_that_is_redriven_runs_again() -> None:
    events = history(failing(None, None))
    folded = fold(events)
    assert folded.status().status == "FAILED"
    last = events[-1]
    folded.add({**last, "id": last["id"] + 1, "previousEventId": last["id"], "type": "ExecutionRedriven"})
    status = folded.status()
    assert (status.status, status.ended, status.reason) == ("RUNNING", None, None)
