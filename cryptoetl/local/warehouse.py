"""The warehouse: one DuckDB file with the schema and tables that Redshift has on AWS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from cryptoetl import sql_guard, warehouse_sql
from cryptoetl.errors import Interrupted, QueryError
from cryptoetl.local import duckdb_file
from cryptoetl.local.home import Home
from cryptoetl.reals import shortest
from cryptoetl.target import QueryRows, TableFacts

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

_TYPES = {"FLOAT": "REAL", "DOUBLE": "DOUBLE PRECISION"}
"""DuckDB's names of types where Redshift has others."""
_READING = {"SELECT", "EXPLAIN"}


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
        from cryptoetl import gold

        files = sorted((self._home.gold / ticker).glob("*.parquet"))
        return gold.facts([str(file) for file in files]) if files else None

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

    def query(self, sql: str, limit: int | None) -> QueryRows:
        import duckdb

        if not self._home.warehouse.exists():
            raise QueryError(
                f"there is no warehouse yet at {self._home.warehouse}", hint="Run `cryptoetl up` first."
            )
        with suppress(sql_guard.NotUnderstood):  # DuckDB's own parser, which knows more, has the last word
            sql = sql_guard.only_reading(sql, "duckdb")
        with self._connect() as connection:
            try:
                statements = connection.extract_statements(sql)
                if len(statements) != 1:
                    raise QueryError(f"one statement is needed, there are {len(statements)}")
                kind = statements[0].type.name
                if kind not in _READING:
                    raise QueryError(f"{kind} is refused: {sql_guard.READS}")
                connection.begin()  # of a file that was opened to be read

                def run() -> tuple[Sequence[Any], list[tuple[Any, ...]]]:
                    cursor = connection.execute(statements[0])
                    rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
                    return cursor.description or (), rows

                described, rows = _stoppable(connection, run)
            except duckdb.Error as error:
                raise QueryError(str(error)) from error
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

    def location(self) -> str:
        return str(self._home.warehouse)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb_file.connect(self._home, read_only=True)
        connection.execute("SET enable_external_access = false")
        schema = self._schema.replace("'", "''")
        connection.execute(f"SET schema = '{schema}'") if _has_schema(connection, self._schema) else None
        connection.execute("SET lock_configuration = true")
        return connection


def _has_schema(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    query = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?"
    return bool(_one_row(connection.execute(query, [schema]))[0])


def _stoppable(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """The result of `work`, which runs in a thread of its own: there DuckDB cannot miss a Ctrl-C.

    Raises Interrupted when the statement that was stopped has ended, and whatever the work raises.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="query", daemon=True).start()
    try:
        return outcome.result()
    except KeyboardInterrupt:
        while not outcome.done():  # an interruption that comes before the statement has begun is forgotten
            connection.interrupt()
            wait([outcome], timeout=0.1)
        raise Interrupted("the statement was stopped") from None


def _one_row(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "an aggregate gives one row"
    return row
