"""Amazon States Language as data: what `interpreter` runs, parsed from a definition by `load`.

Only what the templates in definitions/ use is here. Anything else is refused by name before anything runs,
because a field that is silently ignored would make the laptop and the cloud disagree. Rules: the Amazon
States Language specification (states-language.net/spec.html), JSONPath query language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cryptoetl.errors import UnsupportedDefinition
from cryptoetl.local.step_functions.expressions import (
    Expression,
    Path,
    UnknownExpression,
    parse_path,
    parse_template,
)

GLUE_JOB_RUN = "arn:aws:states:::glue:startJobRun.sync"
UNCATCHABLE = frozenset({"States.Runtime", "States.DataLimitExceeded"})
"""Errors that States.ALL does not match."""


@dataclass(frozen=True)
class Retrier:
    """When to run a task again; seconds."""

    errors: frozenset[str]
    interval: float
    rate: float
    max_delay: float
    attempts: int
    full_jitter: bool

    def delay(self, attempt: int, random: float) -> float:
        """Seconds before the retry after failed attempt number `attempt`, from 0; `random` is in [0, 1)."""
        # A large exponent overflows a float long after the delay has reached its cap.
        delay = min(self.max_delay, self.interval * self.rate ** min(attempt, 100))
        return delay * random if self.full_jitter else delay


@dataclass(frozen=True)
class Catcher:
    """Where a failed state goes on. Its input is the error, or the state's with the error as `field`."""

    errors: frozenset[str]
    field: str | None
    next: str


@dataclass(frozen=True)
class Task:
    """A Glue job run. Without `selector`, the job run is the result; without `keep_result`, the input is."""

    name: str
    job_name: str
    arguments: Expression
    selector: Expression | None
    keep_result: bool
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]
    next: str | None


@dataclass(frozen=True)
class Parallel:
    """Branches that run at once on the part of the input at `input_path`."""

    name: str
    input_path: Path
    branches: tuple[Machine, ...]
    selector: Expression | None
    catch: tuple[Catcher, ...]
    next: str | None


@dataclass(frozen=True)
class Rule:
    """A condition. `operator` is And, Not (on `operands`) or a comparison of `variable` with `value`."""

    operator: str
    operands: tuple[Rule, ...] = ()
    variable: Path | None = None
    value: Any = None


@dataclass(frozen=True)
class Choice:
    """The first rule that holds names the next state, which gets the part of the input at `output_path`."""

    name: str
    rules: tuple[tuple[Rule, str], ...]
    default: str
    output_path: Path


@dataclass(frozen=True)
class Pass:
    """Replaces its input by `output`."""

    name: str
    output: Expression
    next: str | None


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


State: TypeAlias = Task | Parallel | Choice | Pass | Succeed | Fail


@dataclass(frozen=True)
class Machine:
    """States by name, and where to begin; of the whole definition or of a branch."""

    start_at: str
    states: Mapping[str, State] = field(repr=False)


def load(definition: Mapping[str, Any], *, where: str = "the state machine") -> Machine:
    """Parse a definition. Raises UnsupportedDefinition, naming the state, for whatever is not run here."""
    reader = _Reader(where, definition)
    reader.only("Comment", "QueryLanguage", "StartAt", "States")
    if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise reader.refuse(f"query language {definition['QueryLanguage']!r}")
    states = {name: _state(name, body) for name, body in reader.mapping("States").items()}
    machine = Machine(reader.text("StartAt"), states)
    for origin, target in [("StartAt", machine.start_at), *_transitions(states)]:
        if target not in states:
            raise UnsupportedDefinition(f"{origin}: there is no state {target!r} to go to")
    return machine


def _transitions(states: Mapping[str, State]) -> Iterable[tuple[str, str]]:
    for name, state in states.items():
        match state:
            case Task(next=next, catch=catch) | Parallel(next=next, catch=catch):
                targets = [next, *(catcher.next for catcher in catch)]
            case Choice(rules=rules, default=default):
                targets = [default, *(next for _, next in rules)]
            case Pass(next=next):
                targets = [next]
            case Succeed() | Fail():
                targets = []
        yield from ((name, target) for target in targets if target is not None)


def _state(name: str, body: Mapping[str, Any]) -> State:
    reader = _Reader(name, body)
    match body.get("Type"):
        case "Task":
            return _task(reader)
        case "Parallel":
            reader.only("InputPath", "Branches", "ResultSelector", "Catch", "Next", "End")
            return Parallel(
                name,
                reader.path("InputPath"),
                tuple(load(branch, where=f"a branch of {name}") for branch in reader.items("Branches")),
                reader.template("ResultSelector"),
                reader.catchers(),
                reader.next(),
            )
        case "Choice":
            reader.only("Choices", "Default", "OutputPath")
            rules = tuple((_rule(reader, rule, top=True), rule["Next"]) for rule in reader.items("Choices"))
            return Choice(name, rules, reader.text("Default"), reader.path("OutputPath"))
        case "Pass":
            reader.only("Result", "Parameters", "Next", "End")
            if ("Result" in body) == ("Parameters" in body):
                raise reader.refuse("a Pass without either Result or Parameters")
            # A Result is taken literally; only Parameters are evaluated.
            output = reader.template("Parameters") if "Parameters" in body else reader.constant("Result")
            assert output is not None
            return Pass(name, output, reader.next())
        case "Succeed":
            reader.only()
            return Succeed(name)
        case "Fail":
            reader.only("Error", "Cause")
            return Fail(name, reader.text("Error"), reader.text("Cause"))
        case other:
            raise reader.refuse(f"the state type {other!r}")


