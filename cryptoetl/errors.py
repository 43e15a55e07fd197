"""Everything that can go wrong and be told to a person.

::

    CryptoetlError            it could not run: exit code 2
    ├── ConfigError           the YAML file: file, line, field
    ├── UsageError            a ticker, execution or option that does not exist
    ├── NotDeployedError      a run before its deploy, or one that is not what was deployed
    ├── BusyError             another process or execution is working on the same home or currencies
    ├── QueryError            a statement that is refused or fails
    ├── EnvironmentFault      disk, permissions, a missing extra: the machine, not the input
    │   └── DamagedState      a file of the local home that cannot be read or does not hold what it should
    ├── AwsError              AWS refuses, or there are no usable credentials
    │   └── AwsUnreachable    AWS does not answer, or asks to slow down: the same call may succeed later
    ├── DeployError           a deploy or destroy that must not begin, or that failed and was undone
    ├── UnsupportedDefinition a state machine that the local interpreter does not run
    └── Interrupted           Ctrl-C or SIGTERM: exit code 130

A broken raw file or a failing currency is a result, not an exception: see `pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class CryptoetlError(Exception):
    """The root: what happened, and in `hint` what to do next."""

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

    def __init__(self, problems: Sequence[ConfigProblem], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = tuple(problems)


class UsageError(CryptoetlError):
    """Something named on the command line does not exist or does not fit."""


class NotDeployedError(CryptoetlError):
    """Nothing, or not this, is deployed."""


class BusyError(CryptoetlError):
    """Another process holds the home, or another execution is running the same currencies."""


class QueryError(CryptoetlError):
    """A statement was refused, or the warehouse rejected it."""


class EnvironmentFault(CryptoetlError):
    """The machine does not let the work be done: permissions, disk, a package that is not installed."""


class DamagedState(EnvironmentFault):
    """A file that cryptoetl keeps itself is missing, unreadable or damaged."""


class AwsError(CryptoetlError):
    """AWS refuses, cannot be reached, or there are no usable credentials."""


class AwsUnreachable(AwsError):
    """AWS does not answer, has a fault of its own, or asks to slow down."""


class DeployError(CryptoetlError):
    """A deploy or destroy that must not begin, or that failed and was undone."""


class UnsupportedDefinition(CryptoetlError):
    """The state machine uses something that the local interpreter does not implement."""


class Interrupted(CryptoetlError):
    """The user or the system asked to stop."""

    exit_code = 130
