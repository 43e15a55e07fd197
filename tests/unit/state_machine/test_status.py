"""The status that follows from an execution's history, while it runs and after every end it can come to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cryptoetl.state_machine.definition import Step, execution_input
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import retry_plan
from tests.unit.state_machine.histories import (
    BOTH,
    JOBS,
    START,
    ended_by,
    failing,
    fold,
    history,
    one,
    steps,
    up_to,
)

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
    assert xmr.reason == "not started, because the cleaning failed: line 3: no price"
    assert (xmr.started, xmr.ended, steps(xmr)) == (None, None, ["PENDING"] * 3)
    assert retry_plan(status) == {"BTC": "silver", "XMR": "gold"}


def test_a_currency_that_the_check_refused_has_failed_even_though_its_branch_was_skipped() -> None:
    input_data = execution_input({"BTC": "silver"}, {"XMR": "history: line 812: price 'abc' is not a number"})
    status = fold(history(failing(None, "silver"), input_data)).status()
    xmr = one(status, "XMR")
    assert (xmr.status, xmr.step) == ("FAILED", "check")
    assert xmr.reason == "history: line 812: price 'abc' is not a number"
    assert retry_plan(status) == {"XMR": "silver"}


def test_a_ticker_that_the_machine_does_not_know_has_failed() -> None:
    input_data = execution_input({"BTC": "silver", "DOGE": "gold"})
    doge = one(fold(history(failing(None, "silver"), input_data)).status(), "DOGE")
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
    input_data = execution_input({"BTC": "silver"})
    events = history(failing(None, "silver"), input_data)
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


@pytest.mark.parametrize(
    ("event_type", "expected"), [("ExecutionAborted", "ABORTED"), ("ExecutionTimedOut", "TIMED_OUT")]
)
def test_what_had_not_finished_when_the_execution_was_stopped_is_aborted(
    event_type: str, expected: str
) -> None:
    events = up_to(
        history(failing(None, "silver"), execution_input({"BTC": "silver"})),
        "TaskStateEntered",
        "BTC to gold",
    )
    status = fold(ended_by(event_type, events, cause="Stopped by hand")).status()
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
