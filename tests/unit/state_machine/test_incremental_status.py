"""A status does not depend on when and how often it was computed before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoetl.local.step_functions.history import Event
from cryptoetl.state_machine.definition import Branch, execution_input, render
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import CurrencyStatus
from tests.unit.state_machine.histories import (
    ended_by,
    failing,
    fold,
    history,
    up_to,
)


def renumbered(events: list[Event], by: int) -> list[Event]:
    return [{**e, "id": e["id"] + by, "previousEventId": e["previousEventId"] + by} for e in events]


def redriven() -> list[Event]:
    """Return the history of an execution that failed in the cleaning and was redriven."""
    failed = history(failing(None, None))
    last = failed[-1]
    again = {**last, "id": last["id"] + 1, "previousEventId": last["id"], "type": "ExecutionRedriven"}
    return [*failed, again, *renumbered(history(failing("XMR", "gold"))[1:], last["id"] + 1)]


def caught_without_an_event_of_its_own() -> list[Event]:
    events = history(failing("BTC", "gold"))
    return [event for event in events if event["type"] not in ("TaskFailed", "TaskStateExited")]


def left_by_the_whole_machine() -> list[Event]:
    """Return a history in which the machine leaves a branch while its step is running."""
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
