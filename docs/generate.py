"""Write the generated parts of the documentation: `python -m docs.generate`, or `make pages`.

A page has a generated part between the comments `generated: NAME` and `end of NAME`; everything else on it is
written by hand. A test compares the pages with what this module makes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from cryptoetl.aws.stack import review
from cryptoetl.config import json_schema
from cryptoetl.config.aws import Aws
from cryptoetl.config.fields import Model
from cryptoetl.config.models import Config
from cryptoetl.state_machine import prices

FOLDER = Path(__file__).parent
RUNS_A_MONTH = 30


def main() -> None:
    """Write every page that has a generated part."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


def pages() -> dict[Path, str]:
    """Return each page that has a generated part, with that part made anew."""
    parts = {
        FOLDER / "settings.md": {"settings": settings()},
        FOLDER / "costs.md": {"costs of a run": costs_of_a_run(), "choices": costs_of_choices()},
        FOLDER / "groups.md": {"costs of groups": costs_of_groups()},
    }
    return {path: _with_parts(path.read_text(encoding="utf-8"), made) for path, made in parts.items()}


def _with_parts(text: str, parts: Mapping[str, str]) -> str:
    for name, made in parts.items():
        before, begin, rest = text.partition(f"<!-- generated: {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->\n")
        assert begin, name
        assert end, name
        text = f"{before}{begin}\n{made}\n{end}{after}"
    return text


# --- the settings, from the models of the configuration ------------------------------------------------


def models(model: type[Model] = Config, prefix: str = "") -> Iterator[tuple[str, type[Model]]]:
    """Yield the path of each part of the configuration, such as `aws.glue`, and its model."""
    yield prefix, model
    for name, annotation in _named(model).items():
        for inner in _models_in(annotation):
            yield from models(inner, f"{prefix}.{name}" if prefix else name)


def _named(model: type[Model]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def settings() -> str:
    """Return a section for each part of the configuration, with a table of its settings."""
    return "\n".join(_section(path, model) for path, model in models())


def _section(path: str, model: type[Model]) -> str:
    title = f"`{path}`" if path else "The file"
    described = " ".join((model.__doc__ or "").split())
    lines = [
        f"## {title}",
        "",
        _escaped(described),
        "",
        "| setting | value | default | |",
        "|---|---|---|---|",
    ]
    schema = json_schema()
    own = schema if model is Config else schema["$defs"][model.__name__]
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = list(_models_in(field.annotation))
        link = ", ".join(f"[below](#{_anchor(f'{path}.{key}' if path else key)})" for _ in inner[:1])
        value = link or _value(own["properties"][key])
        default = "**required**" if field.is_required() else "" if inner else _default(field.default)
        text = _escaped(" ".join((field.description or "").split()))
        lines.append(f"| `{key}` | {value} | {default} | {text} |")
    return "\n".join([*lines, ""])


def _anchor(path: str) -> str:
    return path.replace(".", "").lower()


def _value(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, from its JSON Schema."""
    if "anyOf" in schema:
        return " or ".join(_value(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{_escaped(_yaml(option))}`" for option in schema["enum"])
    match schema.get("type"):
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number":
            return "number" + _bounds(schema)
        case "array":
            return f"list of {_value(schema['items'])}"
        case "object":
            values = schema.get("additionalProperties", True)
            return (
                f"keys, each with {_value(values)}"
                if isinstance(values, dict) and values
                else "keys and values"
            )
        case "string" if schema.get("format") == "path":
            return "path"
        case _:
            return "text"


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return ""
    return f", {low} to {high:,}" if high is not None else f", at least {low}"


def _default(value: object) -> str:
    if value is None or value in ((), {}):
        return ""
    return f"`{_escaped(_yaml(value if isinstance(value, bool | int) else str(value)))}`"


def _yaml(value: bool | int | str) -> str:
    """Return a value as it is written in YAML, with quotes where they are needed."""
    if isinstance(value, str):
        return json.dumps(value) if value in (",", ".", ";", "|") or value[:1].isdigit() else value
    return json.dumps(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


# --- the costs, from the estimate that a deploy shows ---------------------------------------------------


def costs_of_a_run() -> str:
    """Return the table of what a run and a month of daily runs cost with the default settings."""
    lines = ["| currencies | Glue | Redshift | Step Functions | a run | a month of daily runs |"]
    lines.append("|--:|--:|--:|--:|--:|--:|")
    for currencies in (2, 10, 50, 200):
        made = review.cost(Aws(), currencies)
        glue = sum(usd for part, usd in made.parts.items() if part.startswith("Glue"))
        row = [glue, made.parts["Redshift Serverless"], made.parts["Step Functions"], made.total]
        cells = [_usd(usd) for usd in (*row, made.total * RUNS_A_MONTH)]
        lines.append(f"| {currencies} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"Prices of {prices.AS_OF}.", ""])


CHOICES: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("the defaults", {}),
    ("`glue: {flex: true}`", {"glue": {"flex": True}}),
    ("`redshift: {capacity: 4}`", {"redshift": {"capacity": 4}}),
    (
        "`glue: {flex: true}` and `redshift: {capacity: 4}`",
        {"glue": {"flex": True}, "redshift": {"capacity": 4}},
    ),
    ("`glue: {worker_type: G.2X}`", {"glue": {"worker_type": "G.2X"}}),
    ('`glue: {version: "5.0"}`', {"glue": {"version": "5.0"}}),
)
"""Settings that change the costs, as they are written in the part `aws`."""


def costs_of_groups() -> str:
    """Return a table of the costs of a run, as branches and in groups."""
    lines = ["| currencies | a branch each | groups of 10 | groups of 25 |", "|--:|--:|--:|--:|"]
    for currencies in (10, 250, 1_000, 10_000):
        cells = (review.cost(Aws(), currencies, size=size).total for size in (1, 10, 25))
        lines.append(f"| {currencies:,} | {' | '.join(map(_usd, cells))} |")
    return "\n".join(lines)


def costs_of_choices() -> str:
    """Return the table of what a month of daily runs of ten currencies costs with other settings."""
    lines = ["| settings of `aws` | a run of 10 currencies | a month of daily runs |", "|---|--:|--:|"]
    for written, values in CHOICES:
        total = review.cost(Aws.model_validate(values), 10).total
        lines.append(f"| {written} | {_usd(total)} | {_usd(total * RUNS_A_MONTH)} |")
    return "\n".join([*lines, ""])


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.01 else f"${amount:.4f}"


if __name__ == "__main__":
    main()
