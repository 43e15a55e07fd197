"""The subset of the Amazon States Language that the local target runs, as dataclasses.

`parser` builds them from a definition, `interpreter` runs them. The subset is what the templates in
definitions/ use. Rules: the Amazon States Language specification (states-language.net/spec.html), JSONPath
query language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cryptoetl.local.step_functions.expressions import Expression, Path

UNCATCHABLE = frozenset({"States.Runtime", "States.DataLimitExceeded"})
"""Errors that States.ALL does not match."""


@dataclass(frozen=True)
class Retrier:
    """When to run a failed task again. Times are in seconds."""

    errors: frozenset[str]
    interval: float
    rate: float
    max_delay: float
    attempts: int
    full_jitter: bool

    def delay(self, attempt: int, random: float) -> float:
        """Return the seconds before the retry of attempt `attempt`, from 0; `random` is in [0, 1)."""
        # A large exponent overflows a float long after the delay has reached its cap.
        delay = min(self.max_delay, self.interval * self.rate ** min(attempt, 100))
        return delay * random if self.full_jitter else delay


@dataclass(frozen=True)
class Catcher:
    """The state after a failure. Its input is the error, or the failed state's with the error as `field`."""

    errors: frozenset[str]
    field: str | None
    next_state: str


@dataclass(frozen=True)
class StartJobRun:
    """Run a Glue job and wait for its end; the result is its JobRun."""

    job_name: str
    arguments: Expression


@dataclass(frozen=True)
class GetObject:
    """Read an object of S3; the result has its text as `Body`."""

    bucket: str
    key: Expression


@dataclass(frozen=True)
class PutObject:
    """Write an object of S3: `body` as JSON."""

    bucket: str
    key: Expression
    body: Expression


Action: TypeAlias = StartJobRun | GetObject | PutObject


@dataclass(frozen=True)
class Task:
    """A call of a service. Its output is the result, reduced by `selector`.

    With `field` the output is the input with the result as that field; without `keep_result` it is the input.
    """

    name: str
    action: Action
    selector: Expression | None
    keep_result: bool
    field: str | None
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]
    next_state: str | None


@dataclass(frozen=True)
class Parallel:
    """Branches that run in parallel, each with the part of the input at `input_path`."""

    name: str
    input_path: Path
    branches: tuple[Machine, ...]
    selector: Expression | None
    catch: tuple[Catcher, ...]
    next_state: str | None


@dataclass(frozen=True)
class DistributedMap:
    """Child executions of `processor`, one per batch of the items at `pointer` in a JSON object of S3.

    Its output is its input. Children that fail are tolerated. Each child's input has its `Items`, and
    `BatchInput`.
    """

    name: str
    label: str
    bucket: str
    key: Expression
    pointer: str
    batch_size: int
    batch_input: Expression
    max_concurrency: int
    processor: Machine
    catch: tuple[Catcher, ...]
    next_state: str | None


@dataclass(frozen=True)
class Rule:
    """A condition: And or Not of `operands`, or the comparison `operator` of `variable` with `value`."""

    operator: str
    operands: tuple[Rule, ...] = ()
    variable: Path | None = None
    value: Any = None


@dataclass(frozen=True)
class Choice:
    """The first rule that is true names the next state; its input is what `output_path` selects."""

    name: str
    rules: tuple[tuple[Rule, str], ...]
    default: str
    output_path: Path


@dataclass(frozen=True)
class Pass:
    """Replaces its input by `output`."""

    name: str
    output: Expression
    next_state: str | None


@dataclass(frozen=True)
class Succeed:
    """Ends the execution with its input as the output."""

    name: str


@dataclass(frozen=True)
class Fail:
    """Ends the execution with an error."""

    name: str
    error: str
    cause: str


State: TypeAlias = Task | Parallel | DistributedMap | Choice | Pass | Succeed | Fail


@dataclass(frozen=True)
class Machine:
    """States by name, and the first one; of the whole definition or of a branch."""

    start_at: str
    states: Mapping[str, State] = field(repr=False)
