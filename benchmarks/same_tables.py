"""Compare the tables of DuckDB warehouses with those of cryptoetl.

    python same_tables.py CRYPTOETL.duckdb OTHER.duckdb …

Exits with 1 and names each table that differs. Tables are equal if they have the same columns, dates and
trends, prices that differ by one unit in the last place of 32-bit numbers at most, and doubles that agree
to 1e-9. OTHER may also be a folder of Parquet files, in which `_staging_btc.parquet` is the table `btc`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

CLOSE = """
    CREATE MACRO close(a, b, relative) AS
        a IS NOT DISTINCT FROM b OR coalesce(abs(a - b) <= relative * greatest(abs(a), abs(b)), false)
"""
DIFFERENCES = """
    SELECT count(*)
    FROM {ours} AS ours FULL JOIN {theirs} AS theirs ON ours.date = theirs.date
    WHERE ours.date IS NULL OR theirs.date IS NULL
        OR ours.trend IS DISTINCT FROM theirs.trend
        OR NOT close(ours.price::DOUBLE, theirs.price::DOUBLE, 1.2e-7)
        OR NOT close(ours.pricema, theirs.pricema, 1e-9)
        OR NOT close(ours.trend_i, theirs.trend_i, 1e-9)
"""


def tables(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> dict[str, str]:
    """Return the tables of a warehouse by name, each as a SQL expression for FROM."""
    if path.is_dir():
        files = sorted(path.glob("*.parquet"))
        return {file.stem.rpartition("_staging_")[2]: f"read_parquet('{file}')" for file in files}
    connection.execute(f"ATTACH '{path}' AS {alias} (READ_ONLY)")
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'market_data' AND "
        "table_name NOT LIKE '\\_%' ESCAPE '\\'",
        [alias],
    ).fetchall()
    return {name: f'{alias}.market_data."{name}"' for (name,) in found}


def differences(reference: Path, others: Sequence[Path]) -> list[str]:
    """Return a line for each table that differs from the reference's table of the same name.

    A folder of Parquet files may contain fewer tables than the reference; a warehouse must not.
    """
    found = []
    with duckdb.connect() as connection:
        connection.execute(CLOSE)
        ours = tables(connection, reference, "ours")
        for number, path in enumerate(others):
            theirs = tables(connection, path, f"theirs_{number}")
            missing = sorted(theirs.keys() - ours.keys() if path.is_dir() else theirs.keys() ^ ours.keys())
            if missing or not theirs:
                found.append(f"{path}: not the same tables: {', '.join(missing) or 'there are none'}")
            found += [
                f"{path}: {name} {difference}"
                for name in sorted(theirs.keys() & ours.keys())
                if (difference := compare(connection, ours[name], theirs[name]))
            ]
    return found


def compare(connection: duckdb.DuckDBPyConnection, ours: str, theirs: str) -> str | None:
    """Return how a table differs from the reference's; None if they are equal."""
    expected, columns = (
        [row[:2] for row in connection.execute(f"DESCRIBE FROM {table}").fetchall()]
        for table in (ours, theirs)
    )
    if columns != expected:
        return f"has the columns {columns} and not {expected}"
    rows, others = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in (ours, theirs)
    )
    if others != rows:
        return f"has {others} rows and not {rows}"
    (days,) = connection.execute(DIFFERENCES.format(ours=ours, theirs=theirs)).fetchall()[0]
    return f"differs on {days} days" if days else None


if __name__ == "__main__":
    unequal = differences(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
    sys.exit("\n".join(unequal) or None)
