"""The view of all currencies in DuckDB.

DuckDB binds a view when it is created, so it can contain only tables that exist. It is created again by each
deploy and at the end of each execution, when a currency may have been loaded for the first time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryptoetl.config.models import ALL_CURRENCIES
from cryptoetl.warehouse import sql as warehouse_sql

if TYPE_CHECKING:
    import duckdb


def renew(connection: duckdb.DuckDBPyConnection, schema: str, tickers: Sequence[str]) -> None:
    """Create the view of those currencies that have tables; drop it if none has. Raises duckdb.Error."""
    columns = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = ? AND NOT internal",
        [schema],
    ).fetchall()
    names: dict[str, set[str]] = {}
    for table, column in columns:
        names.setdefault(table, set()).add(column)
    loaded = [t for t in tickers if names.get(t.lower(), set()) >= set(warehouse_sql.COLUMNS)]
    if loaded:
        connection.execute(warehouse_sql.create_view(schema, loaded, late_binding=False))
    else:
        connection.execute(f"DROP VIEW IF EXISTS {warehouse_sql.quoted(schema, ALL_CURRENCIES)}")
