"""SQL statements for the warehouse, other than those of a load.

They are written in what Redshift, PostgreSQL and DuckDB have in common, unless a function says otherwise.
Identifiers are quoted: a ticker may be a reserved word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from cryptoetl.config import models
from cryptoetl.config.models import ALL_CURRENCIES, Config
from cryptoetl.warehouse import ownership

COLUMNS = models.COLUMNS

LAYOUT = 'DISTSTYLE ALL SORTKEY ("date")'
"""The table's attributes, as in glue_scripts/redshift_upload.py. Redshift only."""


def quoted(*names: str) -> str:
    """Quote each part of an identifier and join them with points."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def create_table(schema: str, ticker: str, columns: Mapping[str, str] = COLUMNS) -> str:
    """Return the statement that creates the currency's table, if it does not exist. Redshift only."""
    typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    return f"CREATE TABLE IF NOT EXISTS {quoted(schema, ticker.lower())} ({typed}) {LAYOUT}"


def added_columns(
    schema: str, existing: Mapping[str, Collection[str]], columns: Mapping[str, str]
) -> Iterator[str]:
    """Yield the statements that add to existing tables what they lack of `columns`.

    Redshift's ALTER TABLE adds one column at a time and knows no IF NOT EXISTS ("ALTER TABLE" in the Amazon
    Redshift Database Developer Guide).
    """
    for table, names in existing.items():
        for name, kind in columns.items():
            if name not in names and name not in COLUMNS:
                yield f"ALTER TABLE {quoted(schema, table)} ADD COLUMN {quoted(name)} {kind}"


def create_view(
    schema: str, tickers: Sequence[str], *, late_binding: bool, columns: Collection[str] = COLUMNS
) -> str:
    """Return the statement that creates or replaces the view of all these currencies.

    `late_binding` (Redshift only): the view does not depend on its tables, so that they can be dropped.
    """
    names = ", ".join(quoted(name) for name in columns)
    parts = [
        f"SELECT CAST('{ticker}' AS VARCHAR(15)) AS \"ticker\", {names} FROM {quoted(schema, ticker.lower())}"
        for ticker in tickers
    ]
    binding = " WITH NO SCHEMA BINDING" if late_binding else ""
    return f"CREATE OR REPLACE VIEW {quoted(schema, ALL_CURRENCIES)} AS {' UNION ALL '.join(parts)}{binding}"


def provisions(
    config: Config,
    columns: Mapping[str, str] = COLUMNS,
    existing: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[str]:
    """Return what a deploy runs on Redshift when the schema exists, as the user that loads the tables.

    Tables that were never loaded are created empty: otherwise the view could not be read until every currency
    has been loaded. `existing` are the columns of existing tables, which get those that they lack.
    """
    redshift = config.aws.redshift
    schema, tickers = redshift.schema_name, [currency.ticker for currency in config.currencies]
    return [
        *ownership.claim(ownership.table(schema), config.pipeline, share=redshift.share_schema),
        *(create_table(schema, ticker, columns) for ticker in tickers),
        *added_columns(schema, existing, columns),
        create_view(schema, tickers, late_binding=True, columns=columns),
        *_grants(schema, redshift.grants),
    ]


def _grants(schema: str, readers: Sequence[str]) -> Iterator[str]:
    """Yield the grants on schema and view; loads run in parallel and would conflict over them."""
    for reader in readers:
        who = grantee(reader)
        yield f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {who}"
        yield f"GRANT SELECT ON {quoted(schema, ALL_CURRENCIES)} TO {who}"


def grantee(reader: str) -> str:
    """Return the grantee of a GRANT for a reader of the configuration, such as `role:analysts`."""
    kind, _, name = reader.partition(":")
    if kind == "public":
        return "PUBLIC"
    return {"role": "ROLE ", "group": "GROUP ", "user": ""}[kind] + quoted(name)


def latest(schema: str, ticker: str, rows: int) -> str:
    """Return the query for the latest rows of a currency's table, newest first."""
    names = ", ".join(quoted(name) for name in COLUMNS)
    table = quoted(schema, ticker.lower())
    return f'SELECT {names} FROM {table} ORDER BY "date" DESC LIMIT {rows}'


def columns(schema: str, tables: Sequence[str]) -> str:
    """Return the query for table, name and type of each column of these tables, in order. Redshift only."""
    listed = ", ".join(f"'{table}'" for table in tables)
    return (
        "SELECT table_name, column_name, data_type FROM svv_columns "
        f"WHERE table_schema = '{schema}' AND table_name IN ({listed}) ORDER BY table_name, ordinal_position"
    )


def count(schema: str, table: str) -> str:
    """Return the query for the number of rows of a table."""
    return f"SELECT COUNT(*) FROM {quoted(schema, table)}"


def facts(source: str, label: str | None = None) -> str:
    """Return the query for the figures of `TableFacts`, in its order, with `label` as the first column.

    `source` is a currency's table, quoted.
    """
    price, trend = 'CAST("price" AS DOUBLE PRECISION)', 'CAST("trend" AS DOUBLE PRECISION)'
    day = "(\"date\" - DATE '2000-01-01')"
    figures = {
        "rows": "COUNT(*)",
        "first": 'MIN("date")',
        "last": 'MAX("date")',
        "prices": 'COUNT("price")',
        "price_sum": f"SUM({price})",
        "pricema_sum": 'SUM("pricema")',
        "trends": 'COUNT("trend")',
        "trend_sum": 'SUM(CAST("trend" AS BIGINT))',
        "trend_i_sum": 'SUM("trend_i")',
        "days": 'COUNT(DISTINCT "date")',
        "pricemas": 'COUNT("pricema")',
        "trend_is": 'COUNT("trend_i")',
        "price_min": f"MIN({price})",
        "price_max": f"MAX({price})",
        "trend_min": 'MIN("trend")',
        "trend_max": 'MAX("trend")',
        "price_by_day": f"SUM({price} * {day})",
        "trend_by_day": f"SUM({trend} * {day})",
    }
    name = [] if label is None else [f"CAST('{label}' AS VARCHAR(15)) AS \"name\""]
    named = [*name, *(f"{sql} AS {quoted(key)}" for key, sql in figures.items())]
    return f"SELECT {', '.join(named)} FROM {source}"


def curves(schema: str, tables: Sequence[str]) -> str:
    """Return the query for the rows of tables, in order: the table's number from 0, then date and values.

    Prices as DOUBLE PRECISION: of a REAL, each target returns the shortest decimal, which takes time.
    """
    price = 'CAST("price" AS DOUBLE PRECISION) AS "price"'
    parts = (
        f'SELECT {number} AS "number", "date", {price}, "pricema", "trend_i" FROM {quoted(schema, table)}'
        for number, table in enumerate(tables)
    )
    return f'{" UNION ALL ".join(parts)} ORDER BY "number", "date"'
