"""A small `aws`: runs the commands of a documentation page by the SDK.

Services, operations, options and their types come from botocore's models, as in the AWS CLI itself, so a
wrong option, a missing one or a value of the wrong type ends with exit code 252, as there. Only what follows
from the models is here: no `aws s3`, and no option that the AWS CLI adds to an operation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import Shape

SERVICES = {"s3api": "s3"}
SCALARS = {"integer": int, "long": int, "float": float, "double": float}


class UsageFault(Exception):
    """A command line that the AWS CLI would refuse."""


def main(arguments: list[str], folder: Path) -> int:
    """Run a command in a folder, print its result, and return the exit code."""
    try:
        command, given = _parsed(arguments)
        printed = _run(command, given, folder)
    except (UsageFault, ParamValidationError) as fault:
        print(f"aws: [ERROR]: {fault}", file=sys.stderr)
        return 252
    except ClientError as error:
        print(f"aws: [ERROR]: {error}", file=sys.stderr)
        return 254
    sys.stdout.writelines(f"{line}\n" for line in printed)
    return 0


def _parsed(arguments: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return service and operation, and each option's values."""
    command, given, values = list[str](), dict[str, list[str]](), list[str]()
    for argument in arguments:
        if argument.startswith("--"):
            values = given.setdefault(argument[2:], [])
        elif given:
            values.append(argument)
        else:
            command.append(argument)
    return command, given


def _run(command: list[str], given: dict[str, list[str]], folder: Path) -> Iterator[str]:
    match command:
        case [service, operation]:
            client = _session().client(SERVICES.get(service, service))
        case _:
            raise UsageFault(f"expected a service and an operation: {' '.join(command)}")
    query, form = given.pop("query", None), given.pop("output", ["json"])
    model = client.meta.service_model
    name = next((name for name in model.operation_names if xform_name(name, "-") == operation), None)
    if name is None:
        raise UsageFault(f"{service} has no operation {operation}")
    members = model.operation_model(name).input_shape.members
    options = {xform_name(member, "-"): (member, shape) for member, shape in members.items()}
    options |= {f"no-{key}": item for key, item in options.items() if item[1].type_name == "boolean"}
    if unknown := sorted(given.keys() - options.keys()):
        raise UsageFault(f"Unknown options: --{', --'.join(unknown)}")
    parameters = {
        options[key][0]: _value(options[key][1], key, [_read(value, folder) for value in values])
        for key, values in given.items()
    }
    method = xform_name(name)
    if client.can_paginate(method):  # the AWS CLI reads all pages
        answer = client.get_paginator(method).paginate(**parameters).build_full_result()
    else:
        answer = getattr(client, method)(**parameters)
    answer.pop("ResponseMetadata", None)
    result = jmespath.search(query[0], answer) if query else answer
    if form == ["text"]:
        return _text(result)
    return iter([] if result == {} else [json.dumps(result, indent=4, default=str)])


@cache
def _session() -> Any:
    """Return a session that keeps the models it has read."""
    return boto3.Session()


def _read(value: str, folder: Path) -> str:
    return (folder / value[7:]).read_text(encoding="utf-8") if value.startswith("file://") else value


def _value(shape: Shape, option: str, values: list[str]) -> Any:
    if shape.type_name == "boolean" and not values:
        return not option.startswith("no-")
    if shape.type_name == "list" and not values[0].startswith(("[", "{")):
        return [_one(shape.member, value) for value in values]  # type: ignore[attr-defined]
    if len(values) != 1:
        raise UsageFault(f"--{option} takes one value, and has {values}")
    return _one(shape, values[0])


def _one(shape: Shape, text: str) -> Any:
    if shape.type_name in ("structure", "map", "list"):
        if text.startswith(("[", "{")):
            return json.loads(text)
        return {key: _one(shape.members[key], value) for key, value in _shorthand(shape, text)}  # type: ignore[attr-defined]
    return SCALARS.get(shape.type_name, str)(text)


def _shorthand(shape: Shape, text: str) -> Iterator[tuple[str, str]]:
    """Yield the members of `Name=vpc-id,Values=a,b`: a part without `=` continues the value before it."""
    parts: list[list[str]] = []
    for part in text.split(","):
        if "=" in part:
            parts.append(part.split("=", 1))
        else:
            parts[-1][1] += f",{part}"
    for key, value in parts:
        listed = shape.members[key].type_name == "list"  # type: ignore[attr-defined]
        yield key, json.dumps(value.split(",")) if listed else value


def _text(result: Any) -> Iterator[str]:
    """Yield the lines of `--output text`: scalars, lists of them joined by tabs, lists of lists."""
    match result:
        case [[*_], *_]:
            for row in result:
                yield from _text(row)
        case list():
            yield "\t".join(map(str, result))
        case _:
            yield str(result)
