"""What the use cases tell: events while they work, and a result at the end.

Frozen data, so that showing it as a table and printing it as JSON read the same thing (console.py).
Every result has an `exit_code`: 0 all good, 1 it ran and something in it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryptoetl.bundle import Bundle, Change
from cryptoetl.findings import FileReport
from cryptoetl.review import Review
from cryptoetl.state_machine import Step
from cryptoetl.status import ExecutionStatus, Stage
from cryptoetl.target import Left, QueryRows

if TYPE_CHECKING:
    from cryptoetl.discovery.sniffing import HistorySniff, TrendSniff
    from cryptoetl.verdicts import Verdicts

# --- what is told while it happens --------------------------------------------------------------------


@dataclass(frozen=True)
class Phase:
    """A new part of the work begins."""

    name: str


@dataclass(frozen=True)
class FileProgress:
    """`done` of `total` bytes of a raw file are read, or copied; `label` says for what, as its ticker."""

    label: str
    file: Path
    done: int
    total: int
    copied: bool = False


@dataclass(frozen=True)
class Transfer:
    """So many files, and bytes in all, are about to be copied; a FileProgress tells of each part."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Progressed:
    """An execution has come further."""

    status: ExecutionStatus


@dataclass(frozen=True)
class Warned:
    """Something that does not stop the work, but that the user should know."""

    message: str


@dataclass(frozen=True)
class ResourceProgress:
    """A deploy or destroy has come to this resource; `done` counts those that are through."""

    what: str
    name: str
    status: Literal["begins", "created", "changed", "removed", "kept", "taken back", "failed"]
    reason: str
    done: int
    total: int | None


Event = Phase | FileProgress | Transfer | Progressed | ResourceProgress | Warned
Observe = Callable[[Event], None]


# --- results -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CurrencyCheck:
    """A currency's two files and whether they can be loaded."""

    ticker: str
    history: FileReport
    trend: FileReport

    @property
    def ok(self) -> bool:
        return not self.history.errors and not self.trend.errors

    @property
    def reason(self) -> str | None:
        return "; ".join(reason for file in (self.history, self.trend) if (reason := file.reason)) or None


@dataclass(frozen=True)
class CheckResult:
    """All currencies that were checked."""

    currencies: tuple[CurrencyCheck, ...]

    @property
    def exit_code(self) -> int:
        return 0 if all(currency.ok for currency in self.currencies) else 1

    @property
    def refused(self) -> dict[str, str]:
        """Ticker → reason of those that cannot be loaded."""
        return {currency.ticker: currency.reason or "" for currency in self.currencies if not currency.ok}


UploadAction = Literal["uploaded", "unchanged", "refused", "to upload"]
"""What became of a raw file; "to upload" is for a dry run."""


@dataclass(frozen=True)
class UploadedFile:
    """What became of one raw file; `bytes` is its size."""

    ticker: str
    kind: Literal["history", "trend"]
    source: Path
    location: str
    action: UploadAction
    bytes: int


@dataclass(frozen=True)
class UploadResult:
    """The check that came first, and every file with what was done."""

    check: CheckResult
    files: tuple[UploadedFile, ...]

    @property
    def exit_code(self) -> int:
        return self.check.exit_code


@dataclass(frozen=True)
class Plan:
    """What `deploy` would do: the bundle, and how it differs from what is deployed."""

    bundle: Bundle
    changes: tuple[Change, ...]
    location: str
    applied: bool = False
    review: Review | None = None

    @property
    def exit_code(self) -> int:
        """1 if the review found errors: it could not be deployed like this."""
        return 1 if self.review is not None and self.review.errors else 0


@dataclass(frozen=True)
class Part:
    """Something a destroy removes or leaves behind."""

    what: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Removal:
    """What `destroy` would remove and what would stay; `deletes_data` if with all data."""

    location: str
    removed: tuple[Part, ...]
    kept: tuple[Part, ...]
    deletes_data: bool = False
    applied: bool = False
    exit_code = 0


@dataclass(frozen=True)
class CheckRules:
    """What the check goes by beside the files: the day it is, what is an error, what is known already."""

    today: date
    max_age_days: int | None = None
    strict: bool = False
    known: Verdicts | None = None


