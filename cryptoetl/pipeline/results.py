"""Results of the use cases, as frozen data.

Tables and JSON are both made from them (output/). Every result has an `exit_code`: 0 if all is well, 1 if the
use case was carried out and something in it failed.
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
from cryptoetl.target.diagnosis import Diagnosis, Verdict
from cryptoetl.target.executions import StillRunning
from cryptoetl.target.warehouse import QueryRows

if TYPE_CHECKING:
    from cryptoetl.raw_files.verdicts import Verdicts


@dataclass(frozen=True)
class CurrencyCheck:
    """A currency's two files and whether they can be loaded."""

    ticker: str
    history: FileReport
    trend: FileReport

    @property
    def ok(self) -> bool:
        """Return whether the currency can be loaded."""
        return not self.history.errors and not self.trend.errors

    @property
    def reason(self) -> str | None:
        """Return why the currency cannot be loaded; None if it can."""
        return "; ".join(reason for file in (self.history, self.trend) if (reason := file.reason)) or None


@dataclass(frozen=True)
class CheckResult:
    """All currencies that were checked."""

    currencies: tuple[CurrencyCheck, ...]

    @property
    def exit_code(self) -> int:
        """Return 1 if a currency cannot be loaded, else 0."""
        return 0 if all(currency.ok for currency in self.currencies) else 1

    @property
    def refused(self) -> dict[str, str]:
        """Return ticker → reason of the currencies that cannot be loaded."""
        return {currency.ticker: currency.reason or "" for currency in self.currencies if not currency.ok}


UploadAction = Literal["uploaded", "unchanged", "refused", "to upload"]
"""What was done with a raw file; "to upload" is for a dry run."""


@dataclass(frozen=True)
class UploadedFile:
    """What was done with one raw file; `bytes` is its size."""

    ticker: str
    kind: Literal["history", "trend"]
    source: Path
    location: str
    action: UploadAction
    bytes: int


@dataclass(frozen=True)
class UploadResult:
    """The check before the upload, and what was done with each file.

    `differences` are, by ticker, what the check says about histories that replace others.
    """

    check: CheckResult
    files: tuple[UploadedFile, ...]
    differences: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    @property
    def exit_code(self) -> int:
        """Return 1 if a currency was refused, else 0."""
        return self.check.exit_code


@dataclass(frozen=True)
class ConfigCheck:
    """A valid configuration file and the environments that it has, which are valid too."""

    file: Path
    environments: tuple[str, ...]


@dataclass(frozen=True)
class CheckRules:
    """What the check depends on besides the files: the day, and findings of earlier checks (`known`).

    `strict` turns warnings into errors; missing files are named in `config_file` with its `environment`.
    """

    today: date
    max_age_days: int | None = None
    strict: bool = False
    known: Verdicts | None = None
    config_file: Path | None = None
    environment: str | None = None


@dataclass(frozen=True)
class RunRequest:
    """What to run: from the step `begin`, all currencies if `tickers` is None.

    With `retry_failed`, only those that failed in the execution `failed_in`, by default the latest; with
    `changed`, those whose files, settings or scripts differ from what was loaded. `fail` makes steps fail on
    purpose (local target). With `detach` the execution is not followed; else it is stopped after `timeout`
    seconds. With `dry_run`, `up` changes nothing.
    """

    rules: CheckRules
    tickers: Sequence[str] | None = None
    retry_failed: bool = False
    fail: Mapping[str, Step] = field(default_factory=dict)
    failed_in: str | None = None
    detach: bool = False
    timeout: float | None = None
    begin: Step = "silver"
    dry_run: bool = False
    changed: bool = False


@dataclass(frozen=True)
class RunResult:
    """The execution at its end, or as it stands if detached; None with a `note` if nothing was run."""

    execution: ExecutionStatus | None
    note: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    left: tuple[StillRunning, ...] = ()
    """What could not be stopped with the execution at its timeout."""
    unchanged: tuple[str, ...] = ()
    """Tickers that were left out because their tables are loaded from what is there now."""

    @property
    def exit_code(self) -> int:
        """Return 1 if a currency failed or was refused and nothing was run, else 0."""
        if self.execution is None:
            return 1 if self.refused else 0
        return exit_code(self.execution)


