"""A PostgreSQL server of the tests' own, and the connector's load on it.

PostgreSQL is what can be had that is nearest to Redshift: transactions, locks, grants and views work alike.
The server lives on loopback, in a temporary folder, as an unprivileged user, which PostgreSQL insists on.
"""

from __future__ import annotations

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

from cryptoetl.local.redshift_dialect import without_layout

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Server:
    """Where it listens; every connection of it is trusted."""

    port: int

    def connect(self, user: str = "loader", **options: Any) -> Connection:
        """A connection that begins no transaction by itself; a statement that waits too long fails."""
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
    """Start a server with the database crypto, whose owner is the user loader; stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="cryptoetl-postgres-"))
    try:
        account = _account()
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        run = _runner(account)
        data = folder / "data"
        subprocess.run(
            [_program("initdb"), "-D", str(data), "-U", "admin", "-A", "trust", "-E", "UTF8", "--no-sync"],
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
        control = [_program("pg_ctl"), "-D", str(data), "-w", "-t", "60"]
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


def _account() -> pwd.struct_passwd | None:
    """Whom to run as: somebody without privileges, if this process has them."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("there is no unprivileged user to run PostgreSQL as")


def _runner(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _program(name: str) -> str:
    """Debian keeps the server's programs out of the path."""
    found = [shutil.which(name), *map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))][-1]
    assert found is not None, f"{name} is missing: install Debian's package postgresql"
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def for_postgres(statement: str) -> str:
    """A statement of Redshift's in PostgreSQL's words: no layout on nodes, roles under their name alone."""
    statement = without_layout(statement).removesuffix(" WITH NO SCHEMA BINDING")
    return statement.replace(" TO ROLE ", " TO ") if statement.startswith("GRANT ") else statement


class PostgresSink:
    """`glue_runtime.RedshiftSink`: the connector's transaction, as AWS documents it.

    `after` is told of each statement that has run, by number; what it raises ends the load there.
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