@dataclass(frozen=True)
class RunRequest:
    """What to run: `tickers` None means all; `fail` makes steps fail on purpose (local target only).

    `failed_in` is the execution whose failures `retry_failed` means, the latest by default. With `detach` it
    is started and not followed; what is not through after `timeout` seconds is stopped.
    """

    rules: CheckRules
    tickers: Sequence[str] | None = None
    retry_failed: bool = False
    fail: Mapping[str, Step] = field(default_factory=dict)
    failed_in: str | None = None
    detach: bool = False
    timeout: float | None = None
    begin: Step = "silver"
    """The step at which each currency begins."""


@dataclass(frozen=True)
class RunResult:
    """The execution as it ended, or as it stands if detached; None with a `note` if nothing was run."""

    execution: ExecutionStatus | None
    note: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    left: tuple[Left, ...] = ()
    """What goes on although the execution was stopped at its timeout."""

    @property
    def exit_code(self) -> int:
        if self.execution is None:
            return 1 if self.refused else 0
        return exit_code(self.execution)


def exit_code(execution: ExecutionStatus) -> int:
    """1 if a currency failed or the execution ended badly, else 0."""
    bad = execution.status not in ("RUNNING", "SUCCEEDED")
    return 1 if bad or any(c.status in ("FAILED", "ABORTED") for c in execution.currencies) else 0


@dataclass(frozen=True)
class StopResult:
    """The execution after it was stopped, and the job runs that go on all the same."""

    execution: ExecutionStatus
    left: tuple[Left, ...] = ()

    @property
    def exit_code(self) -> int:
        return 1 if self.left else 0


@dataclass(frozen=True)
class StepLine:
    """A line of the log of a currency's step; `time` is None before the first that has one."""

    step: Stage
    time: datetime | None
    text: str


@dataclass(frozen=True)
class StepLog:
    """The log of a currency in an execution, its steps merged in time."""

    ticker: str
    execution: str
    lines: tuple[StepLine, ...]


@dataclass(frozen=True)
class TableCheck:
    """A currency's table against its contract and its gold set; `problems` is empty if they agree."""

    ticker: str
    table: str
    rows: int | None
    first: date | None
    last: date | None
    missing_prices: int | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What is odd and no difference from gold: prices that have grown old."""
    nulls: Mapping[str, int] = field(default_factory=dict)
    """Column → rows without a value in it."""
    age_days: int | None = None
    """From the newest price's day to today."""


@dataclass(frozen=True)
class VerifyResult:
    """All tables that were looked at, and where they are."""

    tables: tuple[TableCheck, ...]
    location: str

    @property
    def exit_code(self) -> int:
        return 1 if any(table.problems for table in self.tables) else 0


@dataclass(frozen=True)
class Preview:
    """The latest rows of a currency's table, by date."""

    ticker: str
    table: str
    rows: QueryRows

    @property
    def days(self) -> list[date]:
        return [row[0] for row in self.rows.rows]

    def column(self, name: str) -> list[float | None]:
        place = self.rows.columns.index(name)
        return [row[place] for row in self.rows.rows]


@dataclass(frozen=True)
class UpResult:
    """Each part's own result; the later ones are None where there was nothing left to do."""

    upload: UploadResult
    deploy: Plan | None = None
    run: RunResult | None = None
    verify: VerifyResult | None = None

    @property
    def exit_code(self) -> int:
        parts = (self.upload, self.deploy, self.run, self.verify)
        return max(part.exit_code for part in parts if part is not None)


@dataclass(frozen=True)
class ExecutionList:
    """The latest executions, newest first."""

    executions: tuple[ExecutionStatus, ...]


@dataclass(frozen=True)
class ProposedCurrency:
    """A currency that `init` makes of two files: formats and facts as sniffed, `lines` as in the file."""

    ticker: str
    history: HistorySniff
    trend: TrendSniff
    notes: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class UnpairedFile:
    """A file of no currency, why, and the lines to add that would use it, if any would."""

    file: Path
    kind: Literal["history", "trend"] | None
    reason: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class InitResult:
    """What `init` found below `folder`, and the text of the configuration that it makes of it."""

    config: Path
    folder: Path
    currencies: tuple[ProposedCurrency, ...]
    unpaired: tuple[UnpairedFile, ...]
    text: str
    written: bool = False

    @property
    def exit_code(self) -> int:
        return 0 if self.currencies else 1


Result = (
    CheckResult
    | UploadResult
    | Plan
    | Removal
    | RunResult
    | ExecutionStatus
    | ExecutionList
    | StopResult
    | StepLog
    | VerifyResult
    | QueryRows
    | Preview
    | UpResult
    | InitResult
)
