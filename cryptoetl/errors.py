"""Exceptions: what prevents a use case from being carried out.

::

    CryptoetlError            `unexpected`: the root of all others; exit code 2
    ├── ConfigError           `config`: the YAML file is invalid; names file, line and field
    ├── UsageError            `usage`: a ticker, execution or option does not exist
    ├── NotDeployedError      `not-deployed`: nothing is deployed, or not what is to be run
    ├── BusyError             `busy`: another process or execution uses the same home or currencies
    ├── QueryError            `query`: a SQL statement was refused or failed
    ├── EnvironmentFault      `environment`: this machine lacks disk space, a permission or a package
    │   └── DamagedState      `damaged-state`: a file that cryptoetl keeps is unreadable or invalid
    ├── AwsError              `aws`: AWS refused the request, or there are no usable credentials
    │   └── AwsUnreachable    `aws-unreachable`: no answer, or too many requests; may succeed later
    ├── DeployError           `deploy`: a deploy or destroy was refused, or failed and was rolled back
    ├── UnsupportedDefinition `unsupported-definition`: the local target cannot run the state machine
    └── Interrupted           `interrupted`: Ctrl-C or SIGTERM; exit code 130

A broken raw file or a failing currency is a result, not an exception: see `pipeline`. Compare codes, never
messages or causes. An exception is not changed after it was raised: raise another one `from` it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class CryptoetlError(Exception):
    """The root: `message` says what happened, `hint` what to do next."""

    code = "unexpected"
    """Unique to each class and stable across releases, for programs that read `--json`."""
    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class ConfigProblem:
    """A problem in the configuration file; `line` counts from 1, `field` is a dotted path."""

    file: Path
    line: int | None
    field: str | None
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class ConfigError(CryptoetlError):
    """The configuration is invalid; `problems` lists every reason."""

    code = "config"

    def __init__(self, problems: Sequence[ConfigProblem], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = tuple(problems)


class UsageError(CryptoetlError):
    """A command-line argument does not exist or cannot be used here."""

    code = "usage"


class NotDeployedError(CryptoetlError):
    """Nothing is deployed, or something other than what is to be run."""

    code = "not-deployed"

    @classmethod
    def at_all(cls) -> NotDeployedError:
        """Return the error of a pipeline of which nothing is deployed."""
        return cls(
            "nothing is deployed yet", hint="Run `cryptoetl deploy`, or `cryptoetl up` for everything."
        )


class BusyError(CryptoetlError):
    """Another process uses the local home, or another execution runs the same currencies."""

    code = "busy"


class QueryError(CryptoetlError):
    """A SQL statement was refused, or failed in the warehouse."""

    code = "query"


class EnvironmentFault(CryptoetlError):
    """This machine lacks a permission, disk space or a package."""

    code = "environment"


class DamagedState(EnvironmentFault):
    """A file that cryptoetl itself writes is missing, unreadable or damaged."""

    code = "damaged-state"


class AwsError(CryptoetlError):
    """AWS refused the request, or there are no usable credentials.

    `aws_code` is the error code of the service, such as AccessDeniedException; None if none was received.
    """

    code = "aws"

    def __init__(self, message: str, *, hint: str | None = None, aws_code: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.aws_code = aws_code

    def replace(self, *, message: str | None = None, hint: str | None = None) -> AwsError:
        """Return an error of the same class and codes with another message or hint."""
        return type(self)(message or self.message, hint=hint or self.hint, aws_code=self.aws_code)


class AwsUnreachable(AwsError):
    """AWS does not answer, has an internal error, or throttles the requests."""

    code = "aws-unreachable"


class DeployError(CryptoetlError):
    """A deploy or destroy was refused before it began, or failed and was rolled back."""

    code = "deploy"


class UnsupportedDefinition(CryptoetlError):
    """The state machine uses a feature that the local interpreter does not implement."""

    code = "unsupported-definition"


class Interrupted(CryptoetlError):
    """The user or the system interrupted the command."""

    code = "interrupted"
    exit_code = 130
