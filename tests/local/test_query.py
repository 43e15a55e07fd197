"""Statements on DuckDB: they may only read tables, within limits of time and memory."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import duckdb
import pytest

from cryptoetl.errors import QueryError
from cryptoetl.local.home import Home
from cryptoetl.local.redshift import interruptible
from cryptoetl.local.warehouse import LocalWarehouse
from tests.unit.warehouse.test_sql_guard import REFUSED


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> LocalWarehouse:
    home = Home(tmp_path_factory.mktemp("home"))
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("CREATE SCHEMA market_data")
        connection.execute(
            "CREATE TABLE market_data.btc AS "
            "SELECT DATE '2024-01-01' + CAST(i AS INTEGER) AS date, CAST(i AS REAL) AS price "
            "FROM range(30) t(i)"
        )
        connection.execute("CREATE MACRO market_data.bytes(f) AS TABLE SELECT * FROM read_blob(f)")
    return LocalWarehouse(home, "market_data")


# The file is the warehouse itself: DuckDB lets a connection read the file that it has open.
BYTES = [
    "SELECT * FROM read_blob('{file}')",
    "FROM read_blob('{file}')",
    "FROM read_blob(['{file}'])",
    "FROM read_text('{file}')",
    "FROM read_duckdb('{file}')",
    "FROM read_duckdb('{file}', table_name = 'btc')",
    "FROM read_csv('{file}')",
    "FROM \"read_blob\"('{file}')",
    "FROM Read_Blob /* a */ ('{file}')",
    "FROM main.read_blob('{file}')",
    "FROM system.main.read_blob('{file}')",
    "SELECT '{file}'.read_blob()",
    "SELECT (SELECT size FROM read_blob('{file}'))",
    "SELECT * FROM btc, LATERAL (SELECT * FROM read_blob('{file}'))",
    "SELECT * FROM (VALUES ('{file}')) v(f), read_blob(f)",
    "SELECT * FROM btc POSITIONAL JOIN read_blob('{file}')",
    "SELECT * FROM btc WHERE EXISTS (FROM read_blob('{file}'))",
    "SELECT list_transform(['{file}'], x -> (SELECT size FROM read_blob(x)))",
    "WITH a AS MATERIALIZED (FROM read_blob('{file}')) FROM a",
    "SELECT 1 UNION ALL SELECT size FROM read_blob('{file}')",
    "PIVOT (FROM read_blob('{file}')) ON size IN (1) USING count(*)",
    "UNPIVOT (FROM read_blob('{file}')) ON size",
    "DESCRIBE FROM read_blob('{file}')",
    "SUMMARIZE FROM read_blob('{file}')",
    "FROM (DESCRIBE FROM read_blob('{file}'))",
    "FROM bytes('{file}')",
    "FROM '{file}'",
    'FROM "{file}"',
    "TABLE '{file}'",
    'TABLE "{file}"',
    "FROM glob('{file}')",
    "FROM sniff_csv('{file}')",
    "FROM parquet_metadata('{file}')",
    "FROM seq_scan('btc')",
    "FROM arrow_scan_dumb(1, 2, 3)",
    "FROM python_map_function('a', 'b')",
    "FROM query('SELECT 1')",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "FROM truncate_duckdb_logs()",
    "EXPLAIN ANALYZE SELECT * FROM read_blob('{file}')",
    # sqlglot does not know these forms of EXPLAIN.
    "EXPLAIN (ANALYZE) SELECT * FROM read_blob('{file}')",
    "EXPLAIN (FORMAT JSON) SELECT * FROM read_blob('{file}')",
    "EXPLAIN ANALYZE (FORMAT JSON) SELECT * FROM read_blob('{file}')",
    "EXPLAIN /* a */ (FORMAT JSON) SELECT * FROM read_blob('{file}')",
    "/* a */ EXPLAIN (ANALYZE, FORMAT JSON) /* b */ SELECT * FROM read_duckdb('{file}')",
]
SEEDS = [
    "SELECT setseed(0.5)",
    'SELECT "setseed"(0.5)',
    "SELECT main.setseed(0.5)",
    "SELECT SETSEED /* a */ (0.5)",
    "SELECT (0.5).setseed()",
    "SELECT list_transform([0.5], x -> setseed(x))",
    "SELECT * FROM btc ORDER BY setseed(0.5)",
    "EXPLAIN (ANALYZE) SELECT setseed(0.5)",
    "SET seed = 0.5",
    "PRAGMA seed = 0.5",
    "EXPLAIN (ANALYZE) SELECT sleep_ms(1)",
]
READING = [
    "FROM btc",
    "TABLE btc",
    "FROM range(3)",
    "FROM generate_series(1, 3)",
    "SELECT unnest([1, 2])",
    "FROM unnest([1, 2])",
    "FROM repeat(1, 3)",
    "FROM histogram(btc, price)",
    "FROM summary((FROM btc))",
    "FROM json_each('{{\"a\": 1}}')",
    "FROM duckdb_tables()",
    "FROM duckdb_settings()",
    "FROM pragma_table_info('btc')",
    "SELECT random()",
    "SELECT * FROM btc USING SAMPLE 5 ROWS (reservoir, 42)",
    "SELECT [x for x in [1, 2]], x: 1",
    "SELECT * FROM (PIVOT btc ON price IN (1, 2) USING count(*))",
    "SELECT date, avg(price) OVER (ORDER BY date ROWS 6 PRECEDING) FROM btc QUALIFY true",
    "WITH RECURSIVE d(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM d WHERE n < 5) SELECT * FROM d",
    "VALUES (1)",
    "SHOW TABLES",
    "DESCRIBE btc",
    "SUMMARIZE btc",
    "FROM (DESCRIBE btc)",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE FROM btc",
    "EXPLAIN (FORMAT JSON) FROM btc",
    "EXPLAIN (ANALYZE, FORMAT JSON) FROM btc",
]


@pytest.mark.parametrize("sql", BYTES)
def test_a_statement_reads_no_file_not_even_the_warehouse_itself(warehouse: LocalWarehouse, sql: str) -> None:
    with pytest.raises(QueryError):
        warehouse.query(sql.format(file=warehouse.location()), 10)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_blob('{file}')",
        "FROM read_text('{file}')",
        "FROM read_duckdb('{file}')",
        "FROM read_csv('{file}')",
        "FROM bytes('{file}')",
        "FROM '{file}'",
        "EXPLAIN (FORMAT JSON) FROM read_blob('{file}')",
        "FROM glob('{file}')",
        "FROM read_blob('https://example.com/x')",
    ],
)
def test_duckdb_opens_no_file_even_without_the_guard(
    warehouse: LocalWarehouse, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptoetl.warehouse.guard.only_reading", lambda sql, dialect: sql)
    monkeypatch.setattr("cryptoetl.warehouse.guard.only_reading_tree", lambda tree: None)
    with pytest.raises(QueryError, match="disabled by configuration"):
        warehouse.query(sql.format(file=warehouse.location()), 10)


@pytest.mark.parametrize("sql", [*SEEDS, *REFUSED])
def test_a_statement_changes_nothing_of_the_session(warehouse: LocalWarehouse, sql: str) -> None:
    with pytest.raises(QueryError):
        warehouse.query(sql, 10)


@pytest.mark.parametrize("sql", READING)
def test_ordinary_analytics_run(warehouse: LocalWarehouse, sql: str) -> None:
    assert warehouse.query(sql.format(), 100).rows


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("EXPLAIN (ANALYZE) FROM read_blob('x')", "the function read_blob is refused"),
        ("FROM arrow_scan_dumb(1, 2, 3)", "the function arrow_scan_dumb is refused"),
        ("EXPLAIN (ANALYZE) SELECT setseed(0.5)", "the function setseed is refused"),
        ("TABLE 'x.csv'", "'x.csv' is refused: query reads tables, not files"),
        ("EXPLAIN (ANALYZE) PIVOT btc ON price", "PIVOT is refused"),
    ],
)
def test_the_refusal_names_the_function_or_file(warehouse: LocalWarehouse, sql: str, message: str) -> None:
    with pytest.raises(QueryError) as refusal:
        warehouse.query(sql, 10)
    assert refusal.value.message.startswith(message)


# --- limits -------------------------------------------------------------------------------------------


def running_queries() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "query"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(1e12::BIGINT)",
        "SELECT count(*) FROM range(1000000) a, range(10000000) b WHERE a.range + b.range < 0",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
    ],
)
def test_a_statement_ends_at_its_timeout(warehouse: LocalWarehouse, sql: str) -> None:
    begun = time.monotonic()
    with pytest.raises(QueryError) as failure:
        warehouse.query(sql, 10, timeout=1)
    assert 1 <= time.monotonic() - begun < 20
    assert failure.value.message == (
        f"the statement was stopped in {warehouse.location()}: it had no result after 1 second"
    )
    assert "--timeout" in (failure.value.hint or "")
    assert running_queries() == []
    assert warehouse.query("SELECT 1", 1).rows == ((1,),)


def test_a_statement_that_needs_too_much_memory_is_stopped_and_writes_nothing_to_disk(
    warehouse: LocalWarehouse,
) -> None:
    sql = "SELECT max(i) FROM (SELECT i, random() AS r FROM range(50000000) t(i) ORDER BY r)"
    before = sorted(Path(warehouse.location()).parent.iterdir())
    with pytest.raises(QueryError) as failure:
        warehouse.query(sql, 10, memory=100_000_000)
    assert failure.value.message == (
        f"the statement was stopped in {warehouse.location()}: it needed more than 100 MB of memory"
    )
    assert "--memory-limit" in (failure.value.hint or "")
    assert sorted(Path(warehouse.location()).parent.iterdir()) == before


class Uninterruptible:
    """A connection whose statement cannot be interrupted."""

    def __init__(self) -> None:
        self.interruptions = 0

    def interrupt(self) -> None:
        self.interruptions += 1


def test_a_statement_that_cannot_be_interrupted_is_abandoned_after_a_grace_period() -> None:
    connection, ended = Uninterruptible(), threading.Event()
    try:
        with pytest.raises(TimeoutError):
            interruptible.run(connection, ended.wait, 0.1, grace=0.3)  # type: ignore[arg-type]
        assert connection.interruptions >= 2
    finally:
        ended.set()


def test_an_error_of_the_statement_is_not_a_timeout() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        interruptible.run(Uninterruptible(), fail, 5)  # type: ignore[arg-type]
