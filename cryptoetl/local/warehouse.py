"""The warehouse: one DuckDB file with the schema and tables that Redshift has on AWS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from cryptoetl.errors import Interrupted, QueryError
from cryptoetl.local.home import Home
from cryptoetl.local.redshift import database_file as duckdb_file
from cryptoetl.target.warehouse import QUERY_SECONDS, QueryRows
from cryptoetl.util.text import plural
from cryptoetl.warehouse import guard as sql_guard
from cryptoetl.warehouse import sql as warehouse_sql
from cryptoetl.warehouse.facts import TableFacts
from cryptoetl.warehouse.reals import shortest

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

_TYPES = {"FLOAT": "REAL", "DOUBLE": "DOUBLE PRECISION"}
"""DuckDB's names of types where Redshift has others."""
_READING = {"SELECT", "EXPLAIN"}
MEMORY = 2_000_000_000
"""Bytes that a statement may use where nothing else is said."""
GRACE = 3.0
"""Seconds in which a statement that is interrupted should have ended."""


class LocalTables:
    """`target.Tables` on one connection; `warehouse` says whether there is one yet."""

    def __init__(
        self, home: Home, schema: str, connection: duckdb.DuckDBPyConnection, *, warehouse: bool
    ) -> None:
        self._home = home
        self._schema = schema
        self._connection = connection
        self._warehouse = warehouse

    def gold(self, ticker: str) -> TableFacts | None:
        from cryptoetl.warehouse import facts as table_facts

        files = sorted((self._home.gold / ticker).glob("*.parquet"))
        return table_facts.of_gold([str(file) for file in files]) if files else None

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        found = {name: self._table(name) for name in names} if self._warehouse else {}
        return {name: facts for name, facts in found.items() if facts is not None}

    def _table(self, name: str) -> TableFacts | None:
        import duckdb

        source = warehouse_sql.quoted(self._schema, name)
        with self._connection.cursor() as cursor:
            try:
                # Not from information_schema, which takes longer than all the rest.
                described = cursor.execute(f"SELECT * FROM {source} LIMIT 0").description  # noqa: S608
            except duckdb.CatalogException:
                return None
            columns = tuple((c[0], _TYPES.get(str(c[1]), str(c[1]))) for c in described or ())
            if not warehouse_sql.COLUMNS.items() <= dict(columns).items():
                (rows,) = _one_row(cursor.execute(f"SELECT count(*) FROM {source}"))  # noqa: S608
                return TableFacts(rows, None, None, 0, None, None, 0, None, None, columns=columns)
            found = _one_row(cursor.execute(warehouse_sql.facts(source)))
            return replace(TableFacts(*found), columns=columns)


