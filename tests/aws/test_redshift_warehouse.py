"""The AWS target's warehouse: what it asks Redshift, and what it makes of the answers."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet
import pytest
import sqlglot
from sqlglot import exp

from cryptoetl import pipeline
from cryptoetl.aws.session import Identity, Session
from cryptoetl.aws.warehouse import AwsWarehouse
from cryptoetl.config.models import Config, Currency
from cryptoetl.errors import QueryError, UsageError
from cryptoetl.pipeline.results import VerifyResult
from cryptoetl.target import Target
from cryptoetl.warehouse import sql as warehouse_sql
from tests.aws.data_api import field_of
from tests.aws.redshift_data import FakeRedshiftData, Result
from tests.fakes import Fakes
from tests.local.test_redshift_upload import RESERVED

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:loader"


class FakeS3:
    """Gold in a bucket: key → content."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_paginator(self, operation: str) -> FakeS3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        assert Bucket == "crypto-gold-123456789012-eu-central-1"
        yield {"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}
        yield {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key])}


class FakeSession:
    """`aws.session.Session` with fakes for clients."""

    region = "eu-central-1"
    identity = Identity("123456789012", "arn:aws:iam::123456789012:user/ada")

    def __init__(self, data: FakeRedshiftData, s3: FakeS3) -> None:
        self._clients = {"redshift-data": data.client(), "s3": s3}

    def client(self, service: str) -> Any:
        return self._clients[service]


class Place:
    """A configuration with its warehouse, and what Redshift and S3 answer."""

    def __init__(self, *tickers: str, **redshift: Any) -> None:
        currencies = tuple(Currency(ticker=t, history=Path("h"), trend=Path("t")) for t in tickers)
        self.config = Config.model_validate({"currencies": currencies, "aws": {"redshift": redshift}})
        self.data, self.s3 = FakeRedshiftData(), FakeS3()
        session = cast("Session", FakeSession(self.data, self.s3))
        self.warehouse = AwsWarehouse(self.config, session, lambda seconds: None, lambda: 0.0)
        self.tickers = list(tickers)
        self.columns = {ticker.lower(): dict(warehouse_sql.COLUMNS) for ticker in tickers}
        self.figures = {ticker.lower(): dict(FIGURES) for ticker in tickers}
        for ticker in tickers:
            self.s3.objects[f"{ticker}/part-0.snappy.parquet"] = gold()
            self.s3.objects[f"{ticker}/_SUCCESS"] = b""

    def verify(self) -> VerifyResult:
        names = [ticker.lower() for ticker in self.tickers]
        listed = [
            [{"stringValue": table}, {"stringValue": column}, {"stringValue": kind.lower()}]
            for table, columns in self.columns.items()
            for column, kind in columns.items()
        ]
        texts = [("table_name", "varchar"), ("column_name", "varchar"), ("data_type", "varchar")]
        self.data.results[warehouse_sql.columns("market_data", names)] = Result(texts, listed, page=7)
        whole = [n for n in names if warehouse_sql.COLUMNS.items() <= self.columns.get(n, {}).items()]
        union = " UNION ALL ".join(
            warehouse_sql.facts(warehouse_sql.quoted("market_data", n), label=n) for n in whole
        )
        rows = [[{"stringValue": n}, *(field_of(v) for v in self.figures[n].values())] for n in whole]
        self.data.results[union] = Result([("name", "varchar"), *TYPES], rows)
        for name in self.columns:
            count = Result([("count", "int8")], [[{"longValue": 2}]])
            self.data.results[warehouse_sql.count("market_data", name)] = count
        fakes = Fakes()
        rooms = (fakes.storage, fakes.deployment, fakes.executions, self.warehouse)
        target = Target("aws", *rooms, fakes.target.exclusive, fakes.target.diagnose)
        return pipeline.verify(self.config, target, self.tickers, lambda event: None)


FIGURES: Mapping[str, Any] = {
    "rows": 2,
    "first": date(2000, 1, 2),
    "last": date(2000, 1, 3),
    "prices": 1,
    "price_sum": 1.5,
    "pricema_sum": 5.0,
    "trends": 2,
    "trend_sum": "14",
    "trend_i_sum": None,
    "days": 2,
    "pricemas": 2,
    "trend_is": 0,
    "price_min": 1.5,
    "price_max": 1.5,
    "trend_min": 7,
    "trend_max": 7,
    "price_by_day": 1.5,
    "trend_by_day": 21.0,
}
TYPES = [
    (name, "date" if isinstance(value, date) else "numeric" if isinstance(value, str) else "float8")
    for name, value in FIGURES.items()
]


def gold() -> bytes:
    table = pa.table(
        {
            "date": pa.array([date(2000, 1, 2), date(2000, 1, 3)]),
            "price": pa.array([1.5, None], pa.float32()),
            "g_trend": pa.array([7, 7], pa.int32()),
            "pricema": pa.array([2.5, 2.5]),
            "trendma": pa.array([None, None], pa.float64()),
        }
    )
    content = io.BytesIO()
    pyarrow.parquet.write_table(table, content)
    return content.getvalue()


# --- verify -------------------------------------------------------------------------------------------


def test_tables_that_equal_gold_are_verified_with_two_statements() -> None:
    place = Place("BTC", "ORDER")
    result = place.verify()
    assert [(t.table, t.rows, t.problems) for t in result.tables] == [
        ("market_data.btc", 2, ()),
        ("market_data.order", 2, ()),
    ]
    assert result.location == "Redshift: crypto.market_data in the workgroup my-etl-workgroup"
    assert len(place.data.statements) == 2