def exit_code(execution: ExecutionStatus) -> int:
    """Return 1 if a currency or the execution failed, else 0."""
    bad = execution.status not in ("RUNNING", "SUCCEEDED")
    return 1 if bad or any(currency.bad for currency in execution.currencies) else 0


@dataclass(frozen=True)
class StopResult:
    """The execution after it was stopped, and the job runs that could not be stopped."""

    execution: ExecutionStatus
    left: tuple[StillRunning, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 1 if a job run could not be stopped, else 0."""
        return 1 if self.left else 0


@dataclass(frozen=True)
class StepLine:
    """A line of the log of a currency's step; `time` is None before the first line that has one."""

    step: Stage
    time: datetime | None
    text: str


@dataclass(frozen=True)
class StepLog:
    """The log of a currency in an execution, its steps merged in time; `ticker` is "" for the cleaning.

    `note` says why there are no lines, if there is a special reason.
    """

    ticker: str
    execution: str
    lines: tuple[StepLine, ...]
    note: str | None = None


@dataclass(frozen=True)
class TableCheck:
    """A currency's table compared with its contract and its gold set; `problems` is empty if they agree."""

    ticker: str
    table: str
    rows: int | None
    first: date | None
    last: date | None
    missing_prices: int | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What is remarkable but no difference from gold, such as old prices."""
    nulls: Mapping[str, int] = field(default_factory=dict)
    """Column → number of rows in which it is NULL."""
    age_days: int | None = None
    """Days from the newest price to today."""


@dataclass(frozen=True)
class VerifyResult:
    """All tables that were verified, and where they are."""

    tables: tuple[TableCheck, ...]
    location: str

    @property
    def exit_code(self) -> int:
        """Return 1 if a table has problems, else 0."""
        return 1 if any(table.problems for table in self.tables) else 0


@dataclass(frozen=True)
class Preview:
    """The latest rows of a currency's table, in ascending order of date."""

    ticker: str
    table: str
    rows: QueryRows

    @property
    def days(self) -> list[date]:
        """Return the rows' dates."""
        return [row[0] for row in self.rows.rows]

    def column(self, name: str) -> list[float | None]:
        """Return the values of a column."""
        place = self.rows.columns.index(name)
        return [row[place] for row in self.rows.rows]


@dataclass(frozen=True)
class UpResult:
    """The result of each part; None for parts that were skipped because no currency passed the check.

    Of a dry run, the upload and the deploy are what would be done. `to_run` are the currencies that were, or
    would be, run; `unchanged` those that were left out because nothing of theirs has changed.
    """

    upload: UploadResult
    deploy: Plan | None = None
    run: RunResult | None = None
    verify: VerifyResult | None = None
    to_run: tuple[str, ...] = ()
    dry_run: bool = False
    unchanged: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return the highest exit code of the parts."""
        parts = (self.upload, self.deploy, self.run, self.verify)
        return max(part.exit_code for part in parts if part is not None)


UpPart = CheckResult | Plan | UploadResult | RunResult | VerifyResult
"""What a phase of `up` ends with."""


@dataclass(frozen=True)
class DoctorResult:
    """What `doctor` found out, in the order in which it became known."""

    diagnoses: tuple[Diagnosis, ...]

    @property
    def exit_code(self) -> int:
        """Return 1 if something failed, else 0."""
        return 1 if self.count("failed") else 0

    def count(self, verdict: Verdict) -> int:
        """Return the number of diagnoses with this verdict."""
        return sum(found.verdict == verdict for found in self.diagnoses)


@dataclass(frozen=True)
class ExecutionList:
    """The latest executions, newest first."""

    executions: tuple[ExecutionStatus, ...]
