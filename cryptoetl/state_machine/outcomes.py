"""What became of each currency of an execution of groups, from the outcomes that its scripts wrote.

A script writes one outcome per group and step: which currencies it worked on, and how each ended. A run that
dies leaves an outcome that is not `complete`; Step Functions then notes the failure of the whole group. What
is missing or damaged counts as a failure at that step: a currency is loaded only if a complete outcome of the
last step says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

from cryptoetl.state_machine.causes import readable, unwrapped
from cryptoetl.state_machine.definition import STEPS, Step
from cryptoetl.state_machine.groups import CurrencyList
from cryptoetl.state_machine.status import Progress, StepStatus
from cryptoetl.state_machine.steps import field
from cryptoetl.util.text import parse_json

FAILURES = "failures"
"""The folder of the notes of failed runs, beside those of the steps."""

SUMMARY = "summary.json"
"""The object with all outcomes and failures, after the execution's last step."""

NO_OUTCOME = "the run ended without an outcome for it"
_PROGRESS: Mapping[object, Progress] = {
    "PENDING": "PENDING",
    "RUNNING": "RUNNING",
    "SUCCEEDED": "SUCCEEDED",
    "FAILED": "FAILED",
}


@dataclass(frozen=True)
class GroupRecord:
    """The list of an execution, and its outcomes and failures by the first ticker of their group.

    `outcomes` and `failures` are those that are new since the last read, as parsed JSON; anything else but an
    object is damaged.
    """

    currencies: CurrencyList
    size: int
    outcomes: Mapping[tuple[Step, str], Any] = dataclass_field(default_factory=dict)
    failures: Mapping[str, Any] = dataclass_field(default_factory=dict)


def of_summary(summary: object) -> tuple[dict[tuple[Step, str], Any], dict[str, Any]]:
    """Return the outcomes and failures of a summary, as in a `GroupRecord`, without what is damaged."""
    outcomes: dict[tuple[Step, str], Any] = {}
    for document in _list(summary, "outcomes"):
        step, first = _text(document, "step"), _text(document, "group")
        if first is not None and (known := next((s for s in STEPS if s == step), None)) is not None:
            outcomes[known, first] = document
    failures = {_text(note, "ticker"): note for note in _list(summary, "failures")}
    return outcomes, {first: note for first, note in failures.items() if first is not None}


def _list(data: object, key: str) -> list[Any]:
    found = field(data, key)
    return found if isinstance(found, list) else []


class GroupOutcomes:
    """The outcomes of an execution so far."""

    def __init__(self, currencies: CurrencyList, size: int) -> None:
        self.currencies = currencies
        self._group: dict[str, list[str]] = {
            ticker: group for group in currencies.groups(size) for ticker in group
        }
        self._outcomes: dict[tuple[Step, str], Any] = {}
        self._failures: dict[str, Any] = {}

    def add(self, record: GroupRecord) -> Iterator[str]:
        """Add what is new, and yield the tickers that it concerns."""
        self._outcomes |= record.outcomes
        self._failures |= record.failures
        for first in dict.fromkeys([*(first for _, first in record.outcomes), *record.failures]):
            yield from self._group.get(first, ())

    def group_of(self, ticker: str) -> str | None:
        """Return the name of a currency's group, its first ticker; None if the execution leaves it out."""
        return self._group[ticker][0] if ticker in self._group else None

    def died(self, group: str, step: Step, *, ended: bool) -> bool:
        """Return whether the run of a whole group failed at this step, or was cut off if all have `ended`."""
        noted = _text(self._failures.get(group), "step") == step
        return noted or (ended and not _complete(self._outcomes.get((step, group))))

    def steps(self, ticker: str, *, ended: bool) -> tuple[StepStatus, ...]:
        """Return the steps of a currency; if all groups have `ended`, what has no outcome has failed."""
        begins = STEPS.index(self.currencies.items[ticker].begins)
        first = self._group[ticker][0]
        failure = self._failures.get(first)
        steps = [StepStatus(step) for step in STEPS]
        for number, step in enumerate(STEPS[begins:], begins):
            found = self._outcomes.get((step, first))
            status = _step(step, ticker, found)
            if failure is not None and _text(failure, "step") == step:
                status = _failed_with_its_run(status, failure, found)
            elif ended and status.status in ("PENDING", "RUNNING"):
                status = replace(status, status="FAILED", reason=_left_behind(status))
            steps[number] = status
            if status.status != "SUCCEEDED":
                break
        return tuple(steps)


def _step(step: Step, ticker: str, outcome: object) -> StepStatus:
    """Return the step as an outcome describes it, which may be missing or damaged."""
    entry = field(field(outcome, "currencies"), ticker)
    run = _text(outcome, "job_run")
    status = _PROGRESS.get(field(entry, "status"), "PENDING")
    reason = _text(entry, "reason")
    if status == "PENDING" and _complete(outcome):
        status, reason = "FAILED", NO_OUTCOME
    elif status == "SUCCEEDED" and not _complete(outcome):
        status = "RUNNING"  # if the run dies, its whole group fails
    return StepStatus(
        step,
        status,
        started=_time(entry, "started"),
        ended=_time(entry, "ended"),
        job_run_id=run,
        error=_text(entry, "error"),
        reason=readable(reason) if reason else None,
        cause=reason if reason and readable(reason) != reason else None,
    )


def _failed_with_its_run(status: StepStatus, failure: object, outcome: object) -> StepStatus:
    """Return a step as failed because the run of its whole group failed."""
    if status.status == "FAILED":  # on its own, before the run ended
        return status
    cause = _text(failure, "cause") or ""
    reason = readable(cause) or _text(failure, "error") or "the run failed"
    if hung := _running(outcome):
        reason += f"; it was working on {', '.join(hung)}"
    text = unwrapped(cause)
    return replace(
        status,
        status="FAILED",
        error=_text(failure, "error"),
        reason=f"the run of its group failed: {reason}",
        cause=text if text and text != reason else None,
        job_run_id=status.job_run_id or _text(parse_json(cause), "Id"),
    )


def _left_behind(status: StepStatus) -> str:
    return "the run ended while it was working on it" if status.status == "RUNNING" else NO_OUTCOME


def _running(outcome: object) -> Sequence[str]:
    entries = field(outcome, "currencies")
    if not isinstance(entries, Mapping):
        return ()
    return [ticker for ticker, entry in entries.items() if field(entry, "status") == "RUNNING"]


def _complete(outcome: object) -> bool:
    return field(outcome, "complete") is True


def _text(data: object, key: str) -> str | None:
    value = field(data, key)
    return value if isinstance(value, str) and value else None


def _time(data: object, key: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_text(data, key) or "")
    except ValueError:
        return None