def test_each_way_to_be_wrong_is_named() -> None:
    place = Place("BTC", "XMR", "ETH", "LTC", "ADA", "SOL")
    del place.columns["btc"]
    place.columns["xmr"]["more"] = "INTEGER"
    place.columns["eth"]["price"] = "DOUBLE PRECISION"
    place.figures["ltc"] |= {"rows": 1, "days": 1}
    place.figures["ada"]["price_by_day"] = 3.0
    del place.s3.objects["SOL/part-0.snappy.parquet"]
    assert {t.ticker: t.problems for t in place.verify().tables} == {
        "BTC": ("the table is missing",),
        "XMR": (
            "its columns are date, price, trend, pricema, trend_i, more, "
            "not date, price, trend, pricema, trend_i",
        ),
        "ETH": ("its column price is DOUBLE PRECISION, not REAL",),
        "LTC": ("rows: 1 in the table, 2 in gold", "days: 1 in the table, 2 in gold"),
        "ADA": ("price by day: 3.0 in the table, 1.5 in gold",),
        "SOL": ("there is no gold set to compare it with",),
    }


# --- query --------------------------------------------------------------------------------------------


def test_a_query_is_checked_before_anything_is_sent() -> None:
    place = Place("BTC")
    with pytest.raises(QueryError, match="DELETE is refused"):
        place.warehouse.query("WITH a AS (DELETE FROM btc RETURNING 1) SELECT 1", 10)
    assert place.data.calls == []


def test_a_result_is_cut_at_the_limit_and_single_precision_is_shown_as_it_is_meant() -> None:
    place = Place("BTC")
    rows: list[list[dict[str, Any]]] = [
        [{"doubleValue": 6.099999904632568}],
        [{"isNull": True}],
        [{"doubleValue": 1.0}],
    ]
    place.data.results["SELECT price FROM btc"] = Result([("price", "float4")], rows)
    cut = place.warehouse.query("SELECT price FROM btc;", 2)
    assert (cut.columns, cut.rows, cut.more, cut.types) == (("price",), ((6.1,), (None,)), True, ("float4",))
    assert place.warehouse.query("SELECT price FROM btc", 3).more is False
    assert len(place.warehouse.query("SELECT price FROM btc", None).rows) == 3


def test_memory_is_limited_by_the_workgroup_alone() -> None:
    place = Place("BTC")
    with pytest.raises(UsageError, match="--memory-limit is for the local target"):
        place.warehouse.query("SELECT 1", 1, memory=10**9)
    assert place.data.calls == []


# --- as whom ------------------------------------------------------------------------------------------


def test_statements_run_with_the_secret_that_the_configuration_knows() -> None:
    place = Place("BTC", secret=SECRET)
    assert place.warehouse.knows_loader
    place.warehouse.query("SELECT 1", 1)
    assert next(iter(place.data.statements.values())).request["SecretArn"] == SECRET
    assert not Place("BTC").warehouse.knows_loader


def test_a_deploy_makes_missing_tables_the_view_and_its_grants_in_that_order() -> None:
    place = Place("BTC", "XMR", secret=SECRET, grants=["role:analysts"])
    place.warehouse.provide()
    owner, rest = place.data.sent[:6], place.data.sent[6:]
    assert all('"market_data"."_owner"' in sql for sql in owner)
    assert [sql.partition(" (")[0][:60] for sql in rest] == [
        'CREATE TABLE IF NOT EXISTS "market_data"."btc"',
        'CREATE TABLE IF NOT EXISTS "market_data"."xmr"',
        'CREATE OR REPLACE VIEW "market_data"."all_currencies" AS SEL',
        'GRANT USAGE ON SCHEMA "market_data" TO ROLE "analysts"',
        'GRANT SELECT ON "market_data"."all_currencies" TO ROLE "anal',
    ]
    assert rest[2].endswith(" WITH NO SCHEMA BINDING")


# --- Redshift's dialect -------------------------------------------------------------------------------


@pytest.mark.parametrize("ticker", ["BTC", *RESERVED])
def test_every_statement_is_redshifts_and_quotes_its_names(ticker: str) -> None:
    config = Place(ticker, grants=["role:analysts", "group:bi", "user:ada", "public"]).config
    table = warehouse_sql.quoted("market_data", ticker.lower())
    statements = [
        *warehouse_sql.provisions(config),
        warehouse_sql.facts(table, label=ticker.lower()),
        warehouse_sql.count("market_data", ticker.lower()),
        warehouse_sql.latest("market_data", ticker, 10),
    ]
    for statement in statements:
        assert "\n" not in statement
        assert ";" not in statement
        (tree,) = sqlglot.parse(statement, dialect="redshift", error_level=sqlglot.ErrorLevel.RAISE)
        assert tree is not None
        assert not isinstance(tree, exp.Command), statement
        unquoted = {name.name for name in tree.find_all(exp.Identifier) if not name.args["quoted"]}
        assert unquoted <= {"PUBLIC"}
    (tree,) = sqlglot.parse(warehouse_sql.columns("market_data", ["btc"]), dialect="redshift")
    assert isinstance(tree, exp.Select)


def test_the_tables_of_a_deploy_are_those_of_a_load() -> None:
    from tests.local.test_redshift_upload import redshift_upload

    made = redshift_upload.replacement("market_data", "BTC")
    assert warehouse_sql.create_table("market_data", "BTC") in made.preactions
    for reader in ("role:a", "group:b", "user:c", "public"):
        assert warehouse_sql.grantee(reader) == redshift_upload.grantee(reader)
