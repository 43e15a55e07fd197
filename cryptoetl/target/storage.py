"""Storage of raw files: the contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from cryptoetl.errors import EnvironmentFault


@dataclass(frozen=True)
class StoredFile:
    """A stored file in a listing; `md5` is None if the listing does not contain it."""

    size: int
    md5: str | None = None


class About(NamedTuple):
    """What is stored with a file: its own name, and a summary in ASCII of at most 1,800 characters."""

    name: str | None = None
    summary: str | None = None


NOTHING = About()


class Storage(Protocol):
    """The raw files (bronze), by key. Several threads may call the methods."""

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Return the stored ones of these keys, with few calls."""

    def tags(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the tags of the stored ones of these keys, with few calls: other content, another tag.

        A script sees the same tag (glue_scripts/groups.py): an ETag on AWS, the SHA-256 in a folder.
        """

    def sha256(self, key: str) -> str | None:
        """Return the SHA-256 of the stored file in hexadecimal; None if it is unknown or there is no file."""

    def summary(self, key: str) -> str | None:
        """Return the summary that was stored with the file; None if there is none, or no file."""

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        about: About = NOTHING,
    ) -> None:
        """Store the file, whole or not at all; `on_bytes` receives the size of each part that was written.

        `sha256` is that of the file that was checked: if it has changed since, nothing is stored and
        EnvironmentFault is raised. `about` is stored with the file.
        """

    def location(self, key: str) -> str:
        """Return where the file is, for messages."""


def changed_meanwhile(source: Path) -> EnvironmentFault:
    """Return the error for a file that changed after it was checked."""
    return EnvironmentFault(
        f"{source} was changed while it was being uploaded; what was stored before is unchanged",
        hint="Run the same command again when no other program writes to the file.",
    )
