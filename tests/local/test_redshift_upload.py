"""The Redshift step: the statements of the connector's transaction, and atomic replacement of tables."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest
import sqlglot
from sqlglot import exp

from cryptoetl.config.models import COLUMNS
from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.engine import run_script
from cryptoetl.local.redshift import view as all_currencies
from cryptoetl.local.redshift.dialect import for_duckdb
from cryptoetl.local.redshift.sink import DuckDBSink
from tests.java_errors import JavaException, Py4JJavaError, connector_error, refused_cast
from tests.local.scripts import Lake, script

redshift_upload = script("redshift_upload")
RESERVED = [
    "SELECT",
    "TABLE",
    "ORDER",
    "GROUP",
    "USER",
    "END",
    "BEGIN",
    "ALL",
    "TRUE",
    "DATE",
    "AES128",
    "A_1",
]
ACTIONS = 12
"""Statements of a replacement, before and after the load."""


def gold_table(rows: int, price: float) -> pa.Table:
    """Return a table as the step passes it to the connector, with one price in all rows."""
    first = date(2024, 1, 1)
    return pa.table(
        {
            "date": pa.array([first + timedelta(day) for day in range(rows)], pa.date32()),
            "price": pa.array([price] * rows, pa.float32()),
            "trend": pa.array([7] * rows, pa.int32()),
            "pricema": pa.array([price] * rows, pa.float64()),
            "trend_i": pa.array([None] * rows, pa.float64()),
        }
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA market_data")
        yield connection


def load(sink: glue_runtime.RedshiftSink, ticker: str, table: pa.Table) -> None:
    """Load a table as the script and GlueContext do together."""
    made = redshift_upload.replacement("market_data", ticker, table.num_rows)
    actions = [glue_runtime.split_actions(text) for text in (made.preactions, made.postactions)]
    sink(table, made.dbtable, *actions)


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
    return [name for (name,) in found]


def content(connection: duckdb.DuckDBPyConnection, ticker: str) -> tuple[int, float]:
    """Return the number of rows of a table, and its price."""
    (found,) = connection.execute(
        f'SELECT count(*), min(price), max(price) FROM market_data."{ticker}"'
    ).fetchall()
    assert found[1] == found[2]
    return found[0], found[1]


# --- statements -----------------------------------------------------------------------------------


READERS = ["role:analysts", "group:bi_users", "user:IAMR:dash-board", "public"]


@pytest.mark.parametrize("ticker", ["BTC", "btc", *RESERVED])
def test_the_connector_can_run_all_actions_in_its_transaction(ticker: str) -> None:
    made = redshift_upload.replacement("market_data", ticker, 7, READERS)
    for actions in (made.preactions, made.postactions):
        assert "\n" not in actions
        assert "\r" not in actions
        assert "%" not in actions
        for statement in glue_runtime.split_actions(actions):
            assert re.match(
                "(DROP|CREATE) TABLE|DELETE FROM|INSERT INTO|COMMENT ON|GRANT|SELECT CAST", statement
            )


@pytest.mark.parametrize("ticker", ["BTC", *RESERVED])
def test_every_action_is_one_statement_of_redshifts_dialect_and_quotes_its_names(ticker: str) -> None:
    made = redshift_upload.replacement("market_data", ticker, 7, READERS)
    for actions in (made.preactions, made.postactions):
        statements = glue_runtime.split_actions(actions)
        parsed = sqlglot.parse(actions, dialect="redshift", error_level=sqlglot.ErrorLevel.RAISE)
        assert len(parsed) == len(statements)
        for statement, tree in zip(statements, parsed, strict=True):
            assert tree is not None
            assert not isinstance(tree, exp.Command), f"not understood: {statement}"
            unquoted = [name for name in tree.find_all(exp.Identifier) if not name.args["quoted"]]
            assert unquoted == [] or statement.endswith("TO PUBLIC")


def test_a_table_is_replaced_by_delete_and_insert_and_never_dropped() -> None:
    made = redshift_upload.replacement("market_data", "BTC", 7, READERS)
    typed = (
        '("date" DATE, "price" REAL, "trend" INTEGER, "pricema" DOUBLE PRECISION, "trend_i" DOUBLE PRECISION)'
    )
    names = '"date", "price", "trend", "pricema", "trend_i"'
    assert made.dbtable == "market_data._staging_btc"
    before = glue_runtime.split_actions(made.preactions)
    assert before[:3] == [
        'DROP TABLE IF EXISTS "market_data"."_staging_btc"',
        f'CREATE TABLE "market_data"."_staging_btc" {typed}',
        f'CREATE TABLE IF NOT EXISTS "market_data"."btc" {typed} DISTSTYLE ALL SORTKEY ("date")',
    ]
    assert [text.partition(" IS ")[0] for text in before[3:8]] == [
        f'COMMENT ON COLUMN "market_data"."btc".{name}' for name in names.split(", ")
    ]
    assert before[8:] == [
        'GRANT SELECT ON "market_data"."btc" TO ROLE "analysts"',
        'GRANT SELECT ON "market_data"."btc" TO GROUP "bi_users"',
        'GRANT SELECT ON "market_data"."btc" TO "IAMR:dash-board"',
        'GRANT SELECT ON "market_data"."btc" TO PUBLIC',
    ]
    delete, insert, check, drop = glue_runtime.split_actions(made.postactions)
    assert delete == 'DELETE FROM "market_data"."btc"'
    assert (
        insert
        == f'INSERT INTO "market_data"."btc" ({names}) SELECT {names} FROM "market_data"."_staging_btc"'
    )
    assert "COUNT(*) = 7" in check
    assert drop == 'DROP TABLE "market_data"."_staging_btc"'


@pytest.mark.parametrize(
    "reader", ["", "analysts", "role:", 'role:a"b', "role:a;b", "role:a b", "admin:x", "role:a%s"]
)
def test_an_invalid_reader_is_refused(reader: str) -> None:
    with pytest.raises(ValueError, match="is not role:NAME, group:NAME, user:NAME or public"):
        redshift_upload.replacement("market_data", "BTC", readers=[reader])


def test_duckdb_receives_all_statements_without_layout_and_grants() -> None:
    made = redshift_upload.replacement("market_data", "ORDER", 7, READERS)
    before = glue_runtime.split_actions(made.preactions)
    left = list(for_duckdb(before))
    assert left == [text.replace(' DISTSTYLE ALL SORTKEY ("date")', "") for text in before[:8]]
    after = glue_runtime.split_actions(made.postactions)
    assert list(for_duckdb(after)) == after
    assert list(for_duckdb(['CREATE TABLE "a" ("b" INTEGER) ENCODE AUTO'])) == [
        'CREATE TABLE "a" ("b" INTEGER) ENCODE AUTO'
    ]


@pytest.mark.parametrize("schema", ["", "Market", "market-data", "a.b", 'a"b', "a;b", "1a", "a\n"])
def test_a_schema_that_is_not_a_plain_identifier_is_refused(schema: str) -> None:
    with pytest.raises(ValueError) as refusal:
        redshift_upload.replacement(schema, "BTC")
    assert str(refusal.value) == f"SCHEMA {schema!r} is not a lower-case identifier"


@pytest.mark.parametrize("ticker", ["", "1INCH", "_BTC", "B-C", 'B"C', "B;C", "B C", "Ä", "BTC\n", "B%s"])
def test_a_ticker_that_is_not_a_plain_identifier_is_refused(ticker: str) -> None:
    with pytest.raises(ValueError) as refusal:
        redshift_upload.replacement("market_data", ticker)
    assert str(refusal.value) == (
        f"TICKER {ticker!r} is not a letter followed by letters, digits and underscores"
    )


# --- the job --------------------------------------------------------------------------------------


def test_gold_becomes_a_table_with_the_columns_of_its_contract(
    lake: Lake, warehouse: duckdb.DuckDBPyConnection
) -> None:
    glue_runtime.install(DuckDBSink(warehouse))
    lake.make_silver("Date,Price\n01/06/2024,1.5\n01/07/2024,2.5\n", "Week,x\n2024-01-07,9\n")
    lake.make_gold()
    for _ in range(2):
        run_script(redshift_upload, lake.redshift_arguments())
    found = warehouse.execute("SELECT * FROM market_data.btc ORDER BY date")
    assert [(name, str(kind)) for name, kind, *_ in found.description or ()] == [
        ("date", "DATE"),
        ("price", "FLOAT"),
        ("trend", "INTEGER"),
        ("pricema", "DOUBLE"),
        ("trend_i", "DOUBLE"),
    ]
    assert found.fetchall() == [(date(2024, 1, 6), 1.5, None, 1.5, 9), (date(2024, 1, 7), 2.5, 9, 2, 9)]
    assert tables(warehouse) == ["btc"]


def test_the_columns_have_comments(lake: Lake, warehouse: duckdb.DuckDBPyConnection) -> None:
    load(DuckDBSink(warehouse), "BTC", gold_table(1, 1.0))
    found = warehouse.execute("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'btc'")
    assert dict(found.fetchall()) == redshift_upload.COMMENTS


def test_a_load_with_another_number_of_rows_than_gold_is_rolled_back(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    sink = DuckDBSink(warehouse)
    load(sink, "BTC", gold_table(5, 1.0))
    made = redshift_upload.replacement("market_data", "BTC", 9)
    actions = [glue_runtime.split_actions(text) for text in (made.preactions, made.postactions)]
    with pytest.raises(duckdb.ConversionException, match="would hold 8 rows and gold has 9"):
        sink(gold_table(8, 2.0), made.dbtable, *actions)
    assert content(warehouse, "btc") == (5, 1.0)
    assert tables(warehouse) == ["btc"]


REDSHIFT = "com.amazon.redshift.util.RedshiftException"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            refused_cast("the table would hold 8 rows and gold has 9"),
            "the table would hold 8 rows and gold has 9",
        ),
        (
            refused_cast("seven \n  and a half"),
            "Invalid digit, Value 's', Pos 0, Type: Integer (seven and a half)",
        ),
        (
            connector_error(JavaException(REDSHIFT, "ERROR: permission denied for schema market_data")),
            "permission denied for schema market_data",
        ),
        (
            connector_error(JavaException("java.net.SocketTimeoutException", None)),
            "java.net.SocketTimeoutException",
        ),
        (connector_error(None), "Exception thrown in awaitResult:"),
        (
            duckdb.ConversionException("could not convert 'the table would hold 8 rows and gold has 9'"),
            "the table would hold 8 rows and gold has 9",
        ),
        (ValueError("connection_options: 'dbtable' is missing"), None),
    ],
)
def test_the_reason_of_a_failed_load_is_the_last_cause(error: Exception, reason: str | None) -> None:
    assert redshift_upload.reason(error) == reason


def test_a_chain_of_causes_without_an_end_ends() -> None:
    error = JavaException("java.lang.Exception", "round")
    error.cause = error
    assert redshift_upload.reason(Py4JJavaError(error)) == "round"


def test_a_load_that_fails_names_the_reason_and_keeps_the_whole_error(
    lake: Lake, warehouse: duckdb.DuckDBPyConnection
) -> None:
    sink = DuckDBSink(warehouse)
    glue_runtime.install(lambda table, dbtable, before, after: sink(table.slice(1), dbtable, before, after))
    lake.make_silver("Date,Price\n01/06/2024,1.5\n")
    lake.make_gold()
    with pytest.raises(RuntimeError, match=r"^the table would hold 2 rows and gold has 3$") as failure:
        run_script(redshift_upload, lake.redshift_arguments())
    assert isinstance(failure.value.__cause__, duckdb.ConversionException)


def test_the_readers_come_from_the_jobs_arguments(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[str] = []
    monkeypatch.setattr(
        glue_runtime.GlueContext,
        "_write",
        lambda self, frame, connection_type, connection_options: received.append(
            connection_options["preactions"]
        ),
    )
    lake.make_silver("Date,Price\n01/06/2024,1.5\n")
    lake.make_gold()
    run_script(redshift_upload, lake.redshift_arguments(GRANTS="role:analysts,public"))
    assert 'TO ROLE "analysts"; GRANT SELECT ON "market_data"."btc" TO PUBLIC' in received[0]


@pytest.mark.parametrize("state", ["missing", "without files", "without rows"])
def test_a_gold_set_without_rows_fails_the_step_and_leaves_the_table(
    state: str, lake: Lake, warehouse: duckdb.DuckDBPyConnection
) -> None:
    sink = DuckDBSink(warehouse)
    glue_runtime.install(sink)
    load(sink, "BTC", gold_table(3, 1.0))
    folder = lake.folder / "gold" / "BTC"
    if state != "missing":
        folder.mkdir(parents=True)
    if state == "without rows":
        columns = {"date": pa.date32(), "price": pa.float32(), "g_trend": pa.int32()}
        schema = pa.schema({**columns, "pricema": pa.float64(), "trendma": pa.float64()})
        pa.parquet.write_table(schema.empty_table(), folder / "part-0.parquet")
    with pytest.raises(ValueError) as refusal:
        run_script(redshift_upload, lake.redshift_arguments())
    assert str(refusal.value) == "gold/BTC is missing or empty: nothing was loaded"
    assert content(warehouse, "btc") == (3, 1.0)


@pytest.mark.parametrize(
    ("role", "option"), [("-", None), ("arn:aws:iam::1:role/copy", "arn:aws:iam::1:role/copy")]
)
def test_the_connector_receives_the_connection_and_the_role(
    role: str, option: str | None, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[dict[str, Any]] = []
    monkeypatch.setattr(
        glue_runtime.GlueContext,
        "_write",
        lambda self, frame, connection_type, connection_options: received.append(
            {"type": connection_type, **connection_options}
        ),
    )
    lake.make_silver("Date,Price\n01/06/2024,1.5\n")
    lake.make_gold()
    run_script(redshift_upload, lake.redshift_arguments(COPY_ROLE=role))
    (options,) = received
    assert options.get("aws_iam_role") == option
    assert options["type"] == "redshift"
    assert options["useConnectionProperties"] == "true"
    assert options["connectionName"] == "crypto-connection"
    assert options["redshiftTmpDir"] == lake.uri("temp")
    assert options["dbtable"] == "market_data._staging_btc"


# --- atomic replacement ---------------------------------------------------------------------------


@pytest.mark.parametrize("ticker", RESERVED)
def test_a_ticker_may_be_a_reserved_word(ticker: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    sink = DuckDBSink(warehouse)
    for price in (1.0, 2.0):
        load(sink, ticker, gold_table(3, price))
    assert content(warehouse, ticker.lower()) == (3, 2.0)
    assert tables(warehouse) == [ticker.lower()]


class Failing:
    """A connection whose cursors fail at the statement with this number; at the commit if there are fewer."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, at: int) -> None:
        self._connection = connection
        self._left = at

    def cursor(self) -> Failing:
        return Failing(self._connection.cursor(), self._left)

    def execute(self, statement: str) -> None:
        if self._left == 0:
            raise RuntimeError(f"failed at {statement}")
        self._left -= 1
        self._connection.execute(statement)

    def commit(self) -> None:
        raise RuntimeError("failed at the commit")

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


