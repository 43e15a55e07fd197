"""The local warehouse: one DuckDB file with the schema and tables that Redshift has on AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptoetl.errors import QueryError
from cryptoetl.local.home import Home
from cryptoetl.local.redshift import database_file, interruptible
from cryptoetl.state_machine import marks
from cryptoetl.target.warehouse import QUERY_SECONDS, QueryRows
from cryptoetl.util.text import plural
from cryptoetl.warehouse import guard as sql_guard
from cryptoetl.warehouse import sql as warehouse_sql
from cryptoetl.warehouse.facts import TableFacts
from cryptoetl.warehouse.reals import shortest

if TYPE_CHECKING:
    import duckdb

_TYPES = {"FLOAT": "REAL", "DOUBLE": "DOUBLE PRECISION"}
"""DuckDB's type names that Redshift spells differently, with Redshift's names."""
_READING = {"SELECT", "EXPLAIN"}
MEMORY = 2_000_000_000
"""Bytes that a statement may use by default."""


class LocalTables:
    """`target.Tables` on one connection; `warehouse` is False if there is no warehouse yet."""

    def __init__(
        self, home: Home, schema: str, connection: duckdb.DuckDBPyConnection, *, warehouse: bool
    ) -> None:
        self._home = home
        self._schema = schema
        self._connection = connection
        self._warehouse = warehouse

    def gold(self, ticker: str) -> TableFacts | None:
        """Return the facts of the currency's gold set; None if it is missing. Raises DamagedState."""
        from cryptoetl.warehouse import facts as table_facts

        files = sorted((self._home.gold / ticker).glob("*.parquet"))
        return table_facts.of_gold([str(file) for file in files]) if files else None

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        """Return the facts of those of the named tables that exist."""
        found = {name: self._table(name) for name in names} if self._warehouse else {}
        return {name: facts for name, facts in found.items() if facts is not None}

    def _table(self, name: str) -> TableFacts | None:
        import duckdb

        source = warehouse_sql.quoted(self._schema, name)
        with self._connection.cursor() as cursor:
            try:
                # information_schema would take longer than all the other statements.
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
    """`target.Warehouse` on DuckDB. Each call opens the file read-only, to block runs only briefly."""

    def __init__(self, home: Home, schema: str) -> None:
        self._home = home
        self._schema = schema

    @contextmanager
    def reading(self) -> Iterator[LocalTables]:
        """Open the warehouse for reading tables. Raises BusyError, EnvironmentFault, DamagedState."""
        import duckdb

        exists = self._home.warehouse.exists()
        with (
            database_file.naming_damage(self._home),
            self._connect() if exists else duckdb.connect(":memory:") as connection,
        ):
            yield LocalTables(self._home, self._schema, connection, warehouse=exists)

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        """Run one read-only statement and return at most `limit` rows. Raises QueryError."""
        if not self._home.warehouse.exists():
            raise QueryError(
                f"there is no warehouse yet at {self._home.warehouse}", hint="Run `cryptoetl up` first."
            )
        with suppress(sql_guard.NotUnderstood):  # DuckDB's own parser, which knows more, decides
            sql = sql_guard.only_reading(sql, "duckdb")
        with database_file.naming_damage(self._home):
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
        """Return the description of a statement's columns and at most `limit` + 1 rows."""
        import duckdb

        connection = self._connect(memory)
        try:
            statement = _only_reading(connection, sql)
            connection.begin()  # the file is opened read-only

            def fetch() -> tuple[Sequence[Any], list[tuple[Any, ...]]]:
                cursor = connection.execute(statement)
                rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
                return cursor.description or (), rows

            return interruptible.run(connection, fetch, timeout)
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
            if database_file.is_damage(error):
                raise
            raise QueryError(str(error)) from error
        finally:
            with suppress(
                duckdb.Error
            ):  # busy with a statement that could not be stopped: it ends with the process
                connection.close()

    def marks(self) -> Mapping[str, str]:
        """Return ticker → what its table was last loaded from, of the tables that exist."""
        folder = self._home.gold / marks.FOLDER
        paths = (path for path in folder.glob("*/*") if path.is_file() and not path.name.startswith("."))
        found = marks.marks(path.relative_to(folder).as_posix() for path in paths)
        if not found or not self._home.warehouse.exists():
            return {}
        with database_file.naming_damage(self._home), self._connect() as connection:
            query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?"
            tables = {row[0] for row in connection.execute(query, [self._schema]).fetchall()}
        return {ticker: mark for ticker, mark in found.items() if ticker.lower() in tables}

    def location(self) -> str:
        """Return the path of the DuckDB file."""
        return str(self._home.warehouse)

    def _connect(self, memory: int | None = None) -> duckdb.DuckDBPyConnection:
        """Open the warehouse read-only; with `memory`, for a statement of the user's.

        Such a statement has no access to files: DuckDB would let it read the bytes of the database file even
        without external access. Therefore it cannot spill to disk either.
        """
        connection = database_file.connect(self._home, read_only=True)
        if memory is not None:
            connection.execute(f"SET memory_limit = '{memory}B'")
            connection.execute("SET temp_directory = ''")
            connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        if memory is not None:
            connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
        schema = self._schema.replace("'", "''")
        if _has_schema(connection, self._schema):
            connection.execute(f"SET schema = '{schema}'")
        connection.execute("SET lock_configuration = true")
        return connection


def _has_schema(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    query = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?"
    return bool(_one_row(connection.execute(query, [schema]))[0])


def _only_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Return the only statement in `sql`, parsed by DuckDB. Raises QueryError if it may do more than read."""
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


def _one_row(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "an aggregate gives one row"
    return row
