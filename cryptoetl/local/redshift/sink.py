"""The Redshift connector's load, on DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cryptoetl.local.redshift.dialect import for_duckdb

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class DuckDBSink:
    """Loads tables through cursors of one DuckDB connection.

    Loads are serialized: they take milliseconds, and DuckDB refuses to commit a transaction if a concurrent
    one has changed the schema.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def __call__(
        self, table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
    ) -> None:
        """Load a table as `RedshiftSink` requires. Raises duckdb.Error and rolls back on failure."""
        with self._lock:
            self._load(table, dbtable, preactions, postactions)

    def _load(
        self, table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
    ) -> None:
        name = ".".join(_identifier(part) for part in dbtable.replace('"', "").split("."))
        columns = ", ".join(f"{_identifier(field.name)} {column_type(field.type)}" for field in table.schema)
        names = ", ".join(_identifier(name) for name in table.column_names)
        with self._connection.cursor() as cursor:
            cursor.begin()
            try:
                cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
                for statement in for_duckdb(preactions):
                    cursor.execute(statement)
                if table.num_rows:  # the connector skips an empty load but still runs the actions
                    cursor.register("_loaded_rows", table)
                    cursor.execute(f"INSERT INTO {name} ({names}) SELECT {names} FROM _loaded_rows")  # noqa: S608
                    cursor.unregister("_loaded_rows")
                for statement in for_duckdb(postactions):
                    cursor.execute(statement)
                cursor.commit()
            except BaseException:
                cursor.rollback()
                raise


def column_type(arrow: pa.DataType) -> str:
    """Return the column type that the connector creates for a type. Raises ValueError if there is none."""
    import pyarrow as pa

    types: dict[str, Callable[[pa.DataType], bool]] = {
        "DATE": pa.types.is_date,
        "TIMESTAMP": pa.types.is_timestamp,
        "BOOLEAN": pa.types.is_boolean,
        "SMALLINT": lambda kind: pa.types.is_int8(kind) or pa.types.is_int16(kind),
        "INTEGER": pa.types.is_int32,
        "BIGINT": pa.types.is_int64,
        "REAL": pa.types.is_float32,
        "DOUBLE PRECISION": pa.types.is_float64,
        "VARCHAR": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    }
    for name, fits in types.items():
        if fits(arrow):
            return name
    raise ValueError(f"no column type for {arrow}")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
