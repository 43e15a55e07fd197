"""A YAML file as nodes that know their lines, and what is said when it is no YAML.

PyYAML's values have lost their lines; its nodes have them, and are composed before the values are made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import cast

import yaml

from cryptoetl.errors import ConfigError, ConfigProblem
from cryptoetl.util.files import unreadable

MAX_CONFIG_BYTES = 4_000_000
"""A file above this is not read: ten thousand currencies fit in half of it."""

MAX_VALUES = 1_000_000
"""Keys and values of a document when each alias (`*a`) is replaced by what it stands for: anchors that repeat
each other a few times could otherwise stand for more than any memory holds."""

Location = Sequence[str | int]
"""Keys and places in lists that lead to a node."""


def scalar(value: object) -> str:
    """A value for a message, cut to 40 characters; a list or keys in a word."""
    if isinstance(value, list | dict | set):
        return "a list or keys"
    shown = value.isoformat() if isinstance(value, date) else repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def compose(path: Path) -> tuple[yaml.Node, object]:
    """The node tree of the file, which knows its lines, and its values, which do not."""

    def problem(message: str, line: int | None = None) -> ConfigError:
        return ConfigError([ConfigProblem(path, line, None, message)])

    if reason := unreadable(path):
        if reason != "does not exist":
            raise problem(reason)
        raise ConfigError(
            [ConfigProblem(path, None, None, "no such configuration file")],
            hint="Name one with -c/--config or CRYPTOETL_CONFIG; config.example.yaml shows the form.",
        )
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise problem(f"is larger than {MAX_CONFIG_BYTES:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise problem("is not UTF-8 text") from None
    except OSError as error:
        raise problem(f"cannot be read ({error.strerror})") from None
    try:
        root, values = yaml.compose(text, Loader=yaml.SafeLoader), None
        if isinstance(root, yaml.MappingNode):
            if found := _too_large(root):
                node, reason = found
                raise problem(reason, node.start_mark.line + 1)
            # Before the values are made: that puts what `<<` merges beside a node's own keys.
            if duplicates := list(_duplicate_keys(path, root)):
                raise ConfigError(duplicates)
            values = yaml.SafeLoader("").construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise problem(f"is not valid YAML: {reason}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise problem(f"is not valid YAML: {error}") from None
    except RecursionError:
        raise problem("is nested too deeply") from None
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
        assert root is not None
        node = _unreadable_value(root)  # 2024-13-45, which YAML takes for a date, or !!bool perhaps
        reason = f"YAML cannot read the value {scalar(node.value)}: put it in quotes"
        raise problem(reason, node.start_mark.line + 1) from None
    if not isinstance(root, yaml.MappingNode):
        raise problem("must hold keys such as pipeline, target and currencies")
    return root, values


def _too_large(root: yaml.Node) -> tuple[yaml.Node, str] | None:
    """Return a node that contains itself or is too large by `MAX_VALUES`, and which of the two it is."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = math.inf  # for those inside it, which then contain it
            sizes[id(node)] = 1 + sum(map(size, _parts(node)))
        return sizes[id(node)]

    if size(root) <= MAX_VALUES:
        return None
    too_large = [node for node in _nodes(root) if sizes[id(node)] > MAX_VALUES]
    node = min(too_large, key=lambda node: sizes[id(node)])
    if math.isinf(sizes[id(node)]):
        return too_large[-1], "contains itself, by an anchor and its alias"
    return node, f"expands to more than {MAX_VALUES:,} values by its anchors and aliases"


def _parts(node: yaml.Node) -> list[yaml.Node]:
    """Return the nodes of a list, or the keys and values of a mapping."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return []


def _unreadable_value(root: yaml.Node) -> yaml.Node:
    """The first value that PyYAML cannot make; `root` if each can be made alone."""
    for node in _nodes(root):
        if isinstance(node, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_document(node)
            except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
                return node
    return root


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, those that aliases repeat as well, in the order of the file."""
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        stack.extend(reversed(_parts(node)))


def find(root: yaml.Node, location: Location) -> yaml.Node | None:
    node: yaml.Node = root
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # From the end: what `<<` merges comes first, and a node's own keys win over it.
            found = next((value for key, value in reversed(node.value) if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        else:
            found = None
        if found is None:
            return None
        node = found
    return node


def items(root: yaml.Node, key: str) -> list[yaml.Node]:
    node = find(root, (key,))
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def line_of(root: yaml.Node, location: Location) -> int:
    """The line of the field at `location`, or of the nearest thing around it that exists."""
    for end in range(len(location), 0, -1):
        parent = find(root, location[: end - 1])
        if isinstance(parent, yaml.MappingNode):
            for key, _ in reversed(parent.value):
                if key.value == str(location[end - 1]):
                    return cast(int, key.start_mark.line) + 1
        if (node := find(root, location[:end])) is not None:
            return cast(int, node.start_mark.line) + 1
    return cast(int, root.start_mark.line) + 1


def _duplicate_keys(path: Path, root: yaml.Node) -> Iterator[ConfigProblem]:
    """PyYAML lets the last of two equal keys win in silence."""
    for node in _nodes(root):
        keys = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    yield ConfigProblem(path, key.start_mark.line + 1, str(key.value), "is given twice")
                keys.add(key.value)
