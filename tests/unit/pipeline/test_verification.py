"""What verify finds: each way in which a table can differ from its contract or its gold set."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from cryptoetl.config.models import COLUMNS
from cryptoetl.pipeline import verification
from cryptoetl.pipeline.results import CheckRules, TableCheck
from cryptoetl.warehouse import facts as table_facts
from cryptoetl.warehouse.facts import TableFacts
from tests.fakes import GOLD, LOADED

FULL = replace(
    GOLD,
    days=3,
    pricemas=3,
    trend_is=3,
    price_min=6.0,
    price_max=6.5,
    trend_min=40,
    trend_max=40,
    price_by_day=100.0,
    trend_by_day=350_000.0,
)
TABLE = replace(FULL, columns=tuple(COLUMNS.items()))
OTHER: dict[str, Any] = {
    "rows": 4,
    "first": date(2023, 1, 1),
    "last": date(2025, 1, 1),
    "prices": 1,
    "price_sum": 12.6,
    "pricema_sum": None,
    "trends": 2,
    "trend_sum": 41,
    "trend_i_sum": 120.1,
    "days": 2,
    "pricemas": 2,
    "trend_is": 2,
    "price_min": 6.0000001,
    "price_max": 6.6,
    "trend_min": 39,
    "trend_max": 41,
    "price_by_day": 100.1,
    "trend_by_day": 350_001.0,
}


def compare(
    found: TableFacts | None, expected: TableFacts | None = FULL, rules: CheckRules | None = None
) -> TableCheck:
    return verification.compare("BTC", "market_data.btc", gold=expected, found=found, rules=rules)


def test_a_table_that_equals_gold_has_no_problem_and_its_nulls_are_counted() -> None:
    checked = compare(TABLE)
    assert checked.problems == checked.notes == ()
    assert checked.nulls == {"price": 1, "trend": 2, "pricema": 0, "trend_i": 0}


def test_every_figure_is_compared() -> None:
    assert set(OTHER) == {item.name for item in fields(TableFacts)} - {"columns"}


@pytest.mark.parametrize("name", OTHER)
def test_a_figure_that_differs_is_named(name: str) -> None:
    (problem,) = compare(TABLE, replace(FULL, **{name: OTHER[name]})).problems
    assert problem == f"{name.replace('_', ' ')}: {getattr(TABLE, name)} in the table, {OTHER[name]} in gold"


def test_sums_may_differ_in_their_last_digits_and_extremes_may_not() -> None:
    assert compare(TABLE, replace(FULL, price_sum=12.5 * (1 + 1e-13))).problems == ()
    assert len(compare(TABLE, replace(FULL, price_sum=12.5 * (1 + 1e-9))).problems) == 1
    assert len(compare(TABLE, replace(FULL, price_max=6.5 * (1 + 1e-13))).problems) == 1


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (None, "the table is missing"),
        (
            replace(TABLE, columns=(*TABLE.columns, ("more", "INTEGER"))),
            "its columns are date, price, trend, pricema, trend_i, more, "
            "not date, price, trend, pricema, trend_i",
        ),
        (
            replace(TABLE, columns=tuple(reversed(TABLE.columns))),
            "its columns are trend_i, pricema, trend, price, date, not date, price, trend, pricema, trend_i",
        ),
        (
            replace(TABLE, columns=tuple((COLUMNS | {"price": "DOUBLE PRECISION"}).items())),
            "its column price is DOUBLE PRECISION, not REAL",
        ),
        (replace(TABLE, rows=0), "it has no rows: the currency has not been loaded yet"),
        (replace(TABLE, rows=5), "2 of its rows repeat a date"),
    ],
)
def test_a_table_that_breaks_its_contract_says_in_what(found: TableFacts | None, problem: str) -> None:
    assert compare(found).problems == (problem,)


@pytest.mark.parametrize(
    ("limit", "today", "age"),
    [(0, date(2024, 1, 4), "1 day"), (30, date(2028, 1, 3), "1,461 days")],
)
def test_the_age_of_old_prices_is_written_for_people(limit: int, today: date, age: str) -> None:
    (note,) = compare(TABLE, rules=CheckRules(today, limit)).notes
    assert f"2024-01-03, {age} ago" in note


def test_old_prices_are_a_note_and_with_strict_rules_a_problem() -> None:
    note = "its newest day is 2024-01-03, 31 days ago: older than max_age_days, 30"
    checked = compare(TABLE, rules=CheckRules(date(2024, 2, 3), 30))
    assert (checked.problems, checked.notes, checked.age_days) == ((), (note,), 31)
    strict = compare(TABLE, rules=CheckRules(date(2024, 2, 3), 30, strict=True))
    assert (strict.problems, strict.notes) == ((note,), ())


@pytest.mark.parametrize("limit", [None, 31])
def test_prices_within_the_limit_or_without_one_are_no_note(limit: int | None) -> None:
    assert compare(TABLE, rules=CheckRules(date(2024, 2, 3), limit)).notes == ()


def test_a_table_loaded_by_an_older_version_is_compared_by_what_is_known() -> None:
    assert compare(LOADED, GOLD).problems == ()


def test_gold_is_read_from_all_its_files(tmp_path: Path) -> None:
    for number, price in enumerate((1.5, None)):
        row = {
            "date": pa.array([date(2000, 1, 2 + number)]),
            "price": pa.array([price], pa.float32()),
            "g_trend": pa.array([7], pa.int32()),
            "pricema": pa.array([2.5]),
            "trendma": pa.array([None], pa.float64()),
        }
        pyarrow.parquet.write_table(pa.table(row), tmp_path / f"{number} [*].parquet")
    assert table_facts.of_gold(sorted(map(str, tmp_path.iterdir()))) == TableFacts(
        rows=2,
        first=date(2000, 1, 2),
        last=date(2000, 1, 3),
        prices=1,
        price_sum=1.5,
        pricema_sum=5.0,
        trends=2,
        trend_sum=14,
        trend_i_sum=None,
        days=2,
        pricemas=2,
        trend_is=0,
        price_min=1.5,
        price_max=1.5,
        trend_min=7,
        trend_max=7,
        price_by_day=1.5,
        trend_by_day=21.0,
    )
