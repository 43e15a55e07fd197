"""What a state does with its data: JSON and its size limit, result paths, choice rules, error names.

These functions are pure; `interpreter` runs the states.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptoetl.local.step_functions.expressions import Expression, IntrinsicFailure, MissingPath, evaluate
from cryptoetl.local.step_functions.history import dumps
from cryptoetl.local.step_functions.states_language import UNCATCHABLE, Rule
from cryptoetl.state_machine.definition import PAYLOAD_LIMIT


class StateError(Exception):
    """A state failed: `error` is the name that Retry and Catch match, `cause` the explanation."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


def payload(data: Any) -> str:
    """Return a state's data as JSON. Raises StateError above the payload limit."""
    text = dumps(data)
    if len(text) * 4 > PAYLOAD_LIMIT and len(text.encode()) > PAYLOAD_LIMIT:
        raise StateError("States.DataLimitExceeded", f"a state's data exceeds {PAYLOAD_LIMIT} bytes")
    return text


def select(selector: Expression | None, result: Any) -> Any:
    """Apply a ResultSelector, if there is one."""
    try:
        return result if selector is None else evaluate(selector, result)
    except IntrinsicFailure as failure:
        raise StateError("States.IntrinsicFailure", str(failure)) from None


def place(value: Any, field: str | None, data: Any) -> Any:
    """Apply a ResultPath: return the data with the value as `field`, or without a field the value alone."""
    if field is None:
        return value
    if not isinstance(data, Mapping):
        raise StateError("States.ResultPathMatchFailure", f"there is no object to put {field!r} into")
    return {**data, field: value}


def matches(errors: frozenset[str], error: str) -> bool:
    """Return whether an ErrorEquals list matches an error's name."""
    return error in errors or ("States.ALL" in errors and error not in UNCATCHABLE)


def holds(rule: Rule, data: Any) -> bool:
    """Return whether a choice rule is true.

    Raises MissingPath if any operator but IsPresent has a path without a value, as AWS does.
    """
    if rule.operator == "And":
        return all(holds(operand, data) for operand in rule.operands)
    if rule.operator == "Not":
        return not holds(rule.operands[0], data)
    assert rule.variable is not None
    try:
        value = evaluate(rule.variable, data)
    except MissingPath:
        if rule.operator != "IsPresent":
            raise
        return not rule.value
    if rule.operator == "IsPresent":
        return bool(rule.value)
    if rule.operator == "IsNull":
        return bool((value is None) == rule.value)
    if rule.operator == "NumericGreaterThan":
        return isinstance(value, int | float) and not isinstance(value, bool) and bool(value > rule.value)
    return type(value) is type(rule.value) and bool(value == rule.value)
