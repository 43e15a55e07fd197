"""Storage of raw files: the contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptoetl.errors import EnvironmentFault


@dataclass(frozen=True)
class StoredFile:
    """A stored file as a listing knows it; `md5` is None where the listing does not tell it."""

    size: int
    md5: str | None = None


class Storage(Protocol):
    """The raw files (bronze), by key. Several threads may use it."""

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Which of the keys have a file, with few calls."""

    def sha256(self, key: str) -> str | None:
        """SHA-256 of the stored file in hexadecimal; None if it is not known, or if there is no file."""

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        name: str | None = None,
    ) -> None:
        """Store the file whole or not at all; `on_bytes` receives the size of each part as it is written.

        `sha256` is of the file that is meant. Raises EnvironmentFault, and stores nothing, if it has changed.
        `name`, the file's own, is kept beside it.
        """

    def location(self, key: str) -> str:
        """Where the file is, for people."""


def changed_meanwhile(source: Path) -> EnvironmentFault:
    """Return the error for a file that is no longer the one that was checked."""
    return EnvironmentFault(
        f"{source} was changed while it was being uploaded; what was stored before stays",
        hint="Run the same command again when nothing writes to it.",
    )
