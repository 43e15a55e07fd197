"""Executions: the contract, and the data that describes an execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.groups import Start
from cryptoetl.state_machine.outcomes import GroupRecord

if TYPE_CHECKING:
    from cryptoetl.state_machine.status import StepStatus


RecordStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "INTERRUPTED"]


@dataclass(frozen=True)
class Record:
    """The status of an execution, and its events after those already read."""

    name: str
    status: RecordStatus
    events: Sequence[Mapping[str, Any]]
    ended: datetime | None = None
    reason: str | None = None
    """Why it ended, where its events may not contain that."""
    groups: GroupRecord | None = None
    """What an execution of groups has written since the events already read."""

    @property
    def changed(self) -> bool:
        """Return whether the record has anything new."""
        written = self.groups is not None and bool(self.groups.outcomes or self.groups.failures)
        return bool(self.events) or written


@dataclass(frozen=True)
class StillRunning:
    """A job run that could not be stopped with its execution, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class LogLine:
    """A line of a job run's log. A line without a time of its own has that of the line before it."""

    time: datetime | None
    text: str


class LogReader(Protocol):
    """The log of one job run."""

    def read(self) -> Sequence[LogLine]:
        """Return the lines since the last call, in order of time."""


class Executions(Protocol):
    """Runs the deployed state machine and reads the history of its executions."""

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait between two polls of an execution, endlessly."""

    def warm_up(self) -> None:
        """Begin a slow start-up in the background; return at once."""

    def start(self, deployed: Bundle, start: Start, *, fail: Mapping[str, Step]) -> str:
        """Start an execution of the deployed state machine and return its name.

        `fail` makes steps of currencies fail on purpose, where the target supports that. Raises
        NotDeployedError if the state machine is not the one that was deployed, BusyError if another execution
        runs the same currencies.
        """

    def read(self, name: str, after: int) -> Record:
        """Return the execution with its events above the id `after`. Raises UsageError if it is unknown."""

    def names(self, limit: int) -> list[str]:
        """Return the names of the latest executions, newest first, at most `limit`."""

    def interrupt(self, name: str) -> str:
        """Handle Ctrl-C while the execution is followed; return a message for the user."""

    def background_hint(self, name: str) -> str | None:
        """Return how to follow an execution that outlives this process; None if it does not."""

    def stop(self, name: str, reason: str) -> Sequence[StillRunning]:
        """Stop the execution and every job run that it has started; return those that could not be stopped.

        Job runs of an execution that has already ended are stopped, too.
        """

    def log(self, name: str, ticker: str, step: StepStatus) -> LogReader | None:
        """Return the log of a currency's step, or of the cleaning; None if it has started no job run.

        The log of a currency in a group is that of the group, whose name, its first ticker, is the `ticker`.
        """
