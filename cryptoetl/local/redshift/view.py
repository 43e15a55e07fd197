"""The view of all currencies in DuckDB, which binds a view when it is made: a missing table would break it.

It therefore holds the deployed currencies whose tables are there. A deploy makes it, and so does the end of
an execution, once, after all loads: one of them may have been a currency's first. No load touches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryptoetl.config.models import ALL_CURRENCIES
from cryptoetl.warehouse import sql as warehouse_sql

if TYPE_CHECKING:
    import duckdb


def renew(connection: duckdb.DuckDBPyConnection, schema: str, tickers: Sequence[str]) -> None:
    """Make the view of these currencies as far as they have tables. Raises duckdb.Error."""
    columns = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = ? AND NOT internal",
        [schema],
    ).fetchall()
    names: dict[str, set[str]] = {}
    for table, column in columns:
        names.setdefault(table, set()).add(column)
    there = [t for t in tickers if names.get(t.lower(), set()) >= set(warehouse_sql.COLUMNS)]
    if there:
        connection.execute(warehouse_sql.create_view(schema, there, late_binding=False))
    else:
        connection.execute(f"DROP VIEW IF EXISTS {warehouse_sql.quoted(schema, ALL_CURRENCIES)}")
