"""YAML with line numbers.

PyYAML's values have no lines. Its nodes do, and are composed before the values are constructed from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import cast

import yaml

from cryptoetl.errors import ConfigError, ConfigProblem
from cryptoetl.util.files import unreadable

MAX_CONFIG_BYTES = 4_000_000
"""Larger files are refused; ten thousand currencies need half of it."""

MAX_VALUES = 1_000_000
"""Keys and values of a document with each alias (`*a`) replaced by its anchor. A few nested anchors can
expand to more than fits into memory."""

Location = Sequence[str | int]
"""Keys and list indices that lead to a node."""


def scalar(value: object) -> str:
    """Return a value for a message, cut to 40 characters; `a list or keys` for anything but a scalar."""
    if isinstance(value, list | dict | set):
        return "a list or keys"
    shown = value.isoformat() if isinstance(value, date) else repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def compose(path: Path) -> tuple[yaml.Node, object]:
    """Return the file's node tree, which has line numbers, and its values, which have none.

    Raises:
        ConfigError: The file cannot be read, is not valid YAML, or holds no keys.
    """
    text = _text(path)
    root: yaml.Node | None = None
    try:
        root = _composed(text)
        if not isinstance(root, yaml.MappingNode):
            raise _error(path, "must hold keys such as pipeline, target and currencies")
        if found := _too_large(root):
            node, reason = found
            raise _error(path, reason, node.start_mark)
        # Constructing the values adds what `<<` merges to a node's own keys: duplicates are found before.
        if duplicates := list(_duplicate_keys(path, root)):
            raise ConfigError(duplicates)
        return root, yaml.SafeLoader("").construct_document(root)
    except yaml.MarkedYAMLError as error:
        reason = " ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        raise _error(path, f"is not valid YAML: {reason}", mark) from None
    except yaml.YAMLError as error:
        raise _error(path, f"is not valid YAML: {error}") from None
    except RecursionError:
        raise _error(path, "is nested too deeply") from None
    except _CONSTRUCTION_ERRORS:  # 2024-13-45, for example, which YAML takes for a date
        assert root is not None, "composing raises YAMLError"
        node = _unreadable_value(root)
        reason = f"YAML cannot read the value {scalar(node.value)}: put it in quotes"
        raise _error(path, reason, node.start_mark) from None


_DEEPEST = 400
"""Levels of nesting that are certain to be read without a stack overflow in libyaml."""


def _composed(text: str) -> yaml.Node | None:
    """Return the node tree, by libyaml if it can: ten thousand currencies take it a quarter of the time.

    Errors are those of the slower loader, whose messages say more. So is what may be nested deeply: libyaml's
    loader recurses without a limit. The depth is at most the number of brackets plus the longest line.
    """
    brackets = text.count("[") + text.count("{")
    if yaml.__with_libyaml__ and brackets + max(map(len, text.splitlines()), default=0) <= _DEEPEST:
        with suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=yaml.CSafeLoader)
    return yaml.compose(text, Loader=yaml.SafeLoader)


_CONSTRUCTION_ERRORS = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)
"""What PyYAML raises, apart from YAMLError, for a value that it cannot construct."""


def _text(path: Path) -> str:
    if reason := unreadable(path):
        if reason != "does not exist":
            raise _error(path, reason)
        raise ConfigError(
            [ConfigProblem(path, None, None, "no such configuration file")],
            hint="`cryptoetl init DIR` writes one for the files of a folder; -c/--config or CRYPTOETL_CONFIG "
            "names another one.",
        )
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise _error(path, f"is larger than {MAX_CONFIG_BYTES:,} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _error(path, "is not UTF-8 text") from None
    except OSError as error:
        raise _error(path, f"cannot be read ({error.strerror})") from None


def _error(path: Path, message: str, mark: yaml.Mark | None = None) -> ConfigError:
    return ConfigError([ConfigProblem(path, mark.line + 1 if mark else None, None, message)])


def _too_large(root: yaml.Node) -> tuple[yaml.Node, str] | None:
    """Return a node that contains itself or expands to more than `MAX_VALUES`, and the problem; or None."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = math.inf  # seen by a node inside it that refers back to it
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
    """Return the first value that PyYAML cannot construct; `root` if it can construct each alone."""
    for node in _nodes(root):
        if isinstance(node, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_document(node)
            except _CONSTRUCTION_ERRORS:
                return node
    return root


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield every node once, in the order of the file, however often aliases repeat it."""
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        stack.extend(reversed(_parts(node)))


def find(root: yaml.Node, location: Location) -> yaml.Node | None:
    """Return the node at `location`, or None."""
    node: yaml.Node = root
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # From the end: merged keys come first, and a node's own keys override them.
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
    """Return the nodes of the list at a top-level key; empty if there is no list."""
    node = find(root, (key,))
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def line_of(root: yaml.Node, location: Location) -> int:
    """Return the line of the field at `location`, or of the innermost node around it that exists."""
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
    """Yield a problem for each repeated key, of which PyYAML would silently use the last."""
    for node in _nodes(root):
        keys = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    yield ConfigProblem(path, key.start_mark.line + 1, str(key.value), "is given twice")
                keys.add(key.value)
