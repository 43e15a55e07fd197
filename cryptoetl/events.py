"""Events: what the use cases report while they work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from cryptoetl.state_machine.status import ExecutionStatus


@dataclass(frozen=True)
class Phase:
    """A new phase of the work begins."""

    name: str


@dataclass(frozen=True)
class FileProgress:
    """`done` of `total` bytes of a raw file were read or, if `copied`, uploaded; `label` is its ticker."""

    label: str
    file: Path
    done: int
    total: int
    copied: bool = False


@dataclass(frozen=True)
class Transfer:
    """`files` more files, `bytes` in size together, are going to be copied.

    An upload emits one per currency, as soon as that has passed the check: the totals add up.
    """

    files: int
    bytes: int


@dataclass(frozen=True)
class Counted:
    """`done` of `total` currencies are through the current phase."""

    done: int
    total: int


@dataclass(frozen=True)
class Progressed:
    """The status of an execution has changed."""

    status: ExecutionStatus


@dataclass(frozen=True)
class Warned:
    """The user should know of something that does not stop the work."""

    message: str


@dataclass(frozen=True)
class Remarked:
    """The user may want to know this, and nothing is wrong."""

    message: str


@dataclass(frozen=True)
class ResourceProgress:
    """A deploy or destroy has reached this resource; `done` counts the finished ones."""

    what: str
    name: str
    status: Literal["begins", "created", "changed", "removed", "kept", "taken back", "failed"]
    reason: str
    done: int
    total: int | None


Event = Phase | Counted | FileProgress | Transfer | Progressed | Remarked | ResourceProgress | Warned

Observe = Callable[[Event], None]

T = TypeVar("T")


def counted(items: Iterable[T], total: int, observe: Observe) -> Iterator[T]:
    """Yield the items, one of each currency, and report how many are done."""
    for number, item in enumerate(items):
        observe(Counted(number, total))
        yield item
    observe(Counted(total, total))
