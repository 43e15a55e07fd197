"""The JSONPath forms and intrinsic functions that the templates use.

Paths: `$`, followed by `.field` and `[*]`. Functions: `States.JsonToString(path)` and
`States.ArrayContains(path, 'text')`. Templates: JSON in which a key ending in `.$` holds one of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_PATH = re.compile(r"\$(?P<steps>(?:\.[A-Za-z_]\w*|\[\*\])*)", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[\*\]", re.ASCII)
_CALL = re.compile(r"States\.(?P<function>\w+)\((?P<arguments>.*)\)")
_TEXT = re.compile(r"'([^'\\]*)'")


class UnknownExpression(Exception):
    """A path, function or template beyond what is implemented; the text names it."""


class MissingPath(Exception):
    """The data has no value at a path; the text names it."""


@dataclass(frozen=True)
class Constant:
    """A literal value."""

    value: Any


@dataclass(frozen=True)
class Path:
    """A place in the data. A step of None is `[*]`."""

    text: str
    steps: tuple[str | None, ...]


@dataclass(frozen=True)
class JsonToString:
    """The value as compact JSON text."""

    argument: Path


@dataclass(frozen=True)
class ArrayContains:
    """Whether the text is among the values."""

    argument: Path
    text: str


@dataclass(frozen=True)
class Object:
    """A JSON object of expressions."""

    fields: tuple[tuple[str, Expression], ...]


Expression: TypeAlias = Constant | Path | JsonToString | ArrayContains | Object


def parse_path(text: Any) -> Path:
    """Parse a reference path such as `$.a[*].b`. Raises UnknownExpression."""
    found = _PATH.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise UnknownExpression(f"the path {text!r}")
    return Path(text, tuple(step[1] for step in _STEP.finditer(found["steps"])))


def parse_template(node: Any, *, literal: bool = False) -> Expression:
    """Parse the JSON of a template; with `literal`, keys ending in `.$` are ordinary keys.

    Raises UnknownExpression.
    """
    if literal or not isinstance(node, Mapping):
        if not literal and isinstance(node, list):
            raise UnknownExpression("a list in a template")
        return Constant(node)
    fields: list[tuple[str, Expression]] = []
    for key, value in node.items():
        if key.endswith(".$"):
            fields.append((key.removesuffix(".$"), _parse_dynamic(value)))
        else:
            fields.append((key, parse_template(value)))
    return Object(tuple(fields))


def _parse_dynamic(text: Any) -> Expression:
    call = _CALL.fullmatch(text) if isinstance(text, str) else None
    if call is None:
        return parse_path(text)
    arguments = [argument.strip() for argument in call["arguments"].split(",")]
    match call["function"], arguments:
        case "JsonToString", [path]:
            return JsonToString(parse_path(path))
        case "ArrayContains", [path, quoted] if (found := _TEXT.fullmatch(quoted)) is not None:
            if None in (argument := parse_path(path)).steps:  # always a list
                return ArrayContains(argument, found[1])
    raise UnknownExpression(f"the intrinsic function {text!r}")


def evaluate(expression: Expression, data: Any) -> Any:
    """Return the expression's value. Raises MissingPath."""
    match expression:
        case Constant(value):
            return value
        case Path():
            return _follow(expression, data)
        case JsonToString(argument):
            return json.dumps(_follow(argument, data), ensure_ascii=False, separators=(",", ":"))
        case ArrayContains(argument, text):
            return text in _follow(argument, data)
        case Object(fields):
            return {key: evaluate(value, data) for key, value in fields}


def _follow(path: Path, data: Any) -> Any:
    values = [data]
    for step in path.steps:
        if step is None:
            values = [item for value in values if isinstance(value, list) for item in value]
        else:
            values = [value[step] for value in values if isinstance(value, Mapping) and step in value]
    if None in path.steps:
        return values
    if not values:
        raise MissingPath(path.text)
    return values[0]
