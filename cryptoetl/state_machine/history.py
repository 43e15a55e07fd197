"""Fold the events of an execution's history into its status.

One fold serves both targets. It takes events as boto3's `get_execution_history` returns them, with times as
datetime and in the order of their ids. The status follows from what the job runs did, not from the records
that the branches return: those leave out causes, and an execution that was stopped has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from cryptoetl.state_machine.causes import readable
from cryptoetl.state_machine.definition import (
    CLEAN,
    EVERY_CURRENCY,
    STEPS,
    Step,
    parse_state_name,
    state_name,
)
from cryptoetl.state_machine.outcomes import GroupOutcomes, GroupRecord
from cryptoetl.state_machine.status import (
    CurrencyProgress,
    CurrencyStatus,
    ExecutionProgress,
    ExecutionStatus,
    Stage,
    StepStatus,
)
from cryptoetl.state_machine.steps import advance, caught, field
from cryptoetl.util.text import parse_json

_ENDS: Mapping[str, ExecutionProgress] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}


class _Whole(NamedTuple):
    """What the status of every currency depends on, apart from its own events and the input."""

    cut_off: bool
    ended: datetime | None
    """When the execution was cut off; None if it was not."""
    joined: bool
    not_cleaned: StepStatus | None
    """The cleaning, if it failed."""


class Fold:
    """The events of one execution so far. `tickers`, where known, gives the order of the currencies.

    `status` may be called after each event: it computes only the currencies that have had events since the
    last call, and returns the same object for the others.
    """

    def __init__(self, name: str, tickers: Sequence[str] = ()) -> None:
        self._name = name
        self._tickers = tuple(tickers)
        self._start: dict[str, Step] | None = None
        self._refused: dict[str, str] = {}
        self._states: dict[int, str | None] = {}
        self._steps: dict[str, StepStatus] = {CLEAN: StepStatus("clean")}
        self._seen: set[str] = set()
        self._skipped: set[str] = set()
        self._joined = False
        self._status: ExecutionProgress = "RUNNING"
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._error: str | None = None
        self._reason: str | None = None
        self._currencies: dict[str, CurrencyStatus] = {}
        self._changed: set[str] = set()
        self._groups: GroupOutcomes | None = None
        self._whole: _Whole | None = None
        """What `_currencies` were computed with; None if the input has changed since."""

    @property
    def last(self) -> int:
        """The id of the latest event; 0 before the first."""
        return next(reversed(self._states), 0)

    def add(self, event: Mapping[str, Any]) -> None:
        """Add the next event."""
        event_type: str = event["type"]
        came_from = self._states.get(event.get("previousEventId", 0))
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
        # Only Entered and Exited events name their state; the others follow from one that does.
        state: str | None = details.get("name", came_from)
        self._states[event["id"]] = state

        if event_type == "ExecutionStarted":
            self._started = event["timestamp"]
            self._begin(parse_json(event.get("executionStartedEventDetails", {}).get("input")))
        elif event_type in _ENDS:
            self._end(_ENDS[event_type], event)
        elif event_type == "ExecutionRedriven":  # a failed execution continues where it failed
            self._status, self._ended, self._error, self._reason = "RUNNING", None, None, None
        elif event_type in ("ParallelStateSucceeded", "MapRunSucceeded"):
            self._joined = True
        elif state == EVERY_CURRENCY and event_type == "PassStateExited":
            self._begin(parse_json(details.get("output")))
        elif state is not None:
            self._advance(state, came_from, event)

    def add_groups(self, record: GroupRecord) -> None:
        """Add what an execution of groups has written since the last call."""
        if self._groups is None:
            listed = record.currencies
            self._groups = GroupOutcomes(listed, record.size)
            self._start = {ticker: item.begins for ticker, item in listed.items.items()}
            self._refused = dict(listed.refused)
            self._skipped = set(listed.skipped)
            self._whole = None
        changed = list(self._groups.add(record))
        self._seen.update(changed)
        self._changed.update(changed)

    @property
    def groups(self) -> GroupOutcomes | None:
        """The outcomes of an execution of groups so far; None if each currency has a branch."""
        return self._groups

    @property
    def ended(self) -> bool:
        """Whether the events include the end of the execution."""
        return self._status != "RUNNING"

    def _begin(self, input_data: object) -> None:
        if not isinstance(input_data, Mapping):
            return
        self._whole = None
        if isinstance(tickers := input_data.get("tickers"), Mapping):
            self._start = {ticker: _begins(entry) for ticker, entry in tickers.items()}
        if isinstance(refused := input_data.get("refused"), Mapping):
            self._refused = {ticker: str(field(entry, "reason")) for ticker, entry in refused.items()}

    def _end(self, status: ExecutionProgress, event: Mapping[str, Any]) -> None:
        self._status, self._ended = status, event["timestamp"]
        for key in (
            "executionFailedEventDetails",
            "executionTimedOutEventDetails",
            "executionAbortedEventDetails",
        ):
            if details := event.get(key):
                self._error, self._reason = details.get("error"), readable(details.get("cause") or "") or None

    def _advance(self, state: str, came_from: str | None, event: Mapping[str, Any]) -> None:
        """Apply an event of a branch's state or of the cleaning; other states have no status of their own."""
        ticker, role = parse_state_name(state) or (None, "clean" if state == CLEAN else None)
        if ticker is not None:
            self._seen.add(ticker)
            self._changed.add(ticker)
        if role == "skipped" and ticker is not None:
            self._skipped.add(ticker)
        if event["type"].endswith("StateEntered") and came_from in self._steps:
            self._leave(came_from, event)
        if role in STEPS or role == "clean":
            step = self._steps.get(state) or StepStatus(role)
            self._steps[state] = advance(step, event)

    def _leave(self, state: str, entered: Mapping[str, Any]) -> None:
        """Fail a step that is still running when the next state is entered: its Catch led there."""
        step = self._steps[state]
        if step.status == "RUNNING":
            state_input = entered["stateEnteredEventDetails"].get("input")
            self._steps[state] = caught(step, entered["timestamp"], state_input)
            if (named := parse_state_name(state)) is not None:
                self._changed.add(named[0])

    def status(
        self,
        recorded: ExecutionProgress = "RUNNING",
        ended: datetime | None = None,
        reason: str | None = None,
    ) -> ExecutionStatus:
        """Return the status of the execution so far.

        The arguments are what its record says: no event says that an execution was interrupted.
        """
        # An interrupted local run may still have written that it was aborted.
        known = self._status not in ("RUNNING", "ABORTED") or recorded == "RUNNING"
        status = self._status if known else recorded
        ended = self._ended or ended
        reason = reason or self._reason
        if status == "INTERRUPTED" and reason is None:
            reason = "the process that ran the execution ended before it"
        clean = self._steps[CLEAN]
        cut_off = status not in ("RUNNING", "SUCCEEDED")
        if cut_off and clean.status == "RUNNING":
            clean = replace(clean, status="ABORTED", ended=ended)
        not_cleaned = clean if clean.status == "FAILED" else None
        self._update(_Whole(cut_off, ended if cut_off else None, self._joined, not_cleaned))
        currencies = tuple(self._currencies.values())
        return ExecutionStatus(
            name=self._name,
            status=status,
            started=self._started,
            ended=ended,
            currencies=currencies,
            clean=clean,
            error=self._error,
            reason=reason,
        )

    def _update(self, whole: _Whole) -> None:
        """Recompute the currencies that have had events, or all of them if `whole` has changed."""
        known = self._currencies if whole == self._whole else {}
        if known and self._changed <= known.keys():
            for ticker in self._changed:
                known[ticker] = self._currency(ticker, whole)
        else:  # a currency that is not in the input has a place of its own in the order
            self._currencies = {
                ticker: known[ticker]
                if ticker in known and ticker not in self._changed
                else self._currency(ticker, whole)
                for ticker in self._all_tickers()
            }
        self._changed.clear()
        self._whole = whole

    def _all_tickers(self) -> list[str]:
        others = sorted(self._seen | self._skipped)
        known = [*self._tickers, *(self._start or ()), *self._refused, *others]
        return list(dict.fromkeys(known))

    def _currency(self, ticker: str, whole: _Whole) -> CurrencyStatus:
        steps = self._steps_of(ticker, whole)
        if whole.cut_off:
            steps = [
                replace(step, status="ABORTED", ended=whole.ended) if step.status == "RUNNING" else step
                for step in steps
            ]
        begins = (self._start or {}).get(ticker, "silver")
        status: CurrencyProgress
        at: Stage | None = None
        error = reason = None
        left_out = ticker in self._skipped or (self._start is not None and ticker not in self._start)
        if ticker in self._refused and left_out:
            status, at, reason = "FAILED", "check", self._refused[ticker]
        elif failed := next((step for step in steps if step.status == "FAILED"), None):
            status, at, error, reason = "FAILED", failed.step, failed.error, failed.reason
        elif steps[-1].status == "SUCCEEDED":
            status = "LOADED"
        elif left_out:
            status = "SKIPPED"
        elif (clean := whole.not_cleaned) is not None:
            status, at, error = "FAILED", "clean", clean.error
            reason = f"not started, because the cleaning failed: {clean.reason or clean.error}"
        elif whole.joined and ticker not in self._seen:
            status, at, reason = "FAILED", begins, "the deployed state machine has no branch for it"
        elif whole.cut_off:
            status, at, reason = "ABORTED", _current(steps, begins), "the execution ended before it"
        elif ticker in self._seen:
            status, at = "RUNNING", _current(steps, begins)
        else:
            status = "PENDING"
        over = status not in ("PENDING", "RUNNING")
        return CurrencyStatus(
            ticker=ticker,
            status=status,
            step=at,
            error=error,
            reason=reason,
            steps=tuple(steps),
            begins=begins,
            started=min((step.started for step in steps if step.started), default=None),
            ended=max((step.ended for step in steps if step.ended), default=None) if over else None,
        )

    def _steps_of(self, ticker: str, whole: _Whole) -> list[StepStatus]:
        if self._groups is None:
            return [self._steps.get(state_name(ticker, step)) or StepStatus(step) for step in STEPS]
        if ticker not in self._groups.currencies.items:
            return [StepStatus(step) for step in STEPS]
        return list(self._groups.steps(ticker, ended=whole.joined))


def _current(statuses: Sequence[StepStatus], begins: Step) -> Stage:
    """Return the step that a currency is in: the one after the last that succeeded."""
    unfinished = (step.step for step in statuses[STEPS.index(begins) :] if step.status != "SUCCEEDED")
    return next(unfinished, STEPS[-1])


def _begins(entry: object) -> Step:
    """Return where the branch's entry leads: to silver for anything but a later step."""
    match field(entry, "from"):
        case "gold":
            return "gold"
        case "redshift":
            return "redshift"
        case _:
            return "silver"
