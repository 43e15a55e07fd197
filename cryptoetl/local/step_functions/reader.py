"""Typed access to the JSON of a definition, which refuses by name whatever is not implemented."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptoetl.errors import UnsupportedDefinition
from cryptoetl.local.step_functions.expressions import (
    Expression,
    Object,
    Path,
    UnknownExpression,
    parse_path,
    parse_template,
)
from cryptoetl.local.step_functions.states_language import Catcher


@dataclass(frozen=True)
class Reader:
    """Typed access to one JSON object of a definition; `name` is that of its state, for messages.

    Methods raise UnsupportedDefinition.
    """

    name: str
    body: Mapping[str, Any]

    def refuse(self, what: str) -> UnsupportedDefinition:
        """Return the refusal of a part of this state."""
        return UnsupportedDefinition(f"{self.name}: {what} is not supported by the local target")

    def only(self, *fields: str) -> None:
        """Refuse fields other than these, Type and Comment."""
        if unknown := sorted(set(self.body) - {"Type", "Comment", *fields}):
            raise self.refuse(f"the field {unknown[0]!r}")

    def text(self, key: str) -> str:
        """Return the text at `key`."""
        if not isinstance(value := self.body.get(key), str):
            raise self.refuse(f"{key} {value!r}")
        return value

    def number(self, key: str, default: float) -> float:
        """Return the number at `key`, which is not negative."""
        value = self.body.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise self.refuse(f"{key} {value!r}")
        return value

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Return the object at `key`."""
        if not isinstance(value := self.body.get(key), Mapping):
            raise self.refuse(f"{key} {value!r}")
        return value

    def part(self, key: str, *fields: str) -> Reader:
        """Return the object at `key`, which may have only these fields."""
        part = Reader(self.name, self.mapping(key))
        part.only(*fields)
        return part

    def field(self, key: str) -> str | None:
        """Return the field that a ResultPath such as `$.name` names; None for null, `$` and no ResultPath."""
        if self.body.get(key) is None:
            return None
        match self.path(key).steps:
            case ():
                return None
            case (str(name),):
                return name
            case _:
                raise self.refuse(f"the {key} {self.body[key]!r}")

    def dynamic(self, key: str) -> Expression:
        """Return the expression of a key that ends in `.$`."""
        if key not in self.body:
            raise self.refuse(f"{key} {None!r}")
        found = Reader(self.name, {"of": {key: self.body[key]}}).template("of")
        assert isinstance(found, Object)
        return found.fields[0][1]

    def items(self, key: str) -> list[Any]:
        """Return the list at `key`."""
        if not isinstance(value := self.body.get(key), list):
            raise self.refuse(f"{key} {value!r}")
        return value

    def path(self, key: str) -> Path:
        """Return the path at `key`, by default `$`."""
        return self.to_path(self.body.get(key, "$"))

    def to_path(self, text: Any) -> Path:
        """Return a path; refuse forms that are not implemented."""
        try:
            return parse_path(text)
        except UnknownExpression as unknown:
            raise self.refuse(str(unknown)) from None

    def template(self, key: str) -> Expression | None:
        """Return the template at `key`; None if it is absent."""
        try:
            return parse_template(self.body[key]) if key in self.body else None
        except UnknownExpression as unknown:
            raise self.refuse(str(unknown)) from None

    def constant(self, key: str) -> Expression:
        """Return the value at `key`, taken literally."""
        return parse_template(self.body[key], literal=True)

    def next_state(self) -> str | None:
        """Return the state that follows; None at the end."""
        if ("Next" in self.body) == (self.body.get("End") is True):
            raise self.refuse("a state without either Next or End")
        return self.text("Next") if "Next" in self.body else None

    def errors(self) -> frozenset[str]:
        """Return the names in ErrorEquals."""
        names = self.items("ErrorEquals")
        # States.TaskFailed and others like it are wildcards, too; the templates name Glue's errors instead.
        if not names or any(n != "States.ALL" and re.match(r"States\.", n) for n in names):
            raise self.refuse(f"ErrorEquals {names!r}")
        return frozenset(names)

    def catchers(self) -> tuple[Catcher, ...]:
        """Return the catchers of a state."""
        return tuple(Reader(self.name, body)._catcher() for body in self.body.get("Catch", []))

    def _catcher(self) -> Catcher:
        self.only("ErrorEquals", "ResultPath", "Next")
        return Catcher(self.errors(), self.field("ResultPath"), self.text("Next"))
