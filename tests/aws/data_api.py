"""The Redshift Data API of the emulator: statements run on the DuckDB that the emulated Glue loads into.

`Redshift` has one catalogue view, `svv_columns`, and no transactions: BEGIN and ROLLBACK are accepted and do
nothing. Statements in Redshift's own dialect, such as the view without schema binding, are only recorded in
`batches`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

_CATALOGUE = """
    CREATE VIEW IF NOT EXISTS svv_columns AS
    SELECT table_schema, table_name, column_name, ordinal_position,
           CASE data_type WHEN 'FLOAT' THEN 'real' WHEN 'DOUBLE' THEN 'double precision'
                          ELSE lower(data_type) END AS data_type
    FROM information_schema.columns;
    CREATE VIEW IF NOT EXISTS svv_tables AS
    SELECT table_schema, table_name FROM information_schema.tables
"""
_TYPES = {
    "BIGINT": "int8", "INTEGER": "int4", "HUGEINT": "numeric", "FLOAT": "float4", "DOUBLE": "float8",
    "DATE": "date", "BOOLEAN": "bool",
}  # fmt: skip


@dataclass
class _Done:
    """A statement that has run: its columns (name, type) and rows, or its error."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    error: str = ""


class Redshift:
    """`workgroups`: workgroup → database → its schemas."""

    def __init__(self, tables: duckdb.DuckDBPyConnection) -> None:
        self.workgroups: dict[str, dict[str, set[str]]] = {"my-etl-workgroup": {"crypto": {"public"}}}
        self.statements: list[Mapping[str, Any]] = []
        """Requests that change something, without the batches."""
        self.batches: list[Mapping[str, Any]] = []
        self._tables = tables
        self._tables.execute(_CATALOGUE)
        self._done: dict[str, _Done] = {}

    def call(self, operation: str, p: Mapping[str, Any]) -> dict[str, Any] | None:
        match operation:
            case "ListSchemas":
                databases = self.workgroups[p["WorkgroupName"]]
                if p["Database"] not in databases:
                    message = f'FATAL: database "{p["Database"]}" does not exist'
                    return {"__type": "ValidationException", "message": message}
                return {"Schemas": sorted(databases[p["Database"]] & {p["SchemaPattern"]})}
            case "ExecuteStatement":
                return self._keep(self._run(p))
            case "BatchExecuteStatement":
                self.batches.append(p)
                return self._keep(self._own(p))
            case "DescribeStatement":
                done = self._done[p["Id"]]
                state = {"Id": p["Id"], "Status": "FAILED" if done.error else "FINISHED"}
                return (
                    state
                    | {"HasResultSet": bool(done.columns)}
                    | ({"Error": done.error} if done.error else {})
                )
            case "GetStatementResult":
                done = self._done[p["Id"]]
                return {
                    "Records": [[field_of(value) for value in row] for row in done.rows],
                    "ColumnMetadata": [{"name": n, "label": n, "typeName": t} for n, t in done.columns],
                    "TotalNumRows": len(done.rows),
                }
            case _:
                return None

    def _run(self, p: Mapping[str, Any]) -> _Done:
        sql = p["Sql"]
        if schema := re.fullmatch(r'CREATE SCHEMA IF NOT EXISTS "(\w+)"', sql):
            self.statements.append(p)
            self.workgroups[p["WorkgroupName"]][p["Database"]].add(schema[1])
            return _Done()
        if sql in ("BEGIN READ ONLY", "ROLLBACK"):
            return _Done()
        assert re.match("SELECT|WITH|DROP|CREATE TABLE", sql, re.IGNORECASE), sql
        with self._tables.cursor() as cursor:
            try:
                cursor.execute(sql)
            except duckdb.Error as error:
                return _Done(error=f"ERROR: {error}")
            described = cursor.description or []
            columns = [(name, _TYPES.get(str(kind), "varchar")) for name, kind, *_ in described]
            return _Done(columns, cursor.fetchall())

    def _own(self, p: Mapping[str, Any]) -> _Done:
        """Run the statements of a batch about the table of owners, in one transaction."""
        about = [sql for sql in p["Sqls"] if '"_owner"' in sql and not sql.startswith("GRANT")]
        with self._tables.cursor() as cursor:
            cursor.begin()
            try:
                for sql in about:
                    schema = re.search(r'"(\w+)"\."_owner"', sql)
                    assert schema is not None
                    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema[1]}")
                    cursor.execute(sql)
                cursor.commit()
            except duckdb.Error as error:
                cursor.rollback()
                return _Done(error=f"ERROR: {error}")
        return _Done()

    def _keep(self, done: _Done) -> dict[str, Any]:
        statement_id = str(uuid.uuid4())
        self._done[statement_id] = done
        return {"Id": statement_id, "SessionId": str(uuid.uuid4())}


def field_of(value: Any) -> dict[str, Any]:
    """Return a value as a field of the API."""
    match value:
        case None:
            return {"isNull": True}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"longValue": value}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": str(value)}
