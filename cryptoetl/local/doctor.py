"""The diagnosis of a pipeline on this machine: home, disk, deployment, warehouse, engine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptoetl.errors import BusyError, CryptoetlError
from cryptoetl.local.glue.engine import Engine
from cryptoetl.local.home import Home, naming_path
from cryptoetl.local.warehouse import LocalWarehouse
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.target.diagnosis import Area, Check, Diagnosis, carry_out
from cryptoetl.util import installation
from cryptoetl.util.files import load_json
from cryptoetl.util.text import one_line

HOME = Area("home")
STACK = Area("deployment")
WAREHOUSE = Area("warehouse")
ENGINE = Area("engine")

TOO_LITTLE = 100_000_000
LITTLE = 1_000_000_000
"""Bytes of free space below which a run fails, or may fail."""
CONNECT_SECONDS = 5.0
CONNECT_PORT = 15002
"""Port of a Spark Connect server (Spark documentation, Spark Connect Overview)."""


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class LocalDoctor:
    """Reads, and leaves nothing behind.

    `deployed` reads what is deployed; `free` returns the free bytes of a folder's file system.
    """

    def __init__(
        self,
        home: Home,
        schema: str,
        engine_url: str | None,
        deployed: Callable[[], Bundle | None],
        free: Callable[[Path], int] = _free,
    ) -> None:
        self._home = home
        self._schema = schema
        self._current = deployed
        self._engine_url = engine_url
        self._free = free

    def diagnose(self, _connect: bool) -> Iterator[Diagnosis]:
        """Yield the diagnoses; asking the warehouse costs nothing here, and is always done."""
        return carry_out(
            [
                Check(HOME, str(self._home.path), self._writable),
                Check(HOME, "disk space", self._space),
                Check(HOME, "lock", self._lock),
                Check(STACK, "state machine", self._deployed),
                Check(WAREHOUSE, str(self._home.warehouse), self._warehouse),
                Check(ENGINE, self._engine_url or "Sail", self._engine),
            ]
        )

    def _folder(self) -> Path:
        """Return the home, or the folder in which it would be created."""
        return next(path for path in (self._home.path, *self._home.path.parents) if path.exists())

    def _writable(self) -> Iterator[Diagnosis]:
        what, folder = str(self._home.path), self._folder()
        try:
            with naming_path(folder), tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"0" * 4096)
        except CryptoetlError as error:
            yield HOME.failed(what, error.message, error.hint)
            return
        yield HOME.passed(what, "is writable" if folder == self._home.path else f"can be created in {folder}")

    def _space(self) -> Iterator[Diagnosis]:
        with naming_path(self._home.path):
            free = self._free(self._folder())
        detail, hint = f"{free / 1e6:,.0f} MB are free", "Free some space, or choose another local.home."
        if free < TOO_LITTLE:
            yield HOME.failed("disk space", detail, hint)
        elif free < LITTLE:
            yield HOME.warned("disk space", detail, hint)
        else:
            yield HOME.passed("disk space", detail)

    def _lock(self) -> Iterator[Diagnosis]:
        """Read who holds the home: locking it could make a command fail that begins at this moment."""
        try:
            owner = load_json((self._home.path / "owner.json").read_bytes())
            process, command = int(owner["pid"]), str(owner["command"])
        except (OSError, ValueError, LookupError, TypeError):
            yield HOME.passed("lock", "is free")
            return
        if _alive(process):
            yield HOME.warned(
                "lock",
                f"`cryptoetl {command}` (process {process}) is at work",
                "Wait until it has ended (cryptoetl status --watch).",
            )
        else:
            yield HOME.passed("lock", f"is free; `cryptoetl {command}` (process {process}) was killed")

    def _deployed(self) -> Iterator[Diagnosis]:
        try:
            bundle = self._current()
        except CryptoetlError as error:
            yield STACK.failed("state machine", error.message, error.hint)
            return
        if bundle is None:
            yield STACK.passed(
                "state machine", "is not deployed yet", "`cryptoetl deploy` or `cryptoetl up` does that."
            )
        else:
            yield STACK.passed("state machine", f"is deployed, with {', '.join(bundle.tickers[:10])}")

    def _warehouse(self) -> Iterator[Diagnosis]:
        what = str(self._home.warehouse)
        if not self._home.warehouse.exists():
            yield WAREHOUSE.passed(what, "does not exist yet: the first run creates it")
            return
        try:
            rows = LocalWarehouse(self._home, self._schema).query(
                f"SELECT count(*) FROM information_schema.tables WHERE table_schema = '{self._schema}'",  # noqa: S608 - an identifier, see config
                None,
            )
        except BusyError as error:
            yield WAREHOUSE.warned(what, error.message, error.hint)
        except CryptoetlError as error:
            yield WAREHOUSE.failed(what, error.message, error.hint)
        except ModuleNotFoundError as error:
            yield _missing(WAREHOUSE, what, error)
        else:
            yield WAREHOUSE.passed(what, f"opens; tables and views in {self._schema}: {rows.rows[0][0]}")

    def _engine(self) -> Iterator[Diagnosis]:
        what = self._engine_url or "Sail"
        if self._engine_url is not None and (reason := _unreachable(self._engine_url)):
            yield ENGINE.failed(
                what, reason, "Start the server, or remove local.engine to use the embedded engine."
            )
            return
        try:
            with Engine(self._engine_url) as engine:
                session = engine.session()
                rows = session.sql("SELECT 6 * 7 AS answer").collect()
                assert rows[0][0] == 42
                version = session.version
        except ModuleNotFoundError as error:
            yield _missing(ENGINE, what, error)
        except Exception as error:
            reason = one_line(str(error), 300)
            yield ENGINE.failed(what, f"does not run a query: {reason}", "Install the local extra again.")
        else:
            yield ENGINE.passed(what, f"runs a query (Spark {version})")


def _missing(area: Area, what: str, error: ModuleNotFoundError) -> Diagnosis:
    return area.failed(
        what,
        f"needs the package {error.name}, which is not installed",
        f"Install it with: {installation.command('local')}",
    )


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _unreachable(url: str) -> str | None:
    """Return why nothing answers at a Spark Connect URL; its client would try for ten minutes."""
    place = re.match(r"sc://(\[[^\]]+\]|[^:/;]+)(?::(\d+))?", url)
    if place is None:
        return f"{url} is not a Spark Connect URL"
    try:
        with socket.create_connection(
            (place[1].strip("[]"), int(place[2] or CONNECT_PORT)), timeout=CONNECT_SECONDS
        ):
            return None
    except (OSError, OverflowError) as error:
        return f"does not answer: {getattr(error, 'strerror', None) or error}"
