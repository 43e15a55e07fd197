"""What the use cases tell: events while they work, and a result at the end.

Frozen data, so that showing it as a table and printing it as JSON read the same thing (console.py).
Every result has an `exit_code`: 0 all good, 1 it ran and something in it failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryptoetl.raw_files.findings import FileReport
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.status import ExecutionStatus, Stage
from cryptoetl.target.deployment import Plan
from cryptoetl.target.executions import Left
from cryptoetl.target.warehouse import QueryRows

if TYPE_CHECKING:
    from cryptoetl.raw_files.verdicts import Verdicts

# --- what is told while it happens --------------------------------------------------------------------


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
