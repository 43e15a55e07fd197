"""Histories folded into a status: every end that a currency can come to, and what its reason says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter, TaskFailed
from cryptoetl.state_machine.definition import Branch, Step, execution_input, render
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, readable, retry_plan

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
    """Jobs of which one fails, so many times; the cleaning, if `ticker` is None."""
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
    run_job: RunJob, input: Mapping[str, Any] = BOTH, machine: Mapping[str, Any] = MACHINE
) -> list[Event]:
    """The events of an execution, one second apart."""
    events: list[Event] = []
    Interpreter(
        machine,
        run_job=run_job,
        record=events.append,
        clock=lambda: START + timedelta(seconds=len(events)),
        sleep=lambda seconds: None,
        random=lambda: 0.0,
    ).run(input)
    return events


def fold(events: list[Event]) -> Fold:
    folded = Fold("e1")
    for event in events:
        folded.add(event)
    return folded


def up_to(events: list[Event], type: str, state: str | None = None) -> list[Event]:
    """The events up to and with the first of that type (of that state), all other branches left out."""
    for number, event in enumerate(events):
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
        if event["type"] == type and state in (None, details.get("name")):
            return events[: number + 1]
    raise AssertionError(type)


def one(status: ExecutionStatus, ticker: str) -> CurrencyStatus:
    (currency,) = [currency for currency in status.currencies if currency.ticker == ticker]
    return currency


def steps(currency: CurrencyStatus) -> list[str]:
    return [step.status for step in currency.steps]


# --- whole executions ---------------------------------------------------------------------------------


def test_a_currency_whose_table_was_loaded_is_loaded() -> None:
    status = fold(history(failing(None, "silver"))).status()
    assert (status.status, status.clean.status, status.error, status.reason) == (
        "SUCCEEDED",
        "SUCCEEDED",
        None,
        None,
    )
    btc = one(status, "BTC")
    assert (btc.status, btc.step, btc.error, btc.reason) == ("LOADED", None, None, None)
    assert steps(btc) == ["SUCCEEDED"] * 3
    assert [step.job_run_id for step in btc.steps] == [f"jr_{name}" for name in JOBS.values()]
    assert btc.started is not None
    assert btc.ended is not None
    assert btc.started < btc.ended
    assert (btc.started, btc.ended) == (btc.steps[0].started, btc.steps[2].ended)
    assert (status.started, status.ended) == (
        START,
        START + timedelta(seconds=len(history(failing(None, "silver"))) - 1),
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("silver", ["FAILED", "PENDING", "PENDING"]),
        ("gold", ["SUCCEEDED", "FAILED", "PENDING"]),
        ("redshift", ["SUCCEEDED", "SUCCEEDED", "FAILED"]),
    ],
)
def test_a_failed_currency_names_its_step_and_reason(step: Step, expected: list[str]) -> None:
    status = fold(history(failing("XMR", step))).status()
    xmr = one(status, "XMR")
    assert (xmr.status, xmr.step) == ("FAILED", step)
    assert (xmr.error, xmr.reason) == ("States.TaskFailed", "line 3: no price")
    assert steps(xmr) == expected
    assert xmr.ended == next(s.ended for s in xmr.steps if s.step == step)
    assert next(s.job_run_id for s in xmr.steps if s.step == step) == f"jr_{JOBS[step]}"
    assert one(status, "BTC").status == "LOADED"
    assert retry_plan(status) == {"XMR": step}


def test_an_execution_fails_when_all_currencies_do() -> None:
    events = history(failing("XMR", "gold"), execution_input({"XMR": "gold"}))
    status = fold(events).status()
    assert (status.status, status.error) == ("FAILED", "PipelineFailure")
    assert status.reason is not None
    assert one(status, "XMR").status == "FAILED"
    assert one(status, "BTC").status == "SKIPPED"


def test_steps_before_the_one_it_begins_at_stay_pending() -> None:
    status = fold(history(failing(None, "silver"), execution_input({"XMR": "redshift"}))).status()
    assert steps(one(status, "XMR")) == ["PENDING", "PENDING", "SUCCEEDED"]
    assert one(status, "XMR").begins == "redshift"


def test_an_empty_input_means_every_deployed_currency() -> None:
    status = fold(history(failing(None, "silver"), {})).status()
    assert [(c.ticker, c.status) for c in status.currencies] == [("BTC", "LOADED"), ("XMR", "LOADED")]


def test_when_the_cleaning_fails_no_currency_was_started_and_says_why() -> None:
    events = history(failing(None, None), execution_input({"BTC": "silver", "XMR": "gold"}))
    status = fold(events).status()
    assert (status.status, status.error) == ("FAILED", "S3CleaningFailure")
    assert (status.clean.status, status.clean.reason) == ("FAILED", "line 3: no price")
    xmr = one(status, "XMR")
    assert (xmr.status, xmr.step) == ("FAILED", "clean")
    assert xmr.reason == "not started, because the cleaning before it failed: line 3: no price"
    assert (xmr.started, xmr.ended, steps(xmr)) == (None, None, ["PENDING"] * 3)
    assert retry_plan(status) == {"BTC": "silver", "XMR": "gold"}


def test_a_currency_that_the_check_refused_has_failed_even_though_its_branch_was_skipped() -> None:
    input = execution_input({"BTC": "silver"}, {"XMR": "history: line 812: price 'abc' is not a number"})
    status = fold(history(failing(None, "silver"), input)).status()
    xmr = one(status, "XMR")
    assert (xmr.status, xmr.step) == ("FAILED", "check")
    assert xmr.reason == "history: line 812: price 'abc' is not a number"
    assert retry_plan(status) == {"XMR": "silver"}


def test_a_ticker_that_the_machine_does_not_know_has_failed() -> None:
    input = execution_input({"BTC": "silver", "DOGE": "gold"})
    doge = one(fold(history(failing(None, "silver"), input)).status(), "DOGE")
    assert (doge.status, doge.step) == ("FAILED", "gold")
    assert doge.reason == "the deployed state machine has no branch for it"


def test_currencies_come_in_the_order_of_the_tickers_where_that_is_known() -> None:
    folded = Fold("e1", ["XMR", "LTC", "BTC"])
    for event in history(failing(None, "silver")):
        folded.add(event)
    assert [(c.ticker, c.status) for c in folded.status().currencies] == [
        ("XMR", "LOADED"),
        ("LTC", "SKIPPED"),
        ("BTC", "LOADED"),
    ]


# --- under way ----------------------------------------------------------------------------------------


def test_before_the_branches_begin_the_currencies_are_pending() -> None:
    events = up_to(history(failing(None, "silver")), "TaskStarted")
    status = fold(events).status()
    assert (status.status, status.clean.status, status.ended) == ("RUNNING", "RUNNING", None)
    assert [c.status for c in status.currencies] == ["PENDING", "PENDING"]


def test_a_currency_under_way_says_which_step_it_is_in() -> None:
    input = execution_input({"BTC": "silver"})
    events = history(failing(None, "silver"), input)
    btc = one(fold(up_to(events, "TaskStateEntered", "BTC to gold")).status(), "BTC")
    assert (btc.status, btc.step, btc.ended) == ("RUNNING", "gold", None)
    assert steps(btc) == ["SUCCEEDED", "RUNNING", "PENDING"]
    between = one(fold(up_to(events, "TaskStateExited", "BTC to silver")).status(), "BTC")
    assert (between.status, between.step) == ("RUNNING", "gold")


def test_a_failed_currency_shows_at_once_and_not_at_the_end_of_the_execution() -> None:
    events = history(failing("XMR", "silver"), execution_input({"XMR": "silver"}))
    assert one(fold(up_to(events, "TaskFailed")).status(), "XMR").status == "FAILED"


def test_the_status_may_be_asked_after_every_event() -> None:
    folded = Fold("e1")
    for event in history(failing("XMR", "gold"), {}):
        folded.add(event)
        folded.status()


def test_a_throttled_step_is_running_and_says_what_it_waits_for() -> None:
    events = history(failing("XMR", "gold", "Glue.AWSGlueException", 2), execution_input({"XMR": "gold"}))
    waiting = one(fold(up_to(events, "TaskSubmitFailed")).status(), "XMR")
    assert (waiting.status, waiting.steps[1].status) == ("RUNNING", "RUNNING")
    assert waiting.steps[1].reason == "Rate exceeded (Service: Glue)"
    done = one(fold(events).status(), "XMR")
    assert (done.status, done.steps[1].retries) == ("LOADED", 2)
    assert (done.steps[1].error, done.steps[1].reason) == (None, None)


def test_a_step_whose_retries_are_used_up_has_failed() -> None:
    xmr = one(fold(history(failing("XMR", "gold", "Glue.AWSGlueException"))).status(), "XMR")
    assert (xmr.status, xmr.step, xmr.error) == ("FAILED", "gold", "Glue.AWSGlueException")
    assert xmr.steps[1].retries == 40
    assert xmr.reason == "Rate exceeded (Service: Glue)"


# --- cut off ------------------------------------------------------------------------------------------


def ended_by(type: str, events: list[Event], **details: str) -> list[Event]:
    last = events[-1]
    key = type[0].lower() + type[1:] + "EventDetails"
    end = {
        "id": last["id"] + 1,
        "previousEventId": 0,
        "type": type,
        "timestamp": last["timestamp"],
        key: details,
    }
    return [*events, end]


@pytest.mark.parametrize(
    ("type", "expected"), [("ExecutionAborted", "ABORTED"), ("ExecutionTimedOut", "TIMED_OUT")]
)
def test_what_had_not_finished_when_the_execution_was_stopped_is_aborted(type: str, expected: str) -> None:
    events = up_to(
        history(failing(None, "silver"), execution_input({"BTC": "silver"})),
        "TaskStateEntered",
        "BTC to gold",
    )
    status = fold(ended_by(type, events, cause="Stopped by hand")).status()
    assert (status.status, status.reason) == (expected, "Stopped by hand")
    btc = one(status, "BTC")
    assert (btc.status, btc.step) == ("ABORTED", "gold")
    assert steps(btc) == ["SUCCEEDED", "ABORTED", "PENDING"]
    assert btc.ended == status.ended
    assert retry_plan(status) == {"BTC": "gold"}


def test_what_had_finished_before_the_execution_was_stopped_stays_as_it_was() -> None:
    events = history(failing("XMR", "silver"), BOTH)
    stopped = ended_by("ExecutionAborted", up_to(events, "ParallelStateSucceeded"))
    assert {c.ticker: c.status for c in fold(stopped).status().currencies} == {
        "BTC": "LOADED",
        "XMR": "FAILED",
    }


def test_a_currency_that_never_began_is_resumed_where_it_was_to_begin() -> None:
    events = up_to(history(failing(None, "silver"), execution_input({"XMR": "gold"})), "TaskStarted")
    status = fold(ended_by("ExecutionAborted", events)).status()
    assert status.clean.status == "ABORTED"
    assert one(status, "XMR").status == "ABORTED"
    assert retry_plan(status) == {"XMR": "gold"}


@pytest.mark.parametrize("aborted", [True, False])
def test_an_execution_whose_process_is_gone_is_interrupted(aborted: bool) -> None:
    events = up_to(history(failing(None, "silver"), execution_input({"BTC": "silver"})), "TaskStarted")
    ended = START + timedelta(hours=1)
    status = fold(ended_by("ExecutionAborted", events) if aborted else events).status("INTERRUPTED", ended)
    assert status.status == "INTERRUPTED"
    assert status.ended is not None
    assert one(status, "BTC").status == "ABORTED"


def test_what_the_target_records_does_not_overrule_the_events() -> None:
    assert fold(history(failing(None, "silver"))).status("RUNNING").status == "SUCCEEDED"


# --- histories of AWS that ours does not write --------------------------------------------------------


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


@pytest.mark.parametrize("input", [{"tickers": ["BTC"]}, {"tickers": {"BTC": None}, "refused": ["XMR"]}, []])
def test_an_odd_input_does_not_break_the_fold(input: Any) -> None:
    event = {
        "id": 1,
        "previousEventId": 0,
        "timestamp": START,
        "type": "ExecutionStarted",
        "executionStartedEventDetails": {"input": json.dumps(input)},
    }
    assert fold([event]).status().status == "RUNNING"


# --- reasons ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("", ""),
        ("Rate exceeded", "Rate exceeded"),
        (json.dumps({"ErrorMessage": "ValueError: line 3: no price"}), "line 3: no price"),
        (json.dumps({"ErrorMessage": "KeyError: 'price'"}), "KeyError: 'price'"),
        (json.dumps({"ErrorMessage": "TypeError: can only add int"}), "TypeError: can only add int"),
        (json.dumps({"ErrorMessage": "SystemExit: 2"}), "SystemExit: 2"),
        (
            json.dumps(
                {"ErrorMessage": "Error Category: QUERY_ERROR; Failed Line Number: 12; ValueError: a b"}
            ),
            "a b",
        ),
        (
            json.dumps({"ErrorMessage": "pyspark.errors.AnalysisException: [PATH_NOT_FOUND] no path\nat x"}),
            "[PATH_NOT_FOUND] no path",
        ),
        (
            json.dumps({"ErrorMessage": "An error occurred while calling o95.pyWriteDynamicFrame. no table"}),
            "no table",
        ),
        (json.dumps({"JobRunState": "STOPPED"}), "the job run was stopped"),
        (
            json.dumps({"JobRunState": "TIMEOUT", "Timeout": 30}),
            "the job run exceeded its limit of 30 minutes",
        ),
        (json.dumps({"JobRunState": "FAILED"}), "the job run ended as FAILED without a message"),
        (json.dumps({"JobRunState": "ERROR", "StateDetail": "job deleted"}), "job deleted"),
        ("Traceback (most recent call last):\n  File x\nValueError: no such price\n", "no such price"),
        ('{"Id": "jr_1", "ErrorMessage": "ValueError: cut \\"off\\" in the mid', 'cut "off" in the mid'),
        ("{}", "{}"),
        ("[1]", "[1]"),
    ],
)
def test_a_cause_is_told_in_one_readable_line(cause: str, reason: str) -> None:
    assert readable(cause) == reason


def test_a_reason_is_cut_to_500_characters() -> None:
    assert len(readable("a " * 2000)) == 500


# --- what a run costs, and all of its cause -----------------------------------------------------------


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


# --- status by status ---------------------------------------------------------------------------------


def renumbered(events: list[Event], by: int) -> list[Event]:
    return [{**e, "id": e["id"] + by, "previousEventId": e["previousEventId"] + by} for e in events]


def redriven() -> list[Event]:
    """An execution that failed in the cleaning, and then runs all its branches."""
    failed = history(failing(None, None))
    last = failed[-1]
    again = {**last, "id": last["id"] + 1, "previousEventId": last["id"], "type": "ExecutionRedriven"}
    return [*failed, again, *renumbered(history(failing("XMR", "gold"))[1:], last["id"] + 1)]


def caught_without_an_event_of_its_own() -> list[Event]:
    events = history(failing("BTC", "gold"))
    return [event for event in events if event["type"] not in ("TaskFailed", "TaskStateExited")]


def left_by_the_whole_machine() -> list[Event]:
    """A branch that is in a step when the machine goes on outside the branches."""
    events = up_to(history(failing(None, "silver")), "TaskStateEntered", "BTC to gold")
    entered = {"name": "All failed", "input": json.dumps({"Error": "States.Runtime", "Cause": "no path"})}
    last = events[-1]
    after = {"id": last["id"] + 1, "previousEventId": last["id"], "timestamp": last["timestamp"]}
    return [*events, {**after, "type": "FailStateEntered", "stateEnteredEventDetails": entered}]


HISTORIES: Mapping[str, Callable[[], list[Event]]] = {
    "loaded": lambda: history(failing(None, "silver")),
    "every deployed currency": lambda: history(failing(None, "silver"), {}),
    "failed": lambda: history(failing("XMR", "silver")),
    "retried": lambda: history(failing("XMR", "gold", "Glue.AWSGlueException", 2)),
    "retries used up": lambda: history(failing("XMR", "gold", "Glue.AWSGlueException")),
    "caught": caught_without_an_event_of_its_own,
    "skipped": lambda: history(failing(None, "silver"), execution_input({"XMR": "gold"})),
    "refused": lambda: history(failing(None, "silver"), execution_input({"BTC": "silver"}, {"XMR": "bad"})),
    "no branch": lambda: history(failing(None, "silver"), execution_input({"DOGE": "gold", "BTC": "silver"})),
    "not cleaned": lambda: history(failing(None, None)),
    "cut off": lambda: ended_by(
        "ExecutionAborted", up_to(history(failing("XMR", "gold")), "TaskStateEntered", "BTC to gold")
    ),
    "left": left_by_the_whole_machine,
    "redriven": redriven,
}


@pytest.mark.parametrize("tickers", [(), ("XMR", "LTC", "BTC")])
@pytest.mark.parametrize("name", HISTORIES)
def test_a_status_is_the_same_however_often_it_was_asked_before(name: str, tickers: tuple[str, ...]) -> None:
    events = HISTORIES[name]()
    asked = Fold("e1", tickers)
    for number, event in enumerate(events, 1):
        asked.add(event)
        fresh = Fold("e1", tickers)
        for earlier in events[:number]:
            fresh.add(earlier)
        expected = fresh.status()
        assert asked.status() == expected
        interrupted = asked.status("INTERRUPTED", event["timestamp"])
        assert interrupted == fresh.status("INTERRUPTED", event["timestamp"])
        assert asked.status() == expected


@settings(deadline=None)
@given(st.sampled_from(sorted(HISTORIES)), st.lists(st.integers(1, 9), max_size=12))
def test_a_status_is_the_same_whenever_it_was_asked_before(name: str, batches: list[int]) -> None:
    events = HISTORIES[name]()
    asked = Fold("e1")
    left = iter(events)
    for size in batches:
        for event in islice(left, size):
            asked.add(event)
        asked.status()
    for event in left:
        asked.add(event)
    assert asked.status() == fold(events).status()


@pytest.mark.parametrize("start", [{}, execution_input({"C7": "silver"})])
def test_an_event_of_one_of_many_currencies_computes_that_one_alone(start: Mapping[str, Any]) -> None:
    many = render("crypto", [Branch(f"C{number}") for number in range(40)])
    folded = Fold("e1")
    before: dict[str, CurrencyStatus] = {}
    all_again: list[str] = []
    for event in history(failing("C3", "gold"), start, many):
        folded.add(event)
        now = {currency.ticker: currency for currency in folded.status().currencies}
        computed = sum(before.get(ticker) is not currency for ticker, currency in now.items())
        if computed > 1:
            all_again.append(event["type"])
        before = now
    whole = {"ExecutionStarted", "PassStateExited", "ParallelStateSucceeded"}
    assert set(all_again) <= whole
    assert len(all_again) <= len(whole)
