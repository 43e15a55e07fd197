"""The home folder of the local target: its paths, its lock, atomic writes and file system errors."""

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
    """The paths below `path`; folders are created by the first write."""

    path: Path

    @property
    def raw(self) -> Path:
        """Return the folder of the raw files (bronze)."""
        return self.path / "lake" / "raw"

    @property
    def silver(self) -> Path:
        """Return the folder of the silver sets."""
        return self.path / "lake" / "silver"

    @property
    def gold(self) -> Path:
        """Return the folder of the gold sets."""
        return self.path / "lake" / "gold"

    @property
    def temp(self) -> Path:
        """Return the folder that stands for the connector's temporary one."""
        return self.path / "lake" / "temp"

    @property
    def lists(self) -> Path:
        """Return the folder of the lists of currencies, whose keys begin with its name."""
        return self.path / "lists"

    @property
    def deployed(self) -> Path:
        """Return the folder of the deployed state machine, jobs and scripts."""
        return self.path / "deployed"

    @property
    def executions(self) -> Path:
        """Return the folder of the executions' records."""
        return self.path / "executions"

    @property
    def warehouse(self) -> Path:
        """Return the DuckDB file."""
        return self.path / "warehouse.duckdb"

    @property
    def data(self) -> tuple[Path, ...]:
        """Return what `destroy` keeps without --delete-data: the results of uploads and runs."""
        return (self.path / "lake", self.warehouse, self.executions, self.lists)

    def layout(self) -> Layout:
        """Return the URIs of the data folders, as the jobs receive them."""
        raw, silver, gold, temp, lists = (
            place.absolute().as_uri() for place in (self.raw, self.silver, self.gold, self.temp, self.path)
        )
        return Layout(raw, silver, gold, temp, lists=lists)

    @contextmanager
    def exclusive(self, command: str) -> Iterator[None]:
        """Lock the home for `command`. Raises BusyError if another process has locked it."""
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
    """Translate an OSError into an EnvironmentFault that names the path and the next step."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        hint = "Choose another place with local.home, or make this one writable."
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint = "Free some space and run the same command again: it continues where it stopped."
        raise EnvironmentFault(f"cannot write {where}: {error.strerror or error}", hint=hint) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file atomically, creating its folder if needed. Raises EnvironmentFault."""
    with naming_path(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, mode=0o644) as file:
            file.write(content)
