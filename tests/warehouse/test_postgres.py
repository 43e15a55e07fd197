"""Loads on PostgreSQL: readers, grants, views, failures, and concurrent loads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest

from cryptoetl.config.models import Config, Currency
from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.pipeline import verification
from cryptoetl.warehouse import facts as table_facts
from cryptoetl.warehouse import ownership
from cryptoetl.warehouse import sql as warehouse_sql
from cryptoetl.warehouse.facts import TableFacts
from tests.local.test_redshift_upload import RESERVED, gold_table, redshift_upload
from tests.warehouse.postgres import PostgresSink, Server, for_postgres

READERS = ["group:analysts", "public"]
STATEMENTS = 1 + 10 + 1 + 4
"""The staging table that the connector creates, the preactions, the rows, the postactions."""


class Stop(Exception):
    """The failure that a test injects."""


def load(
    server: Server,
    ticker: str,
    table: pa.Table,
    *,
    rows: int | None = None,
    after: Callable[[int], None] = lambda number: None,
) -> None:
    """Load a table as the script, GlueContext and the connector do together."""
    made = redshift_upload.replacement("market_data", ticker, rows or table.num_rows, READERS)
    actions = [glue_runtime.split_actions(text) for text in (made.preactions, made.postactions)]
    PostgresSink(server, after)(table, made.dbtable, *actions)


def config(*tickers: str, grants: tuple[str, ...] = ("role:analysts",)) -> Config:
    currencies = tuple(Currency(ticker=t, history=Path("h"), trend=Path("t")) for t in tickers)
    aws = {"redshift": {"grants": grants}}
    return Config.model_validate({"currencies": currencies, "aws": aws})


def deploy(server: Server, *tickers: str) -> None:
    with server.connect() as connection:
        for statement in warehouse_sql.provisions(config(*tickers)):
            connection.execute(for_postgres(statement).encode())


def ask(server: Server, sql: str, user: str = "loader") -> list[tuple[Any, ...]]:
    with server.connect(user) as connection:
        return connection.execute(sql.encode()).fetchall()


def content(server: Server, ticker: str, user: str = "loader") -> tuple[int, float, float]:
    (found,) = ask(server, f'SELECT count(*), min(price), max(price) FROM market_data."{ticker}"', user)
    return found[0], found[1], found[2]


def tables(server: Server) -> list[str]:
    """The tables of currencies; the one of the schema's owner is no load's."""
    sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'market_data' ORDER BY 1"
    return [name for (name,) in ask(server, sql) if name != ownership.OWNER]


def test_the_claim_of_an_owned_schema_fails_and_changes_nothing(postgres: Server) -> None:
    """The guard of the claim, in one transaction, on a server whose errors are Redshift's."""
    deploy(postgres, "BTC")
    deploy(postgres, "BTC")

    def run(statements: list[str]) -> None:
        with postgres.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    table = ownership.table("market_data")
    with pytest.raises(psycopg.Error, match="belongs to the pipeline crypto"):
        run(ownership.claim(table, "other", share=False))
    assert ask(postgres, ownership.owners(table)) == [("crypto",)]
    run(ownership.claim(table, "other", share=True))
    run(ownership.claim(table, "other", share=True))
    assert ask(postgres, ownership.owners(table)) == [("crypto",), ("other",)]


def test_the_number_of_statements_is_that_of_a_load(postgres: Server) -> None:
    seen: list[int] = []
    load(postgres, "BTC", gold_table(3, 1.0), after=seen.append)
    assert len(seen) == STATEMENTS


def test_readers_see_only_whole_tables_during_100_replacements(postgres: Server) -> None:
    deploy(postgres, "BTC", "XMR")
    load(postgres, "BTC", gold_table(1000, 1.0))
    loaded = threading.Event()
    seen: list[tuple[Any, ...]] = []

    def read(source: str) -> None:
        with postgres.connect("reader") as connection:
            while not loaded.is_set():
                sql = f"SELECT count(*), min(price), max(price) FROM {source}"
                seen.extend(connection.execute(sql.encode()).fetchall())

    with ThreadPoolExecutor(2) as pool:
        sources = ['market_data."btc"', "market_data.all_currencies WHERE ticker = 'BTC'"]
        reading = [pool.submit(read, source) for source in sources]
        try:
            for number in range(100):
                load(postgres, "BTC", gold_table(1001 - number % 2, 2.0 - number % 2))
        finally:
            loaded.set()
        for reader in reading:
            reader.result(timeout=30)
    assert len(seen) > 100
    assert set(seen) == {(1000, 1.0, 1.0), (1001, 2.0, 2.0)}


def test_grants_comments_and_views_survive_a_replacement(postgres: Server) -> None:
    deploy(postgres, "BTC")
    load(postgres, "BTC", gold_table(5, 1.0))
    with postgres.connect() as connection:
        connection.execute("CREATE VIEW market_data.mine AS SELECT date, price FROM market_data.btc")
        connection.execute("GRANT SELECT ON market_data.mine TO reader")
        connection.execute("GRANT SELECT, REFERENCES ON market_data.btc TO analysts")
    before = ask(postgres, "SELECT relacl FROM pg_class WHERE relname = 'btc'")
    load(postgres, "BTC", gold_table(9, 2.0))
    assert ask(postgres, "SELECT relacl FROM pg_class WHERE relname = 'btc'") == before
    for source in ("btc", "mine", "all_currencies"):
        assert content(postgres, source, "reader") == (9, 2.0, 2.0)
    comments = ask(
        postgres,
        "SELECT a.attname, col_description(a.attrelid, a.attnum) FROM pg_attribute a "
        "WHERE a.attrelid = 'market_data.btc'::regclass AND a.attnum > 0",
    )
    assert dict(comments) == redshift_upload.COMMENTS


