"""Everything that prevents a use case from being carried out.

::

    CryptoetlError            code `unexpected`, and the root of all others; exit code 2
    ├── ConfigError           `config`: the YAML file, with file, line and field
    ├── UsageError            `usage`: a ticker, execution or option that does not exist
    ├── NotDeployedError      `not-deployed`: a run before its deploy, or of something else than was deployed
    ├── BusyError             `busy`: another process or execution works on the same home or currencies
    ├── QueryError            `query`: a statement that is refused or fails
    ├── EnvironmentFault      `environment`: disk, permissions, a missing extra; the machine, not the input
    │   └── DamagedState      `damaged-state`: a file of the local home that is unreadable or wrong
    ├── AwsError              `aws`: AWS refuses, or there are no usable credentials
    │   └── AwsUnreachable    `aws-unreachable`: no answer, or too many requests; may succeed later
    ├── DeployError           `deploy`: a deploy or destroy that must not begin, or failed and was undone
    ├── UnsupportedDefinition `unsupported-definition`: a state machine that cannot be interpreted here
    └── Interrupted           `interrupted`: Ctrl-C or SIGTERM; exit code 130

A broken raw file or a failing currency is a result, not an exception: see `pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class CryptoetlError(Exception):
    """The root: what happened, and in `hint` what to do next."""

    code = "unexpected"
    """Stable across releases, for programs that read `--json`."""
    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class ConfigProblem:
    """One thing wrong in the configuration file; `line` counts from 1, `field` is dotted."""

    file: Path
    line: int | None
    field: str | None
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class ConfigError(CryptoetlError):
    """The configuration cannot be used; `problems` holds each reason."""

    code = "config"

    def __init__(self, problems: Sequence[ConfigProblem], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = tuple(problems)


class UsageError(CryptoetlError):
    """Something named on the command line does not exist or does not fit."""

    code = "usage"


class NotDeployedError(CryptoetlError):
    """Nothing, or not this, is deployed."""

    code = "not-deployed"


class BusyError(CryptoetlError):
    """Another process holds the home, or another execution is running the same currencies."""

    code = "busy"


class QueryError(CryptoetlError):
    """A statement was refused, or the warehouse rejected it."""

    code = "query"


class EnvironmentFault(CryptoetlError):
    """The machine does not let the work be done: permissions, disk, a package that is not installed."""

    code = "environment"


class DamagedState(EnvironmentFault):
    """A file that cryptoetl keeps itself is missing, unreadable or damaged."""

    code = "damaged-state"


class AwsError(CryptoetlError):
    """AWS refuses, cannot be reached, or there are no usable credentials."""

    code = "aws"

    def __init__(self, message: str, *, hint: str | None = None, aws_code: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.aws_code = aws_code
        """The error code that the service returned, such as AccessDeniedException; None without an answer."""


class AwsUnreachable(AwsError):
    """AWS does not answer, has a fault of its own, or asks to slow down."""

    code = "aws-unreachable"


class DeployError(CryptoetlError):
    """A deploy or destroy that must not begin, or that failed and was undone."""

    code = "deploy"


class UnsupportedDefinition(CryptoetlError):
    """The state machine uses something that the local interpreter does not implement."""

    code = "unsupported-definition"


class Interrupted(CryptoetlError):
    """The user or the system asked to stop."""

    code = "interrupted"
    exit_code = 130
