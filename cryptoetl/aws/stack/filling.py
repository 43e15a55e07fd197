"""Fill in the YAML templates of definitions/: CloudFormation's short forms, options and placeholders.

`${lower_case}` is a placeholder; `${AWS::…}` and `${Name.Attribute}` are left to CloudFormation. A mapping
with `When: option` is left out unless that option is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from cryptoetl.state_machine import assets

_PLACEHOLDER = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")


def filled(name: str, options: Mapping[str, bool], values: Mapping[str, Any]) -> Any:
    """Return the template of this file as data. Raises KeyError for an unknown option or placeholder."""
    return _fill(_chosen(_read(name), options), values)


def sub(text: str) -> Any:
    """Return the text, wrapped in Fn::Sub if it contains a `${`."""
    return {"Fn::Sub": text} if "${" in text else text


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: yaml.Loader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)
    match node.tag, str(loader.construct_scalar(node)):
        case "!Ref", name:
            return {"Ref": name}
        case "!GetAtt", path:
            return {"Fn::GetAtt": path.split(".", 1)}
        case _, text:
            return {"Fn::Sub": text}


for _form in ("!Ref", "!GetAtt", "!Sub"):
    _Loader.add_constructor(_form, _short_form)


@cache
def _read(name: str) -> Any:
    text = (assets.definitions() / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


def _chosen(node: Any, options: Mapping[str, bool]) -> Any:
    """Return a copy without the mappings whose `When` is not chosen, and without `When`."""

    def wanted(item: Any) -> bool:
        return not (isinstance(item, dict) and "When" in item and not options[item["When"]])

    match node:
        case dict():
            return {
                key: _chosen(item, options) for key, item in node.items() if key != "When" and wanted(item)
            }
        case list():
            return [_chosen(item, options) for item in node if wanted(item)]
        case _:
            return node


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy with the placeholders filled in; one that is a whole string keeps its value's type."""
    match node:
        case {"Fn::Sub": str(text)}:
            return sub(_fill(text, values))
        case dict():
            return {key: _fill(item, values) for key, item in node.items()}
        case list():
            return [_fill(item, values) for item in node]
        case str() if whole := _PLACEHOLDER.fullmatch(node):
            return values[whole[1]]
        case str():
            return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), node)
        case _:
            return node
