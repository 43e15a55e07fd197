"""Field types of the configuration, and the base of its models, which refuses unknown keys.

YAML turns some unquoted words into booleans, numbers or dates. These types refuse them where text is meant.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from cryptoetl.config.yaml_lines import scalar


def _yes_or_no(value: object) -> object:
    """Accept YAML booleans, and Y and N, which PyYAML reads as text."""
    if isinstance(value, str) and value.strip().lower() in {"y", "yes", "n", "no"}:
        return value.strip().lower().startswith("y")
    if not isinstance(value, bool):
        raise ValueError("must be true or false (or Y or N)")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _text(value: object) -> object:
    """Refuse what YAML does not read as text, such as an unquoted NO, 1e5 or 2024-01-01."""
    if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("must not hold line breaks or other control characters")
    if value is None or isinstance(value, str | Path):
        return value
    if isinstance(value, list | dict | set):  # aliases can make its repr endless
        raise ValueError("must be text, not a list or keys")  # noqa: TRY004 - pydantic wants ValueError
    raise ValueError(f"must be text, but YAML reads it as {scalar(value)}: put it in quotes")


def _column(value: object) -> object:
    """Accept a column's name, or its number in a file without a header line."""
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


def matching(pattern: str, what: str) -> AfterValidator:
    """Return a validator of ASCII text that must match the whole pattern; `what` says what it must be."""

    def check(value: str) -> str:
        # CloudFormation returns templates with a question mark for every character beyond ASCII.
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"{value!r} is not {what}")
        return value

    return AfterValidator(check)


def listed(value: object) -> object:
    """Accept a single name in place of a list."""
    return (value,) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
FilePath = Annotated[Path, BeforeValidator(_text)]
Column = Annotated[str | int, BeforeValidator(_column)]
Delimiter = Annotated[Literal[",", ";", "|", "tab"], BeforeValidator(_delimiter)]


class Model(BaseModel):
    """Base of the models: immutable, without unknown keys, described by the docstrings of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
