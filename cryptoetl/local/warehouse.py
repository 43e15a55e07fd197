"""The warehouse: one DuckDB file with the schema and tables that Redshift has on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from struct import pack, unpack
from typing import TYPE_CHECKING, Any

from cryptoetl.errors import BusyError, QueryError
from cryptoetl.local.home import Home
from cryptoetl.target import QueryRows, TableFacts

if TYPE_CHECKING:
    import duckdb

_FACTS = """
    SELECT count(*), min(date), max(date), count(price), sum(price::DOUBLE), sum(pricema),
           count({trend}), sum({trend})::BIGINT, sum({trend_i})
    FROM {source}
"""
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
        import pyarrow.parquet

        files = sorted((self._home.gold / ticker).glob("*.parquet"))
        if not files:
            return None
        # Read by pyarrow: DuckDB would take [ ] * ? in the home's path for a pattern.
        gold = pyarrow.parquet.ParquetDataset(files).read()
        with self._connection.cursor() as cursor:
            cursor.register("gold", gold)
            query = _FACTS.format(trend="g_trend", trend_i="trendma", source="gold")
            return TableFacts(*_one_row(cursor.execute(query)))

    def table(self, name: str) -> TableFacts | None:
        import duckdb

        if not self._warehouse:
            return None
        source = f'"{self._schema}"."{name}"'
        with self._connection.cursor() as cursor:
            try:
                # Not from information_schema, which takes longer than all the rest.
                described = cursor.execute(f"SELECT * FROM {source} LIMIT 0").description  # noqa: S608
            except duckdb.CatalogException:
                return None
            columns = tuple((column[0], str(column[1])) for column in described or ())
            if not {"date", "price", "trend", "pricema", "trend_i"} <= {column for column, _ in columns}:
                rows = _one_row(cursor.execute(f"SELECT count(*) FROM {source}"))  # noqa: S608
                return TableFacts(rows[0], None, None, 0, None, None, 0, None, None, columns)
            query = _FACTS.format(trend="trend", trend_i="trend_i", source=source)
            return replace(TableFacts(*_one_row(cursor.execute(query))), columns=columns)


class LocalWarehouse:
    """`target.Warehouse` on DuckDB; opened read-only for each call, so that it never blocks a run long."""

    def __init__(self, home: Home, schema: str) -> None:
        self._home = home
        self._schema = schema

    @contextmanager
    def reading(self) -> Iterator[LocalTables]:
        import duckdb

        exists = self._home.warehouse.exists()
        with self._connect() if exists else duckdb.connect(":memory:") as connection:
            yield LocalTables(self._home, self._schema, connection, warehouse=exists)

    def query(self, sql: str, limit: int | None) -> QueryRows:
        import duckdb

        if not self._home.warehouse.exists():
            raise QueryError(
                f"there is no warehouse yet at {self._home.warehouse}", hint="Run `cryptoetl up` first."
            )
        with self._connect() as connection:
            try:
                statements = connection.extract_statements(sql)
                if len(statements) != 1:
                    raise QueryError(f"one statement is needed, there are {len(statements)}")
                kind = statements[0].type.name
                if kind not in _READING:
                    raise QueryError(f"{kind} is refused: query only reads (SELECT, WITH, EXPLAIN, SHOW)")
                cursor = connection.execute(statements[0])
                columns = tuple(column[0] for column in cursor.description or ())
                singles = [column[1] == "FLOAT" for column in cursor.description or ()]
                rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
            except duckdb.Error as error:
                raise QueryError(str(error)) from error
        if any(singles):
            rows = [
                tuple(_shortest(v) if single else v for v, single in zip(row, singles, strict=True))
                for row in rows
            ]
        return QueryRows(columns, tuple(rows[:limit]), limit is not None and len(rows) > limit)

    def location(self) -> str:
        return str(self._home.warehouse)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            connection = duckdb.connect(self._home.warehouse, read_only=True)
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise BusyError(
                    f"{self._home.warehouse} is being written or held by another program",
                    hint="Try again when the run has ended (cryptoetl status --watch).",
                ) from error
            raise QueryError(f"cannot open {self._home.warehouse}: {error}") from error
        connection.execute("SET enable_external_access = false")
        schema = self._schema.replace("'", "''")
        connection.execute(f"SET schema = '{schema}'") if _has_schema(connection, self._schema) else None
        connection.execute("SET lock_configuration = true")
        return connection


def _shortest(value: float | None) -> float | None:
    """A REAL as the number with the fewest digits that it stands for, as Redshift shows it: 6.1."""
    if value is None or not isfinite(value):
        return value
    candidates = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    return next((number for number in candidates if unpack("f", pack("f", number))[0] == value), value)


def _has_schema(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    query = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?"
    return bool(_one_row(connection.execute(query, [schema]))[0])


def _one_row(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "an aggregate gives one row"
    return row
