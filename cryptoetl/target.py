"""The Target: where a pipeline lives, as four narrow Protocols that `pipeline` needs and no more.

`local` and `aws` implement them, room by room: storage.py, deployment.py, executions.py, warehouse.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cryptoetl.bundle import Bundle, Change, Layout
from cryptoetl.config import TargetName
from cryptoetl.errors import EnvironmentFault
from cryptoetl.state_machine import Step

if TYPE_CHECKING:  # results.py needs this module
    from cryptoetl.results import Observe, Removal
    from cryptoetl.review import Review
    from cryptoetl.status import StepStatus

QUERY_SECONDS = 300.0
"""After which a statement is ended where nothing else is said."""

RecordStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "INTERRUPTED"]


@dataclass(frozen=True)
class StoredFile:
    """A stored file as a listing knows it; `md5` is None where the listing does not tell it."""

    size: int
    md5: str | None = None


class Storage(Protocol):
    """The raw files (bronze), by key. Several threads may use it."""

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Which of the keys have a file, with few calls."""

    def sha256(self, key: str) -> str | None:
        """SHA-256 of the stored file in hexadecimal; None if it is not known, or if there is no file."""

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        name: str | None = None,
    ) -> None:
        """Store the file whole or not at all; `on_bytes` receives the size of each part as it is written.

        `sha256` is of the file that is meant. Raises EnvironmentFault, and stores nothing, if it has changed.
        `name`, the file's own, is kept beside it.
        """

    def location(self, key: str) -> str:
        """Where the file is, for people."""


def changed_meanwhile(source: Path) -> EnvironmentFault:
    """Return the error for a file that is no longer the one that was checked."""
    return EnvironmentFault(
        f"{source} was changed while it was being uploaded; what was stored before stays",
        hint="Run the same command again when nothing writes to it.",
    )


class Deployment(Protocol):
    """The state machine, its jobs and their scripts."""

    def layout(self) -> Layout:
        """Where this target keeps the data; on AWS with CloudFormation's names for account and region."""

    def current(self) -> Bundle | None:
        """What is deployed now."""

    def join(self, observe: Observe) -> None:
        """Follow a deploy that is under way, begun elsewhere or before an interruption, to its end."""

    def changes(self, bundle: Bundle) -> tuple[Change, ...]:
        """What has to happen for it to be deployed; empty if nothing."""

    def review(self, bundle: Bundle, changes: Sequence[Change], *, drift: bool) -> Review | None:
        """What else to know before these changes: concerns, predictions, costs. Changes nothing."""

    def apply(self, bundle: Bundle, observe: Observe, *, allow_data_removal: bool) -> None:
        """Deploy it as a whole, or leave everything as it was. Raises DeployError."""

    def removal(self, *, delete_data: bool) -> Removal:
        """What `remove` would take down, and what it would leave."""

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Take it down. What is gone already is no error."""

    def location(self) -> str:
        """Where it is, for people."""


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


@dataclass(frozen=True)
class TableFacts:
    """What identifies a table's content; the same figures are taken of gold and of the warehouse."""

    rows: int
    first: date | None
    last: date | None
    prices: int
    price_sum: float | None
    pricema_sum: float | None
    trends: int
    trend_sum: int | None
    trend_i_sum: float | None
    days: int | None = None
    """Different dates; as many as rows, or a date is there twice."""
    pricemas: int | None = None
    trend_is: int | None = None
    price_min: float | None = None
    price_max: float | None = None
    trend_min: int | None = None
    trend_max: int | None = None
    price_by_day: float | None = None
    """Sum of price times the day's number: values that changed places leave every other figure as it was."""
    trend_by_day: float | None = None
    columns: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """Names and types, in order; empty for gold."""


@dataclass(frozen=True)
class QueryRows:
    """The result of a statement: column names, and rows of Python values. `more` if it was cut."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    types: tuple[str, ...] = ()
    """The warehouse's names of the columns' types."""


class Tables(Protocol):
    """The warehouse while it is being looked at."""

    def gold(self, ticker: str) -> TableFacts | None:
        """Return the facts of the currency's gold set; None if it is missing. Raises DamagedState."""

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        """Those of the named tables that are in the pipeline's schema, by name.

        A table that lacks one of the columns has its rows and columns told, and nothing else.
        """


class Warehouse(Protocol):
    """The tables that analysts read."""

    def reading(self) -> AbstractContextManager[Tables]:
        """Open it for a look at many tables. Raises BusyError."""

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        """Run one read-only statement and return at most `limit` rows.

        After `timeout` seconds it is ended. `memory` is what it may use in bytes; None means the target's
        default. Raises QueryError, also where a limit is reached, and UsageError for a target whose memory
        cannot be limited.
        """

    def location(self) -> str:
        """Where the tables are, for people."""


@dataclass(frozen=True)
class Target:
    """A place where pipelines live. `exclusive` guards whatever must not happen twice at once there."""

    name: TargetName
    storage: Storage
    deployment: Deployment
    executions: Executions
    warehouse: Warehouse
    exclusive: Callable[[str], AbstractContextManager[None]]
