"""The limits of AWS for as many currencies as a definition of 1 MB holds."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from heapq import heapify, heappop, heappush
from typing import Any

from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter, Outcome, TaskFailed
from cryptoetl.local.step_functions.parser import parse
from cryptoetl.local.step_functions.states_language import Task
from cryptoetl.state_machine.definition import (
    SIZE_LIMIT,
    Branch,
    branch_of,
    execution_input,
    render,
    size,
    tickers,
)
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import retry_plan

PAYLOAD_LIMIT = 256 * 1024
HISTORY_LIMIT = 25_000


@cache
def largest() -> dict[str, Any]:
    branches = [Branch(f"CURRENCY_{number:06}") for number in range(500)]
    fitting = len(branches)
    while size(machine := render("crypto", branches[:fitting])) > SIZE_LIMIT:
        fitting -= max(1, (size(machine) - SIZE_LIMIT) // 4000)
    return machine


def run(failing: set[str]) -> tuple[Outcome, list[Event]]:
    """Every currency from silver; the failing ones fail at redshift, with a cause of 3 KB."""

    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        job_run = {"Id": "jr_" + "0" * 64, "JobName": job_name, "Arguments": dict(arguments)}
        if job_name == "crypto-redshift-upload" and arguments["--TICKER"] in failing:
            message = "ValueError: " + "no such table " * 210
            job_run |= {"JobRunState": "FAILED", "ErrorMessage": message}
            raise TaskFailed("States.TaskFailed", json.dumps(job_run))
        return job_run | {"JobRunState": "SUCCEEDED"}

    events: list[Event] = []
    interpreter = Interpreter(
        largest(),
        run_job=run_job,
        record=events.append,
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        sleep=lambda seconds: None,
        random=lambda: 0.0,
    )
    return interpreter.run(execution_input(dict.fromkeys(tickers(largest()), "silver"))), events


def largest_payload(events: list[Event]) -> int:
    return max(
        len(text.encode())
        for event in events
        for details in event.values()
        if isinstance(details, dict)
        for text in details.values()
        if isinstance(text, str)
    )


def test_at_least_250_currencies_fit_into_one_machine() -> None:
    assert len(tickers(largest())) >= 250


def test_when_every_currency_fails_with_a_long_cause_the_result_is_still_readable() -> None:
    everyone = tickers(largest())
    outcome, events = run(set(everyone))
    assert (outcome.status, outcome.error) == ("FAILED", "PipelineFailure")
    assert largest_payload(events) < PAYLOAD_LIMIT / 4
    # 24 events per branch, and 17 others.
    assert len(events) == 24 * len(everyone) + 17 < HISTORY_LIMIT / 3
    fold = Fold("largest")
    for event in events:
        fold.add(event)
    status = fold.status()
    assert [currency.ticker for currency in status.currencies] == everyone
    for currency in status.currencies:
        assert (currency.status, currency.step) == ("FAILED", "redshift")
        assert currency.reason is not None
        assert currency.reason.startswith("no such table no such table")
        assert len(currency.reason) <= 500
    assert retry_plan(status) == dict.fromkeys(everyone, "redshift")


def test_when_all_but_one_fail_the_output_holds_a_record_of_each_within_the_payload_limit() -> None:
    everyone = tickers(largest())
    outcome, _ = run(set(everyone[1:]))
    assert outcome.status == "SUCCEEDED"
    assert len(outcome.output) == len(everyone)
    assert len(json.dumps(outcome.output).encode()) < PAYLOAD_LIMIT / 4


def test_fifty_currencies_that_share_five_runs_all_get_their_turn() -> None:
    branch = parse(branch_of(render("crypto", [Branch("BTC")]), "BTC"))
    task = branch.states["BTC to silver"]
    assert isinstance(task, Task)
    (retrier,) = task.retry
    for seed in range(20):
        chance = random.Random(seed)
        attempts = 0
        # (time, ends before it starts, number of the attempt) of 50 currencies, two minutes for each job run
        agenda = [(0.0, 1, 0)] * 50
        heapify(agenda)
        running = 0
        while agenda:
            time, starts, attempt = heappop(agenda)
            if not starts:
                running -= 1
                continue
            attempts += 1
            if running < 5:
                running += 1
                heappush(agenda, (time + 120, 0, 0))
            else:
                assert attempt < retrier.attempts
                heappush(agenda, (time + retrier.delay(attempt, chance.random()), 1, attempt + 1))
        # An attempt that is refused leaves three events; what is left is for gold and redshift.
        assert attempts * 3 < HISTORY_LIMIT / 6
