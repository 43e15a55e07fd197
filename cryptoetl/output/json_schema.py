"""The JSON Schemas of what `--json` prints, generated from the types that are printed."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from cryptoetl.discovery.sniffs import HistorySniff, TrendSniff
from cryptoetl.errors import UsageError
from cryptoetl.output.contract import CONTRACTS, EXIT_CODES, Contract
from cryptoetl.output.serialize import VIEWS, field_names

_Schema = dict[str, Any]

_SCALARS: Mapping[Any, _Schema] = {
    Any: {},
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: {"type": "string"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}

_FOR_TYPE_CHECKING = {kind.__name__: kind for kind in (HistorySniff, TrendSniff)}
"""What modules of results import for type checking only."""


def named(name: str) -> _Schema:
    """Return the JSON Schema (draft 2020-12) of the object with this name, such as run. Raises UsageError."""
    for kind, contract in CONTRACTS.items():
        if contract.name == name:
            return of(kind)
    names = ", ".join(contract.name for contract in CONTRACTS.values())
    raise UsageError(f"{name!r} is not an object that --json prints", hint=f"Choose one of {names}.")


def of(kind: type) -> _Schema:
    """Return the JSON Schema of the objects that are printed for values of a type."""
    definitions: dict[str, _Schema] = {}
    body = _object(kind, definitions, top=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": CONTRACTS[kind].schema,
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def _of_hint(hint: Any, definitions: dict[str, _Schema]) -> _Schema:
    """Return the schema of values with this type hint; objects are added to the definitions."""
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of_hint(argument, definitions) for argument in arguments]}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": _of_hint(arguments[0], definitions)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of_hint(arguments[1], definitions)}
    if not is_dataclass(hint):
        raise TypeError(f"{hint!r} has no JSON Schema")
    name = CONTRACTS[hint].name if hint in CONTRACTS else getattr(hint, "__name__", "")
    if name not in definitions:
        definitions[name] = {}  # for types that refer to themselves
        definitions[name] = _object(hint, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _object(kind: Any, definitions: dict[str, _Schema], *, top: bool = False) -> _Schema:
    """Return the schema of a type's objects: of its view's fields, or its own."""
    shape = get_type_hints(VIEWS[kind])["return"] if kind in VIEWS else kind
    hints = get_type_hints(shape, localns=_FOR_TYPE_CHECKING, include_extras=True)
    if is_dataclass(shape):
        hints = {name: hints[name] for name in field_names(shape)}
    optional = {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is NotRequired}
    required = [name for name in hints if name not in optional]
    properties = {name: _of_hint(hint, definitions) for name, hint in {**hints, **optional}.items()}
    if (contract := CONTRACTS.get(kind)) and (top or not contract.line):
        properties = {**_envelope(contract), **properties, "status": {"enum": list(contract.words)}}
        required = list(dict.fromkeys(["schema", "exit_code", "status", *required]))
    description = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    return {"description": description, "type": "object", "properties": properties, "required": required}


def _envelope(contract: Contract) -> dict[str, _Schema]:
    return {
        "schema": {"const": contract.schema},
        "exit_code": {"enum": list(EXIT_CODES)},
        "status": {},
    }
