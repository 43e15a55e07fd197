"""The handwritten scripts of the benchmark: their tables equal those of cryptoetl."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.by_hand import duckdb_sql, with_pandas
from benchmarks.same_tables import differences
from tests.local.cli import REPOSITORY, Project

EXAMPLES = REPOSITORY / "examples" / "data"
BTC: dict[str, Any] = {
    "ticker": "BTC",
    "history": EXAMPLES / "BTC_EUR Historical Data.csv",
    "trend": EXAMPLES / "google_trend_bitcoin.csv",
    "drop": False,
}
XMR: dict[str, Any] = {
    "ticker": "XMR",
    "history": EXAMPLES / "Monero Historical Data.csv",
    "trend": EXAMPLES / "monero multiTimeline.csv",
    "drop": True,
}
FOR_SCRIPTS = [
    {**BTC, "date_format": "%m/%d/%Y", "preamble": 0},
    {**XMR, "date_format": "%b %d, %Y", "preamble": 2},
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse that `up` creates from the example files."""
    project = Project(tmp_path_factory.mktemp("cryptoetl"))
    project.add(**BTC)
    project.add(**XMR, date_format="MMM dd, yyyy")
    assert project.run("up").code == 0
    return project.home / "warehouse.duckdb"


@pytest.mark.parametrize("script", [duckdb_sql.main, with_pandas.main], ids=["duckdb_sql", "with_pandas"])
def test_a_handwritten_script_creates_the_same_tables(
    script: Callable[[Path, Path], None], warehouse: Path, tmp_path: Path
) -> None:
    currencies = tmp_path / "currencies.json"
    currencies.write_text(json.dumps(FOR_SCRIPTS, default=str), encoding="utf-8")
    script(currencies, tmp_path)
    assert differences(warehouse, [tmp_path / "warehouse.duckdb"]) == []
    sets = {path.name for path in tmp_path.glob("*/*.parquet")}
    assert sets == {
        f"{ticker}{part}.parquet" for ticker in ("BTC", "XMR") for part in ("", "_hist", "_trend")
    }


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("UPDATE market_data.btc SET pricema = pricema * (1 + 2e-9) WHERE date = '2022-11-19'", "on 1 days"),
        ("UPDATE market_data.btc SET price = NULL WHERE date = '2022-11-19'", "on 1 days"),
        ("UPDATE market_data.btc SET trend = 1 WHERE date = '2022-11-19'", "on 1 days"),
        ("DELETE FROM market_data.btc WHERE date > '2022-11-17'", "has 376 rows and not 378"),
        ("ALTER TABLE market_data.btc ALTER price TYPE DOUBLE", "has the columns"),
        ("DROP TABLE market_data.btc", "not the same tables: btc"),
    ],
)
def test_unequal_tables_are_detected(change: str, difference: str, warehouse: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.duckdb"
    shutil.copy(warehouse, changed)
    with duckdb.connect(changed) as connection:
        connection.execute(change)
    (line,) = differences(warehouse, [changed])
    assert difference in line
