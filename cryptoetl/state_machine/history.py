"""Fold the events of an execution's history into its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from cryptoetl.state_machine.causes import readable as readable
from cryptoetl.state_machine.causes import unwrapped
from cryptoetl.state_machine.definition import (
    CLEAN,
    EVERY_CURRENCY,
    RETRIED_ERRORS,
    STEPS,
    Step,
    parse_state_name,
    state_name,
)
from cryptoetl.state_machine.status import (
    CurrencyProgress,
    CurrencyStatus,
    ExecutionProgress,
    ExecutionStatus,
    Stage,
    StepStatus,
)
from cryptoetl.util.text import parse_json

MINIMUM_SECONDS = 60
"""Glue bills a minute at least (AWS Glue pricing)."""


_ENDS: Mapping[str, ExecutionProgress] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}


_FAILURES: Mapping[str, str] = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
    "TaskStartFailed": "taskStartFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
}


class _Whole(NamedTuple):
    """What the status of every currency depends on, beside its own events and the input."""

    cut_off: bool
    ended: datetime | None
    """When the execution was cut off; None if it was not."""
    joined: bool
    not_cleaned: StepStatus | None
    """The cleaning, if it failed."""


class Fold:
    """Gathers the events of one execution. `tickers`, where known, gives the order of the currencies.

    A currency without news is the same object in one status and in the next.
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
        self._whole: _Whole | None = None
        """What `_currencies` were computed with; None if the input came after that."""

    @property
    def last(self) -> int:
        """The id of the latest event; 0 before the first."""
        return next(reversed(self._states), 0)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in the next event."""
        type: str = event["type"]
        time: datetime = event["timestamp"]
        came_from = self._states.get(event.get("previousEventId", 0))
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
        # Only Entered and Exited events name their state; the others follow from one that does.
        state: str | None = details.get("name", came_from)
        self._states[event["id"]] = state

        if type == "ExecutionStarted":
            self._started = time
            self._begin(parse_json(event.get("executionStartedEventDetails", {}).get("input")))
        elif type in _ENDS:
            self._end(_ENDS[type], time, event)
        elif type == "ExecutionRedriven":  # an execution that failed goes on where it did
            self._status, self._ended, self._error, self._reason = "RUNNING", None, None, None
        elif type == "ParallelStateSucceeded":
            self._joined = True
        elif state == EVERY_CURRENCY and type == "PassStateExited":
            self._begin(parse_json(details.get("output")))
        elif state is not None:
            self._advance(state, came_from, type, time, event)

    def _begin(self, input: Any) -> None:
        if not isinstance(input, Mapping):
            return
        self._whole = None
        if isinstance(tickers := input.get("tickers"), Mapping):
            self._start = {ticker: _begins(entry) for ticker, entry in tickers.items()}
        if isinstance(refused := input.get("refused"), Mapping):
            self._refused = {ticker: str(_get(entry, "reason")) for ticker, entry in refused.items()}

    def _end(self, status: ExecutionProgress, time: datetime, event: Mapping[str, Any]) -> None:
        self._status, self._ended = status, time
        for key in (
            "executionFailedEventDetails",
            "executionTimedOutEventDetails",
            "executionAbortedEventDetails",
        ):
            if details := event.get(key):
                self._error, self._reason = details.get("error"), readable(details.get("cause") or "") or None

    def _advance(
        self, state: str, came_from: str | None, type: str, time: datetime, event: Mapping[str, Any]
    ) -> None:
        """A state outside the branches is of no interest, but for the cleaning."""
        ticker, role = parse_state_name(state) or (None, "clean" if state == CLEAN else None)
        if ticker is not None:
            self._seen.add(ticker)
            self._changed.add(ticker)
        if role == "skipped" and ticker is not None:
            self._skipped.add(ticker)
        if type.endswith("StateEntered") and came_from in self._steps:
            self._left(came_from, time, event["stateEnteredEventDetails"])
        if role in STEPS or role == "clean":
            step = self._steps.get(state) or StepStatus(role)
            self._steps[state] = _step(step, type, time, event)

    def _left(self, state: str, time: datetime, entered: Mapping[str, Any]) -> None:
        """The execution goes on after a step: caught, if the step did not succeed."""
        step = self._steps[state]
        if step.status == "RUNNING":  # its retries are used up, or it failed without an event of its own
            input = parse_json(entered.get("input"))
            caught = _get(input, "failure") or input
            cause = _get(caught, "Cause") or ""
            error = step.error or _get(caught, "Error")
            self._steps[state] = _failed(step, time, error, cause, step.reason)
            if (named := parse_state_name(state)) is not None:
                self._changed.add(named[0])

    def status(
        self,
        recorded: ExecutionProgress = "RUNNING",
        ended: datetime | None = None,
        reason: str | None = None,
    ) -> ExecutionStatus:
        """The execution so far.

        The arguments are what else is known of it: that it was interrupted is in no event.
        """
        # A local run that is interrupted has the time to write that it was aborted.
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
            self._name, status, self._started, ended, currencies, clean, self._error, reason
        )

    def _update(self, whole: _Whole) -> None:
        """Compute the currencies that have news again, and all of them if the whole has changed."""
        known = self._currencies if whole == self._whole else {}
        if known and self._changed <= known.keys():
            for ticker in self._changed:
                known[ticker] = self._currency(ticker, whole)
        else:  # all, or one that is not in the input: it has its place in the order
            self._currencies = {
                ticker: known[ticker]
                if ticker in known and ticker not in self._changed
                else self._currency(ticker, whole)
                for ticker in self._all_tickers()
            }
        self._changed.clear()
        self._whole = whole

    def _all_tickers(self) -> list[str]:
        known = [*self._tickers, *(self._start or ()), *self._refused, *sorted(self._seen)]
        return list(dict.fromkeys(known))

    def _currency(self, ticker: str, whole: _Whole) -> CurrencyStatus:
        steps = [self._steps.get(state_name(ticker, step)) or StepStatus(step) for step in STEPS]
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
            reason = f"not started, because the cleaning before it failed: {clean.reason or clean.error}"
        elif whole.joined and ticker not in self._seen:
            status, at, reason = "FAILED", begins, "the deployed state machine has no branch for it"
        elif whole.cut_off:
            status, at, reason = "ABORTED", _where(steps, begins), "the execution ended before it"
        elif ticker in self._seen:
            status, at = "RUNNING", _where(steps, begins)
        else:
            status = "PENDING"
        over = status not in ("PENDING", "RUNNING")
        return CurrencyStatus(
            ticker,
            status,
            at,
            error,
            reason,
            tuple(steps),
            begins,
            min((step.started for step in steps if step.started), default=None),
            max((step.ended for step in steps if step.ended), default=None) if over else None,
        )


def _step(step: StepStatus, type: str, time: datetime, event: Mapping[str, Any]) -> StepStatus:
    """The step after an event of its state."""
    if type == "TaskStateEntered":
        return replace(step, status="RUNNING", started=time)
    if type == "TaskScheduled" and step.error is not None:
        return replace(step, status="RUNNING", ended=None, retries=step.retries + 1, error=None, reason=None)
    if type == "TaskSubmitted":
        submitted = parse_json(event.get("taskSubmittedEventDetails", {}).get("output"))
        return replace(step, job_run_id=_get(submitted, "JobRunId") or step.job_run_id)
    if type == "TaskSucceeded":
        output = event.get("taskSucceededEventDetails", {}).get("output") or ""
        run = parse_json(output)
        step = replace(step, dpu_seconds=_dpu_seconds(run))
        if (_get(run, "JobRunState") or "SUCCEEDED") != "SUCCEEDED":  # stopped by hand
            return _failed(step, time, "States.TaskFailed", output)
        return replace(step, status="SUCCEEDED", ended=time)
    if type in _FAILURES:
        details = event.get(_FAILURES[type], {})
        error, cause = details.get("error") or "States.TaskFailed", details.get("cause") or ""
        run = parse_json(cause)
        step = replace(step, job_run_id=_get(run, "Id") or step.job_run_id, dpu_seconds=_dpu_seconds(run))
        if error in RETRIED_ERRORS:  # it may be tried again; else the state's exit follows
            return replace(step, error=error, reason=readable(cause) or error)
        return _failed(step, time, error, cause)
    if type == "TaskStateExited" and step.status == "RUNNING" and step.error is not None:
        return replace(step, status="FAILED", ended=time)
    return step


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


def _dpu_seconds(job_run: Any) -> float | None:
    """What a run is billed by; Glue reports `DPUSeconds` for Flex and auto-scaled runs (Glue API, JobRun)."""
    reported = _get(job_run, "DPUSeconds")
    capacity, seconds = _get(job_run, "MaxCapacity"), _get(job_run, "ExecutionTime")
    if isinstance(reported, int | float):
        return float(reported)
    if isinstance(capacity, int | float) and isinstance(seconds, int | float):
        return float(capacity * max(seconds, MINIMUM_SECONDS))
    return None


def _where(steps: Sequence[StepStatus], begins: Step) -> Stage:
    """The step a currency is in: the one after the last that succeeded."""
    unfinished = (step.step for step in steps[STEPS.index(begins) :] if step.status != "SUCCEEDED")
    return next(unfinished, STEPS[-1])


def _begins(entry: Any) -> Step:
    """As the branch's entry decides: anything but a later step is silver."""
    match _get(entry, "from"):
        case "gold":
            return "gold"
        case "redshift":
            return "redshift"
        case _:
            return "silver"


def _get(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, Mapping) else None
