"""The folder in which the local target lives: its places, its lock, and the words when the disk refuses."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptoetl.errors import BusyError, EnvironmentFault
from cryptoetl.state_machine.bundle import Layout
from cryptoetl.util.atomic import replacing
from cryptoetl.util.files import load_json


@dataclass(frozen=True)
class Home:
    """Where everything is below `path`; nothing is created until something is written."""

    path: Path

    @property
    def raw(self) -> Path:
        return self.path / "lake" / "raw"

    @property
    def silver(self) -> Path:
        return self.path / "lake" / "silver"

    @property
    def gold(self) -> Path:
        return self.path / "lake" / "gold"

    @property
    def temp(self) -> Path:
        return self.path / "lake" / "temp"

    @property
    def deployed(self) -> Path:
        return self.path / "deployed"

    @property
    def executions(self) -> Path:
        return self.path / "executions"

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse.duckdb"

    @property
    def data(self) -> tuple[Path, ...]:
        """What runs have made, beside what is deployed."""
        return (self.path / "lake", self.warehouse, self.executions)

    def layout(self) -> Layout:
        return Layout(*(place.absolute().as_uri() for place in (self.raw, self.silver, self.gold, self.temp)))

    @contextmanager
    def exclusive(self, command: str) -> Iterator[None]:
        """Hold the home for `command`. Raises BusyError if another process holds it."""
        from filelock import FileLock, Timeout

        owner = self.path / "owner.json"
        with naming_path(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            lock = FileLock(self.path / "lock", timeout=0)
            try:
                lock.acquire()
            except Timeout:
                raise BusyError(
                    f"{self.path} is in use by {_owner(owner)}",
                    hint="Wait until it has ended (cryptoetl status --watch), or use another local.home.",
                ) from None
        try:
            write_atomically(owner, json.dumps({"pid": os.getpid(), "command": command}).encode())
            yield
        finally:
            owner.unlink(missing_ok=True)
            lock.release()


def _owner(file: Path) -> str:
    try:
        owner = load_json(file.read_bytes())
        return f"`cryptoetl {owner['command']}` (process {owner['pid']})"
    except (OSError, ValueError, LookupError, TypeError):
        return "another cryptoetl process"


@contextmanager
def naming_path(path: Path) -> Iterator[None]:
    """Turn an OSError into an EnvironmentFault that names the path and the next step."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        hint = "Choose another place with local.home, or make this one writable."
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint = "Free some space and run the same command again: it continues where it stopped."
        raise EnvironmentFault(f"cannot write {where}: {error.strerror or error}", hint=hint) from error


def write_atomically(path: Path, content: bytes) -> None:
    """The file is the old one or the new one, never a part. Raises EnvironmentFault."""
    with naming_path(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, mode=0o644) as file:
            file.write(content)
