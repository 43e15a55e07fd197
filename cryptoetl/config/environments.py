"""Environments: small differences that are laid over a configuration file, and where that file is found."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cryptoetl.config.yaml_lines import find, line_of
from cryptoetl.errors import ConfigError, ConfigProblem, UsageError
from cryptoetl.util.text import did_you_mean

KEY = "environments"
FILE_NAME = "config.yaml"

_CURRENCIES = re.compile(r"""^\s*["']?currencies["']?\s*:""", re.MULTILINE)


class Source(NamedTuple):
    """Where a configuration is read from: a file, and one of its environments."""

    path: Path
    environment: str | None = None

    def __str__(self) -> str:
        return f"{self.path}, environment {self.environment}" if self.environment else str(self.path)


def find_file(folder: Path) -> Path:
    """Return the path of config.yaml in a folder or the nearest one above it, by default in the folder.

    Above the folder, a file counts only if it names currencies and belongs to the user or to root: it decides
    which scripts are run, and another user could have put it there.
    """
    here = folder / FILE_NAME
    if here.exists():
        return here
    return next((path for parent in folder.parents if _is_ours(path := parent / FILE_NAME)), here)


def _is_ours(path: Path) -> bool:
    try:
        owners = {os.getuid(), 0}
        return path.stat().st_uid in owners and bool(_CURRENCIES.search(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError):
        return False


def names(root: yaml.Node) -> tuple[str, ...]:
    """Return the names of a file's environments."""
    node = find(root, (KEY,))
    if not isinstance(node, yaml.MappingNode):
        return ()
    return tuple(dict.fromkeys(str(key.value) for key, _ in node.value))


def overlaid(path: Path, root: yaml.Node, name: str) -> tuple[yaml.Node, Any]:
    """Return nodes and values of a file with an environment laid over it, and without its environments.

    Keys are merged at every depth; lists and scalars are replaced. Each node keeps its line in the file.

    Raises:
        UsageError: The file has no such environment.
        ConfigError: The environment holds no keys.
    """
    known = names(root)
    if name not in known:
        raise UsageError(f"{path} has no environment {name!r}", hint=_known(name, known))
    over = find(root, (KEY, name))
    if not isinstance(over, yaml.MappingNode):
        problem = "must hold keys, one per line, each with its value"
        raise ConfigError([ConfigProblem(path, line_of(root, (KEY, name)), f"{KEY}.{name}", problem)])
    assert isinstance(root, yaml.MappingNode), "only a mapping has the key"
    base = yaml.MappingNode(
        root.tag, [pair for pair in root.value if pair[0].value != KEY], root.start_mark, root.end_mark
    )
    merged = _merged(base, over)
    return merged, yaml.SafeLoader("").construct_document(merged)


def _known(name: str, known: Sequence[str]) -> str:
    if not known:
        return f"Add it below the key {KEY}: docs/operating.md shows how."
    return f"{did_you_mean([name], known)}It has {', '.join(known)}."


def _merged(base: yaml.MappingNode, over: yaml.MappingNode) -> yaml.MappingNode:
    # A mapping whose `<<` is resolved has merged keys first, which its own ones override.
    pairs = {key.value: (key, value) for key, value in base.value}
    for key, value in {key.value: (key, value) for key, value in over.value}.values():
        below = pairs.get(key.value)
        if (
            below is not None
            and isinstance(below[1], yaml.MappingNode)
            and isinstance(value, yaml.MappingNode)
        ):
            value = _merged(below[1], value)
        pairs[key.value] = (key, value)
    return yaml.MappingNode(base.tag, list(pairs.values()), over.start_mark, over.end_mark)
