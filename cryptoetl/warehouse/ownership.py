"""The owner of a schema: the pipelines that load tables of it, in one small table.

Another pipeline would overwrite tables of the same currencies and the view of all of them, so it is refused
unless it is configured to share the schema. Redshift has no comment on a schema ("COMMENT" in the Amazon
Redshift Database Developer Guide lists tables, columns, constraints, databases and views), hence a table. Its
name cannot be a ticker's, which begins with a letter. The local target keeps it out of the schema.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

OWNER = "_owner"


def table(schema: str) -> str:
    """Return the name of the schema's table of owners in SQL."""
    return f'"{schema}"."{OWNER}"'


def tables(schema: str) -> str:
    """Return the query for the names of a schema's tables. Redshift only."""
    return f"SELECT table_name FROM svv_tables WHERE table_schema = '{schema}'"


def schemas() -> str:
    """Return the query for the schemas of the database that have owners. Redshift only."""
    return f"SELECT table_schema FROM svv_tables WHERE table_name = '{OWNER}'"


def owners(table: str) -> str:
    """Return the query for the pipelines in a table of owners."""
    return f'SELECT DISTINCT "pipeline" FROM {table} ORDER BY 1'


def claim(table: str, pipeline: str, *, share: bool) -> list[str]:
    """Return the statements that enter a pipeline into a table of owners, for one transaction.

    Unless the schema is shared, the transaction fails if only others own it by then: the error of the cast
    quotes the text.
    """
    mine = f"SUM(CASE WHEN \"pipeline\" = '{pipeline}' THEN 1 ELSE 0 END)"
    other = "'the schema belongs to the pipeline ' || MIN(\"pipeline\")"
    guard = (
        f"SELECT CAST(CASE WHEN COUNT(*) = 0 OR {mine} > 0 THEN '0' ELSE {other} END AS INTEGER) FROM {table}"
    )
    return [
        f'CREATE TABLE IF NOT EXISTS {table} ("pipeline" VARCHAR(24))',
        *([] if share else [guard]),
        f"DELETE FROM {table} WHERE \"pipeline\" = '{pipeline}'",
        f"INSERT INTO {table} VALUES ('{pipeline}')",
        f"COMMENT ON TABLE {table} IS 'cryptoetl: the pipelines that load tables of this schema'",
        f"GRANT SELECT ON {table} TO PUBLIC",
    ]


def refusal(where: str, pipeline: str, found: Collection[str], *, share: bool) -> str | None:
    """Return why a pipeline may not load tables into a schema with these owners; None if it may."""
    if share or not found or pipeline in found:
        return None
    return (
        f"the schema {where} belongs to the pipeline {', '.join(sorted(found))}, whose tables {pipeline} "
        "would overwrite: name another with aws.redshift.schema, or set aws.redshift.share_schema: true"
    )


def adoption(where: str, pipeline: str, existing: Sequence[str]) -> str | None:
    """Return what to know if a schema without owner has tables already."""
    if not existing:
        return None
    return f"the schema {where} has tables and no owner yet: {pipeline} becomes its owner"