def _task(reader: _Reader) -> Task:
    reader.only("Resource", "Parameters", "ResultSelector", "ResultPath", "Retry", "Catch", "Next", "End")
    if reader.text("Resource") != GLUE_JOB_RUN:
        raise reader.refuse(f"the resource {reader.text('Resource')!r}")
    if reader.body.get("ResultPath") is not None:
        raise reader.refuse("a ResultPath other than null")
    parameters = _Reader(reader.name, reader.mapping("Parameters"))
    parameters.only("JobName", "Arguments")
    arguments = parameters.template("Arguments") or parse_template({})
    return Task(
        reader.name,
        parameters.text("JobName"),
        arguments,
        reader.template("ResultSelector"),
        "ResultPath" not in reader.body,
        tuple(_retrier(_Reader(reader.name, retrier)) for retrier in reader.body.get("Retry", [])),
        reader.catchers(),
        reader.next(),
    )


def _retrier(reader: _Reader) -> Retrier:
    reader.only(
        "ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts", "JitterStrategy"
    )
    jitter = reader.body.get("JitterStrategy", "NONE")
    if jitter not in ("FULL", "NONE"):
        raise reader.refuse(f"the JitterStrategy {jitter!r}")
    return Retrier(
        reader.errors(),
        reader.number("IntervalSeconds", 1),
        reader.number("BackoffRate", 2),
        reader.number("MaxDelaySeconds", float("inf")),
        int(reader.number("MaxAttempts", 3)),
        jitter == "FULL",
    )


_COMPARISONS: Mapping[str, type] = {
    "IsPresent": bool,
    "IsNull": bool,
    "StringEquals": str,
    "BooleanEquals": bool,
}


def _rule(reader: _Reader, rule: Mapping[str, Any], *, top: bool = False) -> Rule:
    match {key: value for key, value in rule.items() if not (top and key == "Next")}:
        case {"And": list(operands), **rest} if not rest:
            return Rule("And", tuple(_rule(reader, operand) for operand in operands))
        case {"Not": operand, **rest} if not rest:
            return Rule("Not", (_rule(reader, operand),))
        case {"Variable": variable, **rest} if len(rest) == 1:
            ((operator, value),) = rest.items()
            if isinstance(value, _COMPARISONS.get(operator, ())):
                return Rule(operator, variable=reader.parse(variable), value=value)
    raise reader.refuse(f"the rule {dict(rule)!r}")


@dataclass(frozen=True)
class _Reader:
    """One JSON object of a definition, and the state whose name its complaints carry."""

    name: str
    body: Mapping[str, Any]

    def refuse(self, what: str) -> UnsupportedDefinition:
        return UnsupportedDefinition(f"{self.name}: {what} is not supported by the local target")

    def only(self, *fields: str) -> None:
        if unknown := sorted(set(self.body) - {"Type", "Comment", *fields}):
            raise self.refuse(f"the field {unknown[0]!r}")

    def text(self, key: str) -> str:
        if not isinstance(value := self.body.get(key), str):
            raise self.refuse(f"{key} {value!r}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.body.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise self.refuse(f"{key} {value!r}")
        return value

    def mapping(self, key: str) -> Mapping[str, Any]:
        if not isinstance(value := self.body.get(key), Mapping):
            raise self.refuse(f"{key} {value!r}")
        return value

    def items(self, key: str) -> list[Any]:
        if not isinstance(value := self.body.get(key), list):
            raise self.refuse(f"{key} {value!r}")
        return value

    def path(self, key: str) -> Path:
        return self.parse(self.body.get(key, "$"))

    def parse(self, text: Any) -> Path:
        try:
            return parse_path(text)
        except UnknownExpression as unknown:
            raise self.refuse(str(unknown)) from None

    def template(self, key: str) -> Expression | None:
        try:
            return parse_template(self.body[key]) if key in self.body else None
        except UnknownExpression as unknown:
            raise self.refuse(str(unknown)) from None

    def constant(self, key: str) -> Expression:
        return parse_template(self.body[key], literal=True)

    def next(self) -> str | None:
        if ("Next" in self.body) == (self.body.get("End") is True):
            raise self.refuse("a state without either Next or End")
        return self.text("Next") if "Next" in self.body else None

    def errors(self) -> frozenset[str]:
        names = self.items("ErrorEquals")
        # States.TaskFailed and its like are wildcards of their own; the templates name Glue's errors.
        if not names or any(n != "States.ALL" and re.match(r"States\.", n) for n in names):
            raise self.refuse(f"ErrorEquals {names!r}")
        return frozenset(names)

    def catchers(self) -> tuple[Catcher, ...]:
        return tuple(_catcher(_Reader(self.name, catcher)) for catcher in self.body.get("Catch", []))


def _catcher(reader: _Reader) -> Catcher:
    reader.only("ErrorEquals", "ResultPath", "Next")
    field = None
    if "ResultPath" in reader.body:
        match reader.path("ResultPath").steps:
            case (str(name),):
                field = name
            case _:
                raise reader.refuse(f"a Catch with the ResultPath {reader.body['ResultPath']!r}")
    return Catcher(reader.errors(), field, reader.text("Next"))
