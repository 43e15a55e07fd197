"""The status of an execution of groups follows from its list, its outcomes and its failures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.groups import CurrencyList, Item
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.outcomes import GroupRecord
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, retry_plan

NOON = "2026-01-01T12:00:00+00:00"


def listed(**begins: Step) -> CurrencyList:
    return CurrencyList(
        {t: Item(t, f"{t}/history.csv", f"{t}/trend.csv", begins=step) for t, step in begins.items()}
    )


def outcome(step: Step, complete: bool = True, /, **statuses: str) -> Any:
    """An outcome; a status that is no word is the reason of a failure."""
    return {
        "step": step,
        "job_run": f"jr_{step}",
        "complete": complete,
        "currencies": {
            ticker: {"status": status, "started": NOON, "ended": NOON, "error": None, "reason": None}
            if status.isupper()
            else {"status": "FAILED", "started": NOON, "ended": NOON, "error": "ValueError", "reason": status}
            for ticker, status in statuses.items()
        },
    }


class Execution:
    """An execution of groups of two; `end` is its last event."""

    def __init__(self, currencies: CurrencyList, *events: str) -> None:
        self.fold = Fold("today")
        self._number = 0
        self.event("ExecutionStarted", executionStartedEventDetails={"input": '{"list":"a key"}'})
        for event in events:
            self.event(event)
        self.fold.add_groups(GroupRecord(currencies, 2))
        self._currencies = currencies

    def event(self, kind: str, **details: Any) -> None:
        self._number += 1
        time = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.fold.add({"id": self._number, "previousEventId": 0, "type": kind, "timestamp": time, **details})

    def wrote(self, first: str, *outcomes: Any, failure: Any = None) -> Execution:
        """Add outcomes, or what stands in place of one, for silver, gold and redshift in turn."""
        steps: tuple[Step, ...] = ("silver", "gold", "redshift")
        found = {(s, first): o for s, o in zip(steps, outcomes, strict=False)}
        failures = {} if failure is None else {first: failure}
        self.fold.add_groups(GroupRecord(self._currencies, 2, found, failures))
        return self

    def status(self) -> ExecutionStatus:
        return self.fold.status()

    def of(self, ticker: str) -> CurrencyStatus:
        return next(currency for currency in self.status().currencies if currency.ticker == ticker)


A_B = listed(A="silver", B="silver")
LOADED = [outcome(step, A="SUCCEEDED", B="SUCCEEDED") for step in ("silver", "gold", "redshift")]
ENDED = ("MapRunSucceeded", "ExecutionSucceeded")


def test_a_currency_is_loaded_if_every_step_succeeded() -> None:
    found = Execution(A_B, *ENDED).wrote("A", *LOADED).of("B")
    assert (found.status, found.step, found.reason) == ("LOADED", None, None)
    assert [step.job_run_id for step in found.steps] == ["jr_silver", "jr_gold", "jr_redshift"]
    assert found.started == found.ended == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_failed_currency_has_its_step_and_reason_and_the_others_go_on() -> None:
    gold = outcome("gold", A="silver/A_hist is missing or empty", B="SUCCEEDED")
    execution = Execution(A_B, *ENDED).wrote("A", LOADED[0], gold, outcome("redshift", B="SUCCEEDED"))
    failed = execution.of("A")
    assert (failed.status, failed.step, failed.error) == ("FAILED", "gold", "ValueError")
    assert failed.reason == "silver/A_hist is missing or empty"
    assert execution.of("B").status == "LOADED"
    assert retry_plan(execution.status()) == {"A": "gold"}


def test_a_currency_that_begins_later_has_no_earlier_step() -> None:
    execution = Execution(listed(A="silver", B="redshift"), *ENDED).wrote(
        "A", outcome("silver", A="SUCCEEDED"), outcome("gold", A="SUCCEEDED"), LOADED[2]
    )
    assert execution.of("B").status == "LOADED"
    assert [step.status for step in execution.of("B").steps] == ["PENDING", "PENDING", "SUCCEEDED"]


@pytest.mark.parametrize(
    "damaged", [None, [], "", {}, {"complete": True}, {"complete": True, "currencies": []}]
)
def test_a_missing_or_damaged_outcome_is_a_failure_at_that_step(damaged: Any) -> None:
    execution = Execution(A_B, *ENDED).wrote("A", *LOADED[:2], damaged)
    for ticker in ("A", "B"):
        found = execution.of(ticker)
        assert (found.status, found.step) == ("FAILED", "redshift")
        assert found.reason == "the run ended without an outcome for it"


def test_an_incomplete_outcome_never_counts_as_loaded() -> None:
    incomplete = outcome("redshift", False, A="SUCCEEDED", B="RUNNING")
    running = Execution(A_B).wrote("A", *LOADED[:2], incomplete)
    assert [running.of(t).status for t in "AB"] == ["RUNNING", "RUNNING"]
    ended = Execution(A_B, *ENDED).wrote("A", *LOADED[:2], incomplete)
    assert [ended.of(t).status for t in "AB"] == ["FAILED", "FAILED"]
    stopped = Execution(A_B, "ExecutionAborted").wrote("A", *LOADED[:2], incomplete)
    assert [stopped.of(t).status for t in "AB"] == ["ABORTED", "ABORTED"]
    assert retry_plan(stopped.status()) == {"A": "redshift", "B": "redshift"}


def test_a_run_that_dies_fails_its_group_and_names_what_it_hung_in() -> None:
    run = {"Id": "jr_9", "JobRunState": "TIMEOUT", "Timeout": 30}
    failure = {"step": "gold", "error": "States.TaskFailed", "cause": json.dumps(run), "ticker": "A"}
    execution = Execution(A_B, *ENDED).wrote(
        "A", LOADED[0], outcome("gold", False, A="SUCCEEDED", B="RUNNING"), failure=failure
    )
    for ticker in ("A", "B"):
        found = execution.of(ticker)
        assert (found.status, found.step, found.error) == ("FAILED", "gold", "States.TaskFailed")
        assert found.reason == (
            "the run of its group failed: the job run exceeded its limit of 30 minutes; it was working on B"
        )


def test_a_currency_that_failed_before_its_run_died_keeps_its_own_reason() -> None:
    failure = {"step": "silver", "error": "States.TaskFailed", "cause": "the worker was lost", "ticker": "A"}
    silver = outcome("silver", False, A="A/history.csv line 3 is not in the plain form", B="RUNNING")
    execution = Execution(A_B, *ENDED).wrote("A", silver, failure=failure)
    assert execution.of("A").reason == "A/history.csv line 3 is not in the plain form"
    assert execution.of("B").reason == "the run of its group failed: the worker was lost; it was working on B"


def test_refused_and_skipped_currencies_are_listed() -> None:
    currencies = CurrencyList(A_B.items, {"X": "its file is broken"}, ("Y",))
    execution = Execution(currencies, *ENDED).wrote("A", *LOADED)
    found = {currency.ticker: currency.status for currency in execution.status().currencies}
    assert found == {"A": "LOADED", "B": "LOADED", "X": "FAILED", "Y": "SKIPPED"}
    assert (execution.of("X").step, execution.of("X").reason) == ("check", "its file is broken")


def test_before_the_first_outcome_all_are_pending() -> None:
    assert [currency.status for currency in Execution(A_B).status().currencies] == ["PENDING", "PENDING"]


def test_the_status_of_ten_thousand_currencies_is_folded_incrementally() -> None:
    tickers = [f"C{number}" for number in range(10_000)]
    currencies = CurrencyList({ticker: Item(ticker, "", "") for ticker in tickers})
    execution = Execution(currencies)
    before = execution.status().currencies
    execution.wrote("C0", outcome("silver", C0="SUCCEEDED", C1="RUNNING"))
    after = execution.status().currencies
    assert [n for n in range(10_000) if after[n] is not before[n]] == [0, 1]
