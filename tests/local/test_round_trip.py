"""Any history and trend in any form: the scripts' gold equals a computation in plain Python."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.local.scripts import Lake, rows, unequal
from tests.unit.raw_files.corpus import FORMS
from tests.unit.raw_files.writing import Days, Form, Weeks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GoldRow = tuple[date, float | None, int | None, float | None, float | None]

EPOCH = date(2000, 2, 1)
HOLD_DAYS = 6
MEAN_ROWS = 14


def single(price: float) -> float:
    """Return the 32-bit number for a price."""
    nearest: float = struct.unpack("f", struct.pack("f", price))[0]
    return nearest


def expected_gold(days: Days, weeks: Weeks, *, drop: bool) -> list[GoldRow]:
    """Compute gold by its definition, row by row."""
    prices = {day: None if price is None else single(price) for day, price in days}
    if drop:
        prices = {day: price for day, price in prices.items() if price is not None}
    trend = dict(weeks)
    known = sorted(trend)
    made: list[GoldRow] = []
    last: float | None = None
    window: list[float | None] = []
    for day in sorted({*prices, *trend}):
        last = last if prices.get(day) is None else prices[day]
        window = [*window, last][-MEAN_ROWS:]
        valid = [price for price in window if price is not None]
        mean = math.fsum(valid) / len(valid) if valid else None
        made.append((day, last, trend.get(day), mean, interpolated(day, known, trend)))
    return made


def interpolated(day: date, known: list[date], trend: dict[date, int]) -> float | None:
    after, before = bisect_left(known, day), bisect_right(known, day) - 1
    if before < 0:
        return float(trend[known[0]]) if (known[0] - day).days <= HOLD_DAYS else None
    if after == len(known):
        return float(trend[known[-1]]) if (day - known[-1]).days <= HOLD_DAYS else None
    low, high = known[before], known[after]
    if low == high:
        return float(trend[low])
    return trend[low] + (trend[high] - trend[low]) * (day - low).days / (high - low).days


@st.composite
def data(draw: st.DrawFn) -> tuple[Days, Weeks, bool]:
    """Generate prices in whole hundredths on nearby days, and weekly values around them."""
    start = EPOCH + timedelta(draw(st.integers(0, 14_000)))
    price = st.none() | st.integers(0, 99_999_999).map(lambda cents: cents / 100)
    offsets = draw(st.lists(st.integers(0, 60), min_size=1, max_size=25, unique=True).map(sorted))
    days = [(start + timedelta(offset), draw(price)) for offset in offsets]
    drop = draw(st.booleans())
    if drop:  # because a file without any price is refused
        days[0] = (days[0][0], 1.5)
    first = start + timedelta(draw(st.integers(-30, 70)))
    numbers = draw(st.lists(st.integers(0, 8), min_size=1, max_size=6, unique=True).map(sorted))
    weeks = [(first + timedelta(7 * number), draw(st.integers(0, 100))) for number in numbers]
    return days, weeks, drop


@pytest.fixture(scope="module")
def one_lake(tmp_path_factory: pytest.TempPathFactory, engine: SparkSession) -> Lake:
    """One lake for all examples; every example writes the files that it reads."""
    return Lake(tmp_path_factory.mktemp("lake"))


@settings(
    max_examples=examples(120),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(form=st.sampled_from(FORMS), made=data())
def test_data_in_any_form_becomes_the_gold_that_plain_python_computes(
    form: Form, made: tuple[Days, Weeks, bool], one_lake: Lake
) -> None:
    days, weeks, drop = made
    variant = form.variant(days, weeks)
    one_lake.make_silver(variant.history, variant.trend, drop=drop, **variant.settings)
    one_lake.make_gold()
    found = rows(one_lake.table("gold/BTC"))
    expected = expected_gold(days, weeks, drop=drop)
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    for place in (3, 4):
        assert not unequal([row[place] for row in found], [row[place] for row in expected], rel=1e-12)