class LocalWarehouse:
    """`target.Warehouse` on DuckDB; opened read-only for each call, so that it never blocks a run long."""

    def __init__(self, home: Home, schema: str) -> None:
        self._home = home
        self._schema = schema

    @contextmanager
    def reading(self) -> Iterator[LocalTables]:
        import duckdb

        exists = self._home.warehouse.exists()
        with (
            duckdb_file.naming_damage(self._home),
            self._connect() if exists else duckdb.connect(":memory:") as connection,
        ):
            yield LocalTables(self._home, self._schema, connection, warehouse=exists)

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        if not self._home.warehouse.exists():
            raise QueryError(
                f"there is no warehouse yet at {self._home.warehouse}", hint="Run `cryptoetl up` first."
            )
        with suppress(sql_guard.NotUnderstood):  # DuckDB's own parser, which knows more, has the last word
            sql = sql_guard.only_reading(sql, "duckdb")
        with duckdb_file.naming_damage(self._home):
            described, rows = self._run(sql, limit, timeout, memory or MEMORY)
        singles = [column[1] == "FLOAT" for column in described]
        if any(singles):
            rows = [
                tuple(shortest(v) if single else v for v, single in zip(row, singles, strict=True))
                for row in rows
            ]
        return QueryRows(
            tuple(column[0] for column in described),
            tuple(rows[:limit]),
            limit is not None and len(rows) > limit,
            tuple(str(column[1]) for column in described),
        )

    def _run(
        self, sql: str, limit: int | None, timeout: float, memory: int
    ) -> tuple[Sequence[Any], list[tuple[Any, ...]]]:
        """Return the columns of a statement's result, and one row more than `limit` if there are as many."""
        import duckdb

        connection = self._connect(memory)
        try:
            statement = _only_reading(connection, sql)
            connection.begin()  # of a file that was opened to be read

            def run() -> tuple[Sequence[Any], list[tuple[Any, ...]]]:
                cursor = connection.execute(statement)
                rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
                return cursor.description or (), rows

            return _stoppable(connection, run, timeout)
        except TimeoutError:
            raise QueryError(
                f"the statement was stopped in {self._home.warehouse}: "
                f"it had no result after {plural(round(timeout), 'second')}",
                hint="Ask for less, or give it more time: --timeout 30m.",
            ) from None
        except duckdb.OutOfMemoryException as error:
            raise QueryError(
                f"the statement was stopped in {self._home.warehouse}: "
                f"it needed more than {memory / 1e6:,.0f} MB of memory",
                hint="Ask for less, such as fewer rows in a sort or join, or allow more: --memory-limit 4GB.",
            ) from error
        except duckdb.Error as error:
            if duckdb_file.is_damage(error):
                raise
            raise QueryError(str(error)) from error
        finally:
            with suppress(duckdb.Error):  # busy with what could not be stopped: it ends with the process
                connection.close()

    def location(self) -> str:
        return str(self._home.warehouse)

    def _connect(self, memory: int | None = None) -> duckdb.DuckDBPyConnection:
        """Open the warehouse to read it; with a limit of memory also for statements of others.

        Those have no access to files at all: without that they could read the warehouse's own bytes, which
        DuckDB permits. So nothing that exceeds the memory is written to disk either.
        """
        connection = duckdb_file.connect(self._home, read_only=True)
        if memory is not None:
            connection.execute(f"SET memory_limit = '{memory}B'")
            connection.execute("SET temp_directory = ''")
            connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        if memory is not None:
            connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
        schema = self._schema.replace("'", "''")
        connection.execute(f"SET schema = '{schema}'") if _has_schema(connection, self._schema) else None
        connection.execute("SET lock_configuration = true")
        return connection


def _has_schema(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    query = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?"
    return bool(_one_row(connection.execute(query, [schema]))[0])


def _only_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Return the one statement in `sql` as DuckDB parses it.

    Raises QueryError if it may do more than read.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(f"one statement is needed, there are {len(statements)}")
    kind = statements[0].type.name
    if kind not in _READING:
        raise QueryError(f"{kind} is refused: {sql_guard.READS}")
    serialize = "SELECT json_serialize_sql(?::VARCHAR)"
    (serialized,) = _one_row(connection.execute(serialize, [sql_guard.explained(sql)]))
    sql_guard.only_reading_tree(serialized)
    return statements[0]


def _stoppable(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], T], timeout: float, grace: float = GRACE
) -> T:
    """The result of `work`, which runs in a thread of its own: there DuckDB cannot miss a Ctrl-C.

    Raises Interrupted when the statement that was stopped has ended, TimeoutError when it has been stopped
    after `timeout` seconds, and whatever the work raises. Some functions cannot be interrupted: after `grace`
    seconds more, TimeoutError is raised while the thread goes on, to end with the process.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="query", daemon=True).start()
    try:
        if wait([outcome], timeout).done:
            return outcome.result()
        _interrupt(connection, outcome, grace)
    except KeyboardInterrupt:
        _interrupt(connection, outcome, inf)
        raise Interrupted("the statement was stopped") from None
    raise TimeoutError


def _interrupt(connection: duckdb.DuckDBPyConnection, outcome: Future[T], seconds: float) -> None:
    """Interrupt until it has an effect: one that comes before the statement has begun is forgotten."""
    end = time.monotonic() + seconds
    while not outcome.done() and time.monotonic() < end:
        connection.interrupt()
        wait([outcome], timeout=0.1)


def _one_row(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "an aggregate gives one row"
    return row