STATEMENTS = 1 + ACTIONS + 1
"""The number of statements of a load: the staging table, the actions and the rows."""


@pytest.mark.parametrize("at", range(STATEMENTS + 1))
def test_a_load_that_fails_anywhere_leaves_the_old_rows_and_can_be_repeated(
    at: int, warehouse: duckdb.DuckDBPyConnection
) -> None:
    load(DuckDBSink(warehouse), "BTC", gold_table(5, 1.0))
    broken: Any = Failing(warehouse, at)
    place = "the commit" if at == STATEMENTS else "(CREATE|COMMENT|DROP|INSERT|DELETE|SELECT)"
    with pytest.raises(RuntimeError, match=f"failed at {place}"):
        load(DuckDBSink(broken), "BTC", gold_table(9, 2.0))
    assert content(warehouse, "btc") == (5, 1.0)
    assert tables(warehouse) == ["btc"]
    load(DuckDBSink(warehouse), "BTC", gold_table(9, 2.0))
    assert content(warehouse, "btc") == (9, 2.0)


@pytest.mark.parametrize("at", range(STATEMENTS + 1))
def test_a_first_load_that_fails_leaves_no_table(at: int, warehouse: duckdb.DuckDBPyConnection) -> None:
    broken: Any = Failing(warehouse, at)
    with pytest.raises(RuntimeError, match="failed at"):
        load(DuckDBSink(broken), "BTC", gold_table(9, 2.0))
    assert tables(warehouse) == []


