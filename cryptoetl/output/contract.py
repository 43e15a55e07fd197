"""The contract of `--json`: for each type of object its schema, its status words and its exit code.

Fields may be added to an object at any time. A field that is renamed, removed or changes its type, and a new
word of `status`, raise the version. docs/json.md documents the table; `cryptoetl schema --output NAME` prints
the JSON Schema of an object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, get_args

from cryptoetl.discovery.results import InitResult
from cryptoetl.errors import AwsError, ConfigError, ConfigProblem, CryptoetlError, Interrupted
from cryptoetl.output.changes import StepChange
from cryptoetl.pipeline import results
from cryptoetl.pipeline.reporting import ReportResult
from cryptoetl.pipeline.results import (
    CheckResult,
    ConfigCheck,
    DoctorResult,
    ExecutionList,
    Preview,
    RunResult,
    StepLine,
    StepLog,
    StopResult,
    UploadResult,
    UpResult,
    VerifyResult,
)
from cryptoetl.state_machine.status import ExecutionProgress, ExecutionStatus, Progress
from cryptoetl.target.deployment import Plan, Removal
from cryptoetl.target.warehouse import QueryRows

EXIT_CODES = (0, 1, 2, Interrupted.exit_code)


@dataclass(frozen=True)
class ErrorDetails:
    """An error: a stable code, what happened, what to do, and the problems of a configuration one by one."""

    code: str
    message: str
    hint: str | None
    aws_code: str | None
    problems: tuple[ConfigProblem, ...]


@dataclass(frozen=True)
class Failure:
    """The object that a failed command prints."""

    error: ErrorDetails
    exit_code: int

    @classmethod
    def of(cls, error: CryptoetlError) -> Failure:
        """Return the object for an exception."""
        details = ErrorDetails(
            error.code,
            error.message,
            error.hint,
            error.aws_code if isinstance(error, AwsError) else None,
            error.problems if isinstance(error, ConfigError) else (),
        )
        return cls(details, error.exit_code)


def _zero(_: Any) -> int:
    return 0


@dataclass(frozen=True)
class Contract:
    """The three keys that each object of a type has in addition to its own.

    A result has `schema`, `exit_code` and `status` also as part of another result. The objects of a type with
    `line` are printed one a line while something is followed, and have the keys only then.
    """

    name: str
    version: int = 1
    exit_code: Callable[[Any], int] = attrgetter("exit_code")
    status: Callable[[Any], str] | None = None
    """Returns the status; without it, `ok` or `failed` by the exit code."""
    words: tuple[str, ...] = ("ok", "failed")
    """All that `status` may be."""
    line: bool = False

    @property
    def schema(self) -> str:
        """The value of `schema`, such as cryptoetl.run/1."""
        return f"cryptoetl.{self.name}/{self.version}"

    def envelope(self, value: Any) -> dict[str, Any]:
        """Return the three keys, which come first in the object."""
        code = self.exit_code(value)
        status = self.status(value) if self.status else "failed" if code else "ok"
        return {"schema": self.schema, "exit_code": code, "status": status}


def _init(result: InitResult) -> str:
    return {0: "ok", 1: "failed", 2: "proposed"}[result.exit_code]


def _run(result: RunResult) -> str:
    if result.exit_code:
        return "failed"
    return "running" if result.execution and result.execution.status == "RUNNING" else "ok"


def _error(failure: Failure) -> str:
    return "interrupted" if failure.exit_code == Interrupted.exit_code else "error"


def _step(change: StepChange) -> int:
    return 1 if change.status in ("FAILED", "ABORTED") else 0


CONTRACTS: dict[type, Contract] = {
    InitResult: Contract("init", status=_init, words=("ok", "proposed", "failed")),
    CheckResult: Contract("check"),
    ConfigCheck: Contract("config-check", exit_code=_zero, words=("ok",)),
    UploadResult: Contract("upload"),
    Plan: Contract("deploy"),
    Removal: Contract("destroy", words=("ok",)),
    RunResult: Contract("run", status=_run, words=("ok", "running", "failed")),
    UpResult: Contract("up"),
    ExecutionStatus: Contract(
        "status",
        exit_code=results.exit_code,
        status=attrgetter("status"),
        words=get_args(ExecutionProgress),
    ),
    StepChange: Contract(
        "step", exit_code=_step, status=attrgetter("status"), words=get_args(Progress), line=True
    ),
    ExecutionList: Contract("executions", exit_code=_zero, words=("ok",)),
    StopResult: Contract("stop"),
    StepLog: Contract("logs", exit_code=_zero, words=("ok",)),
    StepLine: Contract("log-line", exit_code=_zero, words=("ok",), line=True),
    VerifyResult: Contract("verify"),
    QueryRows: Contract("query", exit_code=_zero, words=("ok",)),
    Preview: Contract("preview", exit_code=_zero, words=("ok",)),
    DoctorResult: Contract("doctor"),
    ReportResult: Contract("report", words=("ok",)),
    Failure: Contract("error", status=_error, words=("error", "interrupted")),
}
"""By type, in the order in which docs/json.md lists them."""
