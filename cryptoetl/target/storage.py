"""Storage of raw files: the contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptoetl.errors import EnvironmentFault


@dataclass(frozen=True)
class StoredFile:
    """A stored file in a listing; `md5` is None if the listing does not contain it."""

    size: int
    md5: str | None = None


class Storage(Protocol):
    """The raw files (bronze), by key. Several threads may call the methods."""

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Return the stored ones of these keys, with few calls."""

    def sha256(self, key: str) -> str | None:
        """Return the SHA-256 of the stored file in hexadecimal; None if it is unknown or there is no file."""

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        name: str | None = None,
    ) -> None:
        """Store the file, whole or not at all; `on_bytes` receives the size of each part that was written.

        `sha256` is that of the file that was checked: if it has changed since, nothing is stored and
        EnvironmentFault is raised. `name`, the file's own name, is stored with it.
        """

    def location(self, key: str) -> str:
        """Return where the file is, for messages."""


def changed_meanwhile(source: Path) -> EnvironmentFault:
    """Return the error for a file that changed after it was checked."""
    return EnvironmentFault(
        f"{source} was changed while it was being uploaded; what was stored before is unchanged",
        hint="Run the same command again when no other program writes to the file.",
    )