@pytest.mark.parametrize("at", range(STATEMENTS))
def test_a_failure_after_any_statement_leaves_the_old_table(at: int, postgres: Server) -> None:
    deploy(postgres, "BTC")
    load(postgres, "BTC", gold_table(5, 1.0))

    def stop(number: int) -> None:
        if number == at:
            raise Stop

    with pytest.raises(Stop):
        load(postgres, "BTC", gold_table(9, 2.0), after=stop)
    assert content(postgres, "btc", "reader") == (5, 1.0, 1.0)
    assert tables(postgres) == ["btc"]
    load(postgres, "BTC", gold_table(9, 2.0))
    assert content(postgres, "btc") == (9, 2.0, 2.0)


@pytest.mark.parametrize("at", range(STATEMENTS))
def test_a_connection_that_breaks_after_any_statement_leaves_the_old_table(at: int, postgres: Server) -> None:
    load(postgres, "BTC", gold_table(5, 1.0))

    def cut(number: int) -> None:
        if number == at:
            sql = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'loader' AND state LIKE 'idle in transaction%'"
            )
            assert ask(postgres, sql) == [(True,)]

    with pytest.raises(psycopg.OperationalError):
        load(postgres, "BTC", gold_table(9, 2.0), after=cut)
    assert content(postgres, "btc") == (5, 1.0, 1.0)
    assert tables(postgres) == ["btc"]


def test_a_load_with_another_number_of_rows_than_gold_is_rolled_back(postgres: Server) -> None:
    load(postgres, "BTC", gold_table(5, 1.0))
    with pytest.raises(psycopg.DataError, match="the table would hold 8 rows and gold has 9"):
        load(postgres, "BTC", gold_table(8, 2.0), rows=9)
    assert content(postgres, "btc") == (5, 1.0, 1.0)


@pytest.mark.parametrize("ticker", RESERVED)
def test_a_ticker_may_be_a_reserved_word(ticker: str, postgres: Server) -> None:
    deploy(postgres, ticker, "BTC")
    for price in (1.0, 2.0):
        load(postgres, ticker, gold_table(3, price))
    assert content(postgres, ticker.lower(), "reader") == (3, 2.0, 2.0)
    found = ask(postgres, "SELECT DISTINCT ticker FROM market_data.all_currencies", "reader")
    assert found == [(ticker,)]


def test_two_currencies_do_not_wait_for_each_other(postgres: Server) -> None:
    """One load pauses before its commit; meanwhile the other one ends."""
    deploy(postgres, "BTC", "XMR")
    held, go_on = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        if number == STATEMENTS - 1:
            held.set()
            assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(load, postgres, "BTC", gold_table(5, 1.0), after=hold)
        try:
            assert held.wait(60)
            load(postgres, "XMR", gold_table(7, 2.0))
            assert content(postgres, "xmr") == (7, 2.0, 2.0)
            assert content(postgres, "btc")[0] == 0
        finally:
            go_on.set()
        slow.result(timeout=60)
    assert content(postgres, "btc") == (5, 1.0, 1.0)


@pytest.mark.parametrize("loaded_before", [False, True])
def test_concurrent_loads_of_one_currency_leave_one_of_the_sets_whole(
    loaded_before: bool, postgres: Server
) -> None:
    if loaded_before:
        load(postgres, "BTC", gold_table(50, 3.0))
    together = threading.Barrier(2)

    def begin(table: pa.Table) -> None:
        for _ in range(5):
            together.wait(timeout=60)
            load(postgres, "BTC", table)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(begin, gold_table(n, p)) for n, p in ((100, 1.0), (200, 2.0))]:
            done.result(timeout=120)
    assert content(postgres, "btc") in [(100, 1.0, 1.0), (200, 2.0, 2.0)]
    assert tables(postgres) == ["btc"]


def test_the_view_can_be_read_before_the_first_load_and_created_again(postgres: Server) -> None:
    deploy(postgres, "BTC", "XMR")
    assert ask(postgres, "SELECT count(*) FROM market_data.all_currencies", "reader") == [(0,)]
    load(postgres, "BTC", gold_table(5, 1.0))
    deploy(postgres, "BTC", "XMR", "ETH")
    load(postgres, "ETH", gold_table(2, 4.0))
    found = ask(
        postgres,
        "SELECT ticker, count(*), max(price) FROM market_data.all_currencies GROUP BY 1 ORDER BY 1",
        "reader",
    )
    assert found == [("BTC", 5, 1.0), ("ETH", 2, 4.0)]


def test_the_facts_of_a_table_are_those_of_the_gold_it_was_loaded_from(
    postgres: Server, tmp_path: Path
) -> None:
    table = gold_table(2000, 1.0)
    prices = [None if n % 97 == 0 else 0.1 + n * 1.37 for n in range(2000)]
    table = table.set_column(1, "price", pa.array(prices, pa.float32()))
    table = table.set_column(3, "pricema", pa.array([(p or 0) / 3 for p in prices], pa.float64()))
    load(postgres, "BTC", table)
    names = ["date", "price", "g_trend", "pricema", "trendma"]
    pyarrow.parquet.write_table(table.rename_columns(names), tmp_path / "part.parquet")
    expected = table_facts.of_gold([str(tmp_path / "part.parquet")])
    (figures,) = ask(postgres, warehouse_sql.facts('"market_data"."btc"'))
    columns = tuple(warehouse_sql.COLUMNS.items())
    found = replace(TableFacts(*figures), columns=columns)
    assert len(figures) == len(fields(TableFacts)) - 1
    assert verification.compare("BTC", "btc", gold=expected, found=found, rules=None).problems == ()
