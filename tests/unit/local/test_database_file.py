"""The DuckDB file of the warehouse."""

from __future__ import annotations

from pathlib import Path

from cryptoetl.local.home import Home
from cryptoetl.local.redshift import database_file


def test_a_small_table_takes_a_small_block(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with database_file.connect(home, read_only=False) as connection:
        for number in range(40):
            connection.execute(f"CREATE TABLE t{number} AS SELECT 1.5 AS price")
    assert home.warehouse.stat().st_size < 40 * 2 * database_file.BLOCK_BYTES
    with database_file.connect(home, read_only=True) as connection:
        assert connection.execute("SELECT price FROM t39").fetchone() is not None