def test_rows_that_do_not_fit_the_table_leave_it_unchanged(warehouse: duckdb.DuckDBPyConnection) -> None:
    sink = DuckDBSink(warehouse)
    load(sink, "BTC", gold_table(5, 1.0))
    warehouse.execute("ALTER TABLE market_data.btc DROP COLUMN trend_i")
    with pytest.raises(duckdb.Error, match="trend_i"):
        load(sink, "BTC", gold_table(9, 2.0))
    assert content(warehouse, "btc") == (5, 1.0)
    assert tables(warehouse) == ["btc"]


def test_a_leftover_staging_table_is_replaced(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("CREATE TABLE market_data._staging_btc (old INTEGER)")
    load(DuckDBSink(warehouse), "BTC", gold_table(5, 1.0))
    assert content(warehouse, "btc") == (5, 1.0)
    assert tables(warehouse) == ["btc"]


def at_once(work: Sequence[tuple[DuckDBSink, str, pa.Table]]) -> None:
    """Load several tables from threads that begin at the same time."""
    together = threading.Barrier(len(work))

    def begin(sink: DuckDBSink, ticker: str, table: pa.Table) -> None:
        together.wait(timeout=30)
        for _ in range(5):
            load(sink, ticker, table)

    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(begin, *arguments) for arguments in work]:
            done.result(timeout=60)


