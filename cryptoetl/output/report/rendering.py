"""The state machine in the formats of `render machine`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, assert_never, get_args

from cryptoetl.errors import UsageError
from cryptoetl.output.report import graph, machine

Format = Literal["json", "svg", "mermaid"]


def format_named(name: str) -> Format:
    """Return the format of that name. Raises UsageError for an unknown one."""
    for known in get_args(Format):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise UsageError(f"{name!r} is not a format", hint=f"Choose one of {', '.join(get_args(Format))}.")


def rendered(definition: Mapping[str, Any], form: Format) -> str:
    """Return the definition itself as JSON (Amazon States Language), or its picture."""
    match form:
        case "json":
            return json.dumps(definition, indent=2, ensure_ascii=False)
        case "svg":
            return machine.svg(graph.of_machine(definition), standalone=True)
        case "mermaid":
            return graph.mermaid(graph.of_machine(definition))
        case _:
            assert_never(form)
