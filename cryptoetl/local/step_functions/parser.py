"""Parser of state machine definitions in the Amazon States Language.

Whatever `states_language` has no dataclass for is refused by name before anything runs: a field that is
silently ignored would make the local run differ from the one on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptoetl.errors import UnsupportedDefinition
from cryptoetl.local.step_functions.expressions import (
    Expression,
    Path,
    UnknownExpression,
    parse_path,
    parse_template,
)
from cryptoetl.local.step_functions.states_language import (
    Catcher,
    Choice,
    Fail,
    Machine,
    Parallel,
    Pass,
    Retrier,
    Rule,
    State,
    Succeed,
    Task,
)

GLUE_JOB_RUN = "arn:aws:states:::glue:startJobRun.sync"


def parse(definition: Mapping[str, Any], *, where: str = "the state machine") -> Machine:
    """Parse the definition of a machine or of a branch.

    Raises UnsupportedDefinition, which names the state, for whatever `states_language` lacks.
    """
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
            case Task(next_state=following, catch=catch) | Parallel(next_state=following, catch=catch):
                targets = [following, *(catcher.next_state for catcher in catch)]
            case Choice(rules=rules, default=default):
                targets = [default, *(target for _, target in rules)]
            case Pass(next_state=following):
                targets = [following]
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
            branches = reader.items("Branches")
            return Parallel(
                name=name,
                input_path=reader.path("InputPath"),
                branches=tuple(parse(branch, where=f"a branch of {name}") for branch in branches),
                selector=reader.template("ResultSelector"),
                catch=reader.catchers(),
                next_state=reader.next_state(),
            )
        case "Choice":
            reader.only("Choices", "Default", "OutputPath")
            rules = tuple((_rule(reader, rule, top=True), rule["Next"]) for rule in reader.items("Choices"))
            return Choice(
                name=name,
                rules=rules,
                default=reader.text("Default"),
                output_path=reader.path("OutputPath"),
            )
        case "Pass":
            reader.only("Result", "Parameters", "Next", "End")
            if ("Result" in body) == ("Parameters" in body):
                raise reader.refuse("a Pass without either Result or Parameters")
            # A Result is taken literally; only Parameters are evaluated.
            output = reader.template("Parameters") if "Parameters" in body else reader.constant("Result")
            assert output is not None
            return Pass(name, output, reader.next_state())
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
        name=reader.name,
        job_name=parameters.text("JobName"),
        arguments=arguments,
        selector=reader.template("ResultSelector"),
        keep_result="ResultPath" not in reader.body,
        retry=tuple(_retrier(_Reader(reader.name, retrier)) for retrier in reader.body.get("Retry", [])),
        catch=reader.catchers(),
        next_state=reader.next_state(),
    )


def _retrier(reader: _Reader) -> Retrier:
    reader.only(
        "ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts", "JitterStrategy"
    )
    jitter = reader.body.get("JitterStrategy", "NONE")
    if jitter not in ("FULL", "NONE"):
        raise reader.refuse(f"the JitterStrategy {jitter!r}")
    return Retrier(
        errors=reader.errors(),
        interval=reader.number("IntervalSeconds", 1),
        rate=reader.number("BackoffRate", 2),
        max_delay=reader.number("MaxDelaySeconds", float("inf")),
        attempts=int(reader.number("MaxAttempts", 3)),
        full_jitter=jitter == "FULL",
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
                return Rule(operator, variable=reader.to_path(variable), value=value)
    raise reader.refuse(f"the rule {dict(rule)!r}")


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


@dataclass(frozen=True)
class _Reader:
    """Typed access to one JSON object of a definition; `name` is that of its state, for messages."""

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
        return self.to_path(self.body.get(key, "$"))

    def to_path(self, text: Any) -> Path:
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

    def next_state(self) -> str | None:
        if ("Next" in self.body) == (self.body.get("End") is True):
            raise self.refuse("a state without either Next or End")
        return self.text("Next") if "Next" in self.body else None

    def errors(self) -> frozenset[str]:
        names = self.items("ErrorEquals")
        # States.TaskFailed and others like it are wildcards, too; the templates name Glue's errors instead.
        if not names or any(n != "States.ALL" and re.match(r"States\.", n) for n in names):
            raise self.refuse(f"ErrorEquals {names!r}")
        return frozenset(names)

    def catchers(self) -> tuple[Catcher, ...]:
        return tuple(_catcher(_Reader(self.name, catcher)) for catcher in self.body.get("Catch", []))
