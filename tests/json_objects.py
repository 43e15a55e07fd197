"""The objects of `--json` as tests read them: each is validated against its JSON Schema."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from cryptoetl.output import json_schema


def parsed(text: str, exit_code: int) -> Any:
    """Return the JSON of a command's output; an object with a schema must fit it and the exit code."""
    data = json.loads(text)
    if isinstance(data, dict) and str(data.get("schema", "")).startswith("cryptoetl."):
        validate(data)
        assert data["exit_code"] == exit_code
    return data


def lines(text: str) -> list[dict[str, Any]]:
    """Return the objects of a command that prints one a line."""
    return [validate(json.loads(line)) for line in text.splitlines()]


def validate(data: Any) -> dict[str, Any]:
    """Return an object that fits the schema that it names. Raises ValidationError."""
    name, _, _ = data["schema"].removeprefix("cryptoetl.").partition("/")
    _validator(name).validate(data)
    valid: dict[str, Any] = data
    return valid


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json_schema.named(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
