"""The JSONPath forms and intrinsic functions that the templates use.

Paths: `$`, or `$$` for the context object, followed by `.field`, `[0]` and `[*]`. Functions:
`States.JsonToString(path)`, `States.StringToJson(path)`, `States.Format('text {}', path, …)` and
`States.ArrayContains(path, 'text')`. Templates: JSON in which a key ending in `.$` holds one of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

EXECUTION_NAME = ".Execution.Name"
"""The only path into the context object that the templates use."""

_PATH = re.compile(r"(?P<root>\$\$?)(?P<steps>(?:\.[A-Za-z_]\w*|\[[0-9]+\]|\[\*\])*)", re.ASCII)
_STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>[0-9]+)\]|\[\*\]", re.ASCII)
_CALL = re.compile(r"States\.(?P<function>\w+)\((?P<arguments>.*)\)")
_TEXT = re.compile(r"'([^'\\]*)'")


class UnknownExpression(Exception):
    """A path, function or template beyond what is implemented; the text names it."""


class MissingPath(Exception):
    """The data has no value at a path; the text names it."""


class IntrinsicFailure(Exception):
    """An intrinsic function cannot work on its arguments; the text names it."""


@dataclass(frozen=True)
class Constant:
    """A literal value."""

    value: Any


@dataclass(frozen=True)
class Path:
    """A place in the data, or with `of_context` in the context object. A step of None is `[*]`."""

    text: str
    steps: tuple[str | int | None, ...]
    of_context: bool = False


@dataclass(frozen=True)
class JsonToString:
    """The value as compact JSON text."""

    argument: Path


@dataclass(frozen=True)
class StringToJson:
    """The value of JSON text."""

    argument: Path


@dataclass(frozen=True)
class Format:
    """The text with each `{}` replaced by the value at the next path."""

    text: str
    arguments: tuple[Path, ...]


@dataclass(frozen=True)
class ArrayContains:
    """Whether the text is among the values."""

    argument: Path
    text: str


@dataclass(frozen=True)
class Object:
    """A JSON object of expressions."""

    fields: tuple[tuple[str, Expression], ...]


Expression: TypeAlias = Constant | Path | JsonToString | StringToJson | Format | ArrayContains | Object


def parse_path(text: Any) -> Path:
    """Parse a reference path such as `$.a[*].b`. Raises UnknownExpression."""
    found = _PATH.fullmatch(text) if isinstance(text, str) else None
    if found is None or (found["root"] == "$$" and found["steps"] != EXECUTION_NAME):
        raise UnknownExpression(f"the path {text!r}")
    steps = tuple(
        int(step["index"]) if step["index"] else step["field"] for step in _STEP.finditer(found["steps"])
    )
    return Path(text, steps, of_context=found["root"] == "$$")


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
        case "StringToJson", [path]:
            return StringToJson(parse_path(path))
        case "Format", [quoted, *paths] if (found := _TEXT.fullmatch(quoted)) is not None:
            if found[1].count("{}") == len(paths):
                return Format(found[1], tuple(parse_path(path) for path in paths))
        case "ArrayContains", [path, quoted] if (found := _TEXT.fullmatch(quoted)) is not None:
            if None in (argument := parse_path(path)).steps:  # always a list
                return ArrayContains(argument, found[1])
    raise UnknownExpression(f"the intrinsic function {text!r}")


def evaluate(expression: Expression, data: Any, context: Mapping[str, Any] | None = None) -> Any:
    """Return the expression's value, with the state's data and the context object. Raises MissingPath."""

    def follow(path: Path) -> Any:
        return _follow(path, context if path.of_context else data)

    match expression:
        case Constant(value):
            return value
        case Path():
            return follow(expression)
        case JsonToString(argument):
            return json.dumps(follow(argument), ensure_ascii=False, separators=(",", ":"))
        case StringToJson(argument):
            return _parsed(follow(argument))
        case Format(text, arguments):
            pieces = text.split("{}")
            return pieces[0] + "".join(f"{follow(a)}{p}" for a, p in zip(arguments, pieces[1:], strict=True))
        case ArrayContains(argument, text):
            return text in follow(argument)
        case Object(fields):
            return {key: evaluate(value, data, context) for key, value in fields}


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise IntrinsicFailure(f"States.StringToJson: {error}") from None


def _follow(path: Path, data: Any) -> Any:
    values = [data]
    for step in path.steps:
        match step:
            case None:
                values = [item for value in values if isinstance(value, list) for item in value]
            case int():
                values = [value[step] for value in values if isinstance(value, list) and step < len(value)]
            case str():
                values = [value[step] for value in values if isinstance(value, Mapping) and step in value]
    if None in path.steps:
        return values
    if not values:
        raise MissingPath(path.text)
    return values[0]
