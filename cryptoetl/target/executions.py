"""Executions: the contract, and what is known of an execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import Step

if TYPE_CHECKING:  # results.py needs this module
    from cryptoetl.state_machine.status import StepStatus


RecordStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "INTERRUPTED"]


@dataclass(frozen=True)
class Record:
    """An execution as far as it has come: how it stands, and the events after those already read."""

    name: str
    status: RecordStatus
    events: Sequence[Mapping[str, Any]]
    ended: datetime | None = None
    reason: str | None = None
    """Why it ended, where its events may not say so."""


@dataclass(frozen=True)
class Left:
    """A job run that goes on although its execution was stopped, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class LogLine:
    """A line of a job run's log; `time` is that of the line above it where it has none of its own."""

    time: datetime | None
    text: str


class LogReader(Protocol):
    """The log of one job run."""

    def read(self) -> Sequence[LogLine]:
        """The lines that have come since the last call, in order of time."""


class Executions(Protocol):
    """Running the deployed state machine, and the history of its executions."""

    def pauses(self) -> Iterator[float]:
        """Seconds to wait before each next look at an execution; endless."""

    def warm_up(self) -> None:
        """Begin whatever start-up takes long; returns at once."""

    def start(self, deployed: Bundle, input: Mapping[str, Any], *, fail: Mapping[str, Step]) -> str:
        """Start an execution of what is deployed and return its name. `fail` makes steps fail on purpose.

        Raises NotDeployedError if the state machine is not the one that was deployed, BusyError if another
        execution is running the same currencies.
        """

    def read(self, name: str, after: int) -> Record:
        """The execution with its events whose id is above `after`. Raises UsageError if it is unknown."""

    def names(self, limit: int) -> list[str]:
        """The latest executions, newest first, at most `limit`."""

    def interrupt(self, name: str) -> str:
        """What Ctrl-C does to a run that is being followed; returns what to tell the user."""

    def goes_on(self, name: str) -> str | None:
        """What to tell somebody who stops watching it; None if it does not outlive that."""

    def stop(self, name: str, reason: str) -> Sequence[Left]:
        """Stop the execution and every job run that it has started; returns those that could not be stopped.

        An execution that has ended already may have left job runs behind: they are stopped too.
        """

    def log(self, name: str, ticker: str, step: StepStatus) -> LogReader | None:
        """The log of a currency's step; None if the step has started no job run."""
