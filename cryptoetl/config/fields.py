"""Types of the configuration's fields, and the base of its models: unknown keys are refused.

YAML is generous in what it makes of a bare word; these say so instead of taking it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cryptoetl.config.yaml_lines import scalar


def _yes_or_no(value: object) -> object:
    """YAML booleans, and the Y/N of the original pipeline (PyYAML reads a bare Y as text)."""
    if isinstance(value, str) and value.strip().lower() in {"y", "yes", "n", "no"}:
        return value.strip().lower().startswith("y")
    if not isinstance(value, bool):
        raise ValueError("must be true or false (or Y or N)")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _text(value: object) -> object:
    """YAML turns a bare ON, NO, 1e5 or 2024-01-01 into something else than text."""
    if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("must not hold line breaks or other control characters")
    if value is None or isinstance(value, str | Path):
        return value
    if isinstance(value, list | dict | set):  # never its repr: aliases can make a small file endless
        raise ValueError("must be text, not a list or keys")  # noqa: TRY004 - pydantic wants ValueError
    raise ValueError(f"must be text, but YAML reads it as {scalar(value)}: put it in quotes")


def _column(value: object) -> object:
    """A column's name, or its number in a file without a header line."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("columns are numbered from 1")
        return value
    if value is None:
        raise ValueError("must have a value")
    if value == "" or (isinstance(value, str) and re.fullmatch("#[0-9]+", value)):
        raise ValueError(f"{value!r} is not a column: give its name, or its number without a sign or quotes")
    return _text(value)


def _delimiter(value: object) -> object:
    return "tab" if value == "\t" else _text(value)


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
FilePath = Annotated[Path, BeforeValidator(_text)]
Column = Annotated[str | int, BeforeValidator(_column)]
Delimiter = Annotated[Literal[",", ";", "|", "tab"], BeforeValidator(_delimiter)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