def test_several_currencies_are_loaded_concurrently(warehouse: duckdb.DuckDBPyConnection) -> None:
    sink = DuckDBSink(warehouse)
    at_once([(sink, f"C{number}", gold_table(100 + number, number)) for number in range(8)])
    assert tables(warehouse) == [f"c{number}" for number in range(8)]
    assert [content(warehouse, f"c{number}") for number in range(8)] == [
        (100 + number, number) for number in range(8)
    ]


def test_concurrent_loads_of_one_currency_leave_one_of_the_sets_whole(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    sink = DuckDBSink(warehouse)
    at_once([(sink, "BTC", gold_table(100, 1.0)), (sink, "BTC", gold_table(200, 2.0))])
    assert content(warehouse, "btc") in [(100, 1.0), (200, 2.0)]
    assert tables(warehouse) == ["btc"]


def test_a_reader_sees_the_old_rows_or_the_new_ones(warehouse: duckdb.DuckDBPyConnection) -> None:
    sink = DuckDBSink(warehouse)
    load(sink, "BTC", gold_table(1000, 1.0))
    all_currencies.renew(warehouse, "market_data", ["BTC", "XMR"], COLUMNS)
    loaded = threading.Event()
    seen: set[tuple[int, float]] = set()

    def read() -> None:
        with warehouse.cursor() as cursor:
            while not loaded.is_set():
                seen.add(content(cursor, "btc"))
                seen.add(content(cursor, "all_currencies"))

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        try:
            for number in range(100):
                load(sink, "BTC", gold_table(1000 + number % 2, 1.0 + number % 2))
        finally:
            loaded.set()
        reading.result(timeout=30)
    assert seen
    assert seen <= {(1000, 1.0), (1001, 2.0)}
