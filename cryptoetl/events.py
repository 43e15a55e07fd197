"""What use cases report while they work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptoetl.state_machine.status import ExecutionStatus


@dataclass(frozen=True)
class Phase:
    """A new part of the work begins."""

    name: str


@dataclass(frozen=True)
class FileProgress:
    """`done` of `total` bytes of a raw file are read, or copied; `label` says for what, as its ticker."""

    label: str
    file: Path
    done: int
    total: int
    copied: bool = False


@dataclass(frozen=True)
class Transfer:
    """So many files, and bytes in all, are about to be copied; a FileProgress tells of each part."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Progressed:
    """An execution has come further."""

    status: ExecutionStatus


@dataclass(frozen=True)
class Warned:
    """Something that does not stop the work, but that the user should know."""

    message: str


@dataclass(frozen=True)
class ResourceProgress:
    """A deploy or destroy has come to this resource; `done` counts those that are through."""

    what: str
    name: str
    status: Literal["begins", "created", "changed", "removed", "kept", "taken back", "failed"]
    reason: str
    done: int
    total: int | None


Event = Phase | FileProgress | Transfer | Progressed | ResourceProgress | Warned


Observe = Callable[[Event], None]
