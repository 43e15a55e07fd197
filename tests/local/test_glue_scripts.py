"""The silver and gold steps on Sail: accepted and refused files, and the computed values."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.conftest import DATA
from tests.local.scripts import Lake, rows, script, unequal

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PLAIN_HISTORY = "Date,Price\n01/01/2024,1.5\n01/02/2024,2.5\n"
START = date(2024, 1, 1)
Prices = Sequence[tuple[int, float | None]]
Weeks = Sequence[tuple[int, int]]
GoldRow = tuple[int, float | None, int | None, float | None, float | None]


def days(*prices: float | None) -> list[tuple[int, float | None]]:
    """Return prices for consecutive days as (day, price), with days counted from START."""
    return list(enumerate(prices))


# --- silver ---------------------------------------------------------------------------------------


BAD_PLAIN = {
    "missing": (None, "is missing or empty"),
    "empty": ("", "is missing or empty"),
    "a header alone": ("Date,Price\n", 2),
    "a header without an end": ("Date,Price", 1),
    "another header": ("Date,Open\n2024-01-01,1\n", 1),
    "no header": ("2024-01-01,1\n", 1),
    "the columns swapped": ("Price,Date\n1,2024-01-01\n", 1),
    "a BOM": ("\ufeffDate,Price\n2024-01-01,1\n", 1),
    "CRLF": ("Date,Price\r\n2024-01-01,1\r\n", 1),
    "CRLF below the header": ("Date,Price\n2024-01-01,1\r\n", 2),
    "UTF-16": ("Date,Price\n2024-01-01,1\n".encode("utf-16"), "is not UTF-8 text"),
    "not UTF-8": (b"Date,Price\n2024-01-01,1\n\xff", "is not UTF-8 text"),
    "cut off in a number": ("Date,Price\n2024-01-01,1\n2024-01-02,16609", 3),
    "cut off in a date": ("Date,Price\n2024-01-01,1\n2024-0", 3),
    "an empty line at the end": ("Date,Price\n2024-01-01,1\n\n", 3),
    "a blank line": ("Date,Price\n2024-01-01,1\n\n2024-01-02,1\n", 3),
    "text in a number": ("Date,Price\n2024-01-01,1\n2024-01-02,x\n", 3),
    "an empty price": ("Date,Price\n2024-01-01,\n", 2),
    "NaN": ("Date,Price\n2024-01-01,NaN\n", 2),
    "a suffix": ("Date,Price\n2024-01-01,5d\n", 2),
    "blanks": ("Date,Price\n2024-01-01, 5\n", 2),
    "thousands": ('Date,Price\n2024-01-01,"1,000"\n', 2),
    "quotes": ('Date,Price\n"2024-01-01","5"\n', 2),
    "a third field": ("Date,Price\n2024-01-01,1,2\n", 2),
    "one field": ("Date,Price\n2024-01-01\n", 2),
    "too large for a float": ("Date,Price\n2024-01-01,1\n2024-01-02,1e39\n", 3),
    "no date of the calendar": ("Date,Price\n2024-02-30,1\n", 2),
    "another form of date": ("Date,Price\n01/02/2024,1\n", 2),
    "a date twice": ("Date,Price\n2024-01-01,1\n2024-01-01,1\n", 3),
    "newest first": ("Date,Price\n2024-01-02,1\n2024-01-01,1\n", 3),
    "a user's file": ('"Date","Price"\n"01/02/2024","1,000.5"\n', 1),
}
"""Histories that are not in the plain form, with their first bad line or the reason for the whole file."""
BAD_PLAIN_TRENDS = {
    "a trend with a price": ("Date,Trend\n2024-01-07,5.5\n", 2),
    "a trend above 100": ("Date,Trend\n2024-01-07,101\n", 2),
    "a negative trend": ("Date,Trend\n2024-01-07,-1\n", 2),
    "a trend of less than one": ("Date,Trend\n2024-01-07,<1\n", 2),
    "a trend with another header": ("Week,bitcoin\n2024-01-07,5\n", 1),
    "a missing trend": (None, "is missing or empty"),
}


@pytest.mark.parametrize("name", [*BAD_PLAIN, *BAD_PLAIN_TRENDS])
def test_a_file_that_is_not_in_the_plain_form_is_refused_with_its_first_bad_line(
    name: str, lake: Lake
) -> None:
    lake.make_silver(PLAIN_HISTORY)
    kind, bad = ("history", BAD_PLAIN) if name in BAD_PLAIN else ("trend", BAD_PLAIN_TRENDS)
    content, line = bad[name]
    path = lake.write_raw(f"BTC/{kind}.csv", content or "")
    if content is None:
        path.unlink()

    with pytest.raises(ValueError) as refusal:
        lake.run_silver()

    uri = lake.uri(f"raw/BTC/{kind}.csv")
    what = line if isinstance(line, str) else f"line {line} is not in the plain form"
    assert str(refusal.value) == f"{uri} {what}: run `cryptoetl upload`"


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("16777217", 16777216.0),  # the significand of a float has 24 bits
        ("0.1", 0.10000000149011612),
        (
            "1.000000178813934326171874999999",
            1.0000001192092896,
        ),  # rounded through a double, it would be the next float
        ("3.4028235e38", 3.4028234663852886e38),
        ("1e-46", 0.0),
        ("-2.5E+3", -2500.0),
        ("000012.5000", 12.5),
        ("-1.0", None),
    ],
)
def test_a_price_becomes_a_float_by_one_rounding(text: str, price: float | None, lake: Lake) -> None:
    lake.write_raw("BTC/history.csv", f"Date,Price\n2024-01-01,{text}\n")
    lake.write_raw("BTC/trend.csv", "Date,Trend\n2024-01-07,5\n")
    lake.run_silver()
    assert lake.history() == [(date(2024, 1, 1), price)]


def test_a_missing_price_gets_the_last_valid_one_of_any_age(lake: Lake) -> None:
    lake.make_silver(
        "Date,Price\n01/01/2020,-1\n01/02/2020,7.5\n06/30/2020,\n12/31/2023,-1.0\n01/01/2024,8\n"
    )
    assert [price for _, price in lake.history()] == [None, 7.5, 7.5, 7.5, 8]


def test_a_missing_price_is_carried_forward_in_a_file_that_is_newest_first(lake: Lake) -> None:
    lake.make_silver("Date,Price\n01/03/2024,3\n01/02/2024,-1\n01/01/2024,1\n")
    assert [price for _, price in lake.history()] == [1, 1, 3]


def test_drop_removes_days_without_a_price(lake: Lake) -> None:
    lake.make_silver("Date,Price\n01/01/2024,-1\n01/02/2024,2\n01/03/2024,\n01/04/2024,4\n", drop=True)
    assert lake.history() == [(date(2024, 1, 2), 2), (date(2024, 1, 4), 4)]


def test_silver_has_the_types_of_its_contract(lake: Lake) -> None:
    lake.make_silver(PLAIN_HISTORY)
    history, trend = lake.table("silver/BTC_hist"), lake.table("silver/BTC_trend")
    assert dict(zip(history.schema.names, history.schema.types, strict=True)) == {
        "date": pa.date32(),
        "price": pa.float32(),
    }
    assert dict(zip(trend.schema.names, trend.schema.types, strict=True)) == {
        "date": pa.date32(),
        "g_trend": pa.int32(),
    }


def test_a_second_write_replaces_the_earlier_sets_completely(lake: Lake) -> None:
    lake.make_silver(PLAIN_HISTORY)
    lake.make_gold()
    folders = [lake.folder / place for place in ("silver/BTC_hist", "silver/BTC_trend", "gold/BTC")]
    earlier = [file for folder in folders for file in folder.glob("*.parquet")]
    for folder in folders:
        (folder / "part-stale.parquet").write_bytes(next(folder.glob("*.parquet")).read_bytes())

    lake.make_silver("Date,Price\n05/05/2025,9\n", "Week,bitcoin\n2025-05-04,3\n")
    lake.make_gold()
    assert lake.history() == [(date(2025, 5, 5), 9)]
    assert lake.trend() == [(date(2025, 5, 4), 3)]
    assert [row[0] for row in rows(lake.table("gold/BTC"))] == [date(2025, 5, 4), date(2025, 5, 5)]
    assert not [file for file in earlier if file.exists()]
    assert [len(list(folder.glob("*.parquet"))) for folder in folders] == [1, 1, 1]


def test_a_write_does_not_change_another_currency_with_a_similar_name(lake: Lake) -> None:
    lake.make_silver(PLAIN_HISTORY, ticker="BTC2")
    before = lake.history("BTC2")
    lake.make_silver("Date,Price\n05/05/2025,9\n", ticker="BTC")
    assert lake.history("BTC2") == before


# --- gold -----------------------------------------------------------------------------------------


def gold(session: SparkSession, prices: Prices, weeks: Weeks) -> list[GoldRow]:
    """Run `gold_frame` on two small sets, with days counted from START."""

    def frame(values: Sequence[tuple[int, Any]], schema: str) -> Any:
        dated = [(START + timedelta(day), value) for day, value in values]
        return session.createDataFrame(dated, schema)

    made = script("silver2gold").gold_frame(
        frame(prices, "date date, price float"), frame(weeks, "date date, g_trend int")
    )
    return [((row[0] - START).days, *row[1:]) for row in made.orderBy("date").collect()]


def by_definition(prices: Prices, weeks: Weeks) -> list[GoldRow]:
    """Compute gold by its definition, row by row."""
    price_of, week_of = dict(prices), dict(weeks)
    price: float | None = None
    filled: list[float | None] = []
    made: list[GoldRow] = []
    for day in sorted(price_of | week_of):
        price = price_of.get(day) if price_of.get(day) is not None else price
        filled.append(price)
        window = [value for value in filled[-14:] if value is not None]
        mean = sum(window) / len(window) if window else None
        before = max((week for week in week_of if week <= day), default=None)
        after = min((week for week in week_of if week >= day), default=None)
        trend: float | None = None
        if before is not None and after is not None:
            share = (day - before) / (after - before) if after > before else 0
            trend = week_of[before] + (week_of[after] - week_of[before]) * share
        elif after is not None and after - day <= 6:
            trend = week_of[after]
        elif before is not None and day - before <= 6:
            trend = week_of[before]
        made.append((day, price, week_of.get(day), mean, trend))
    return made


@pytest.mark.parametrize("seed", range(6))
def test_gold_matches_its_definition_for_any_prices_and_weeks(seed: int, engine: SparkSession) -> None:
    chance = random.Random(seed)
    span = range(150)
    prices = [
        (day, None if chance.random() < 0.2 else chance.randrange(1, 4000) / 8)
        for day in sorted(chance.sample(span, 110))
    ]
    weeks = [(day, chance.randrange(101)) for day in sorted(chance.sample(range(20, 130), 14))]
    expected = by_definition(prices, weeks)
    found = gold(engine, prices, weeks)
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    for column in (3, 4):
        assert not unequal([row[column] for row in found], [row[column] for row in expected], rel=1e-12)


def test_gold_has_a_row_for_every_date_of_either_set(engine: SparkSession) -> None:
    found = gold(engine, [(0, 1), (2, 3)], [(1, 50), (9, 60)])
    assert [row[:3] for row in found] == [(0, 1, None), (1, 1, 50), (2, 3, None), (9, 3, 60)]


def test_days_before_the_first_price_have_no_price_and_no_average(engine: SparkSession) -> None:
    found = gold(engine, [(1, None), (2, 5), (3, None)], [(0, 10)])
    assert [(row[1], row[3]) for row in found] == [(None, None), (None, None), (5, 5), (5, 5)]


def test_the_average_is_over_fourteen_rows(engine: SparkSession) -> None:
    found = gold(engine, days(*range(1, 31)), [(0, 10)])
    assert [row[3] for row in found[:14]] == [(day + 1) / 2 for day in range(1, 15)]
    assert [row[3] for row in found[14:]] == [day - 6.5 for day in range(15, 31)]


def test_the_average_ignores_rows_without_a_price(engine: SparkSession) -> None:
    found = gold(engine, days(None, None, 2, 4), [(20, 10)])
    assert [row[3] for row in found] == [None, None, 2, 3, pytest.approx(10 / 3)]


def test_the_trend_is_linear_by_date_and_not_by_row(engine: SparkSession) -> None:
    found = gold(engine, [(1, 1), (2, 1), (12, 1)], [(0, 10), (14, 38)])
    assert [row[4] for row in found] == [10, 12, 14, 34, 38]
    assert [row[2] for row in found] == [10, None, None, None, 38]


def test_the_trend_falls_as_well_as_it_rises(engine: SparkSession) -> None:
    found = gold(engine, days(*[1.0] * 15), [(0, 70), (7, 0), (14, 7)])
    assert [row[4] for row in found] == [70, 60, 50, 40, 30, 20, 10, 0, 1, 2, 3, 4, 5, 6, 7]


def test_the_trend_is_constant_for_six_days_before_and_after(engine: SparkSession) -> None:
    found = gold(engine, [(day, 1.0) for day in range(23)], [(8, 40), (14, 40)])
    assert [row[4] for row in found] == [None] * 2 + [40] * 19 + [None] * 2


def test_a_single_week_is_constant_around_its_date(engine: SparkSession) -> None:
    found = gold(engine, [(day, 1.0) for day in range(16)], [(7, 33)])
    assert [row[4] for row in found] == [None] + [33] * 13 + [None] * 2


@pytest.mark.parametrize(
    ("ticker", "drop", "columns"),
    [
        ("LTC", "N", ("price", "g_trend", "pricema", "trendma")),
        ("XMR", "Y", ("price", "g_trend", "pricema")),  # the original averages rows of the trend, not days
    ],
)
def test_gold_equals_that_of_the_original_pipeline(
    ticker: str, drop: str, columns: tuple[str, ...], lake: Lake
) -> None:
    raw = DATA / "reference" / "raw"
    lake.make_silver(raw / f"{ticker} hist.csv", raw / f"trend_{ticker}.csv", ticker, drop=drop == "Y")
    lake.make_gold(ticker)
    found = lake.table(f"gold/{ticker}")
    with (DATA / "reference" / "gold" / f"{ticker}.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    assert [str(day) for day in found["date"].to_pylist()] == [row["date"] for row in expected]
    for column in columns:
        wanted = [float(row[column]) if row[column] else None for row in expected]
        assert not unequal(found[column].cast(pa.float64()).to_pylist(), wanted, rel=1e-6), column


def test_gold_is_sorted_and_has_the_types_of_its_contract(lake: Lake) -> None:
    lake.make_silver("Date,Price\n01/20/2024,2\n01/01/2024,1\n", "Week,x\n2024-01-14,9\n2024-01-07,8\n")
    lake.make_gold()
    made = lake.table("gold/BTC")
    assert [day.day for day in made["date"].to_pylist()] == [1, 7, 14, 20]
    assert dict(zip(made.schema.names, made.schema.types, strict=True)) == {
        "date": pa.date32(),
        "price": pa.float32(),
        "g_trend": pa.int32(),
        "pricema": pa.float64(),
        "trendma": pa.float64(),
    }


@pytest.mark.parametrize("name", ["hist", "trend"])
@pytest.mark.parametrize("state", ["missing", "without files", "without rows"])
def test_gold_is_refused_without_both_silver_sets(name: str, state: str, lake: Lake) -> None:
    lake.make_silver(PLAIN_HISTORY)
    folder = lake.folder / f"silver/BTC_{name}"
    empty = pa.parquet.read_table(next(folder.glob("*.parquet"))).slice(0, 0)
    for file in folder.iterdir():
        file.unlink()
    if state == "missing":
        folder.rmdir()
    if state == "without rows":
        pa.parquet.write_table(empty, folder / "part-0.parquet")
    with pytest.raises(ValueError) as refusal:
        lake.make_gold()
    assert str(refusal.value) == f"silver/BTC_{name} is missing or empty: run BTC from silver"
    assert not (lake.folder / "gold").exists()
