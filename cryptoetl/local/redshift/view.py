"""The view of all currencies in DuckDB, and the columns of its tables.

DuckDB binds a view when it is created, so it can contain only tables that exist. It is created again by each
deploy and at the end of each execution, when a currency may have been loaded for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cryptoetl.config.models import ALL_CURRENCIES
from cryptoetl.warehouse import sql as warehouse_sql

if TYPE_CHECKING:
    import duckdb


def renew(
    connection: duckdb.DuckDBPyConnection, schema: str, tickers: Sequence[str], columns: Mapping[str, str]
) -> None:
    """Create the view of those currencies that have tables; drop it if none has. Raises duckdb.Error.

    The tables first get those `columns`, of the script that loads them, which they lack.
    """
    found = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = ? AND NOT internal",
        [schema],
    ).fetchall()
    names: dict[str, set[str]] = {}
    for table, column in found:
        names.setdefault(table, set()).add(column)
    existing = {t.lower(): names[t.lower()] for t in tickers if t.lower() in names}
    for statement in warehouse_sql.added_columns(schema, existing, columns):
        connection.execute(statement)
    loaded = [t for t in tickers if names.get(t.lower(), set()) >= set(warehouse_sql.COLUMNS)]
    if loaded:
        connection.execute(warehouse_sql.create_view(schema, loaded, late_binding=False, columns=columns))
    else:
        connection.execute(f"DROP VIEW IF EXISTS {warehouse_sql.quoted(schema, ALL_CURRENCIES)}")
