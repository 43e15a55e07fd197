from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from cryptoetl.pipeline.curves import thinned

Row = tuple[Any, ...]


def rows(count: int) -> list[Row]:
    """Return rows with random prices, one in ten without, and a trend every seventh day."""
    random = Random(1)
    first = date(2010, 1, 1)
    return [
        (
            0,
            first + timedelta(days=day),
            None if random.random() < 0.1 else random.lognormvariate(5, 1),
            5.0,
            float(random.randint(0, 100)) if day % 7 == 0 else None,
        )
        for day in range(count)
    ]


def test_a_short_table_is_kept_as_it_is() -> None:
    made = rows(50)
    curve = thinned(made, 50)
    assert list(curve.prices) == [row[2] for row in made]
    assert curve.days[0] == 14610
    assert not curve.thinned


@pytest.mark.parametrize("count", [1001, 5000, 7777])
def test_a_thinned_curve_keeps_every_peak_with_its_day(count: int) -> None:
    made = rows(count)
    curve = thinned(made, 1000)
    assert curve.thinned
    assert curve.of == count
    assert len(curve.days) <= 1002
    assert list(curve.days) == sorted(set(curve.days))
    first = date(1970, 1, 1).toordinal()
    by_day = {row[1].toordinal() - first: row for row in made}
    assert [by_day[day][2] for day in curve.days] == list(curve.prices)
    assert (curve.days[0], curve.days[-1]) == (min(by_day), max(by_day))
    size = count / 250
    for bucket in range(250):
        of_bucket = made[round(bucket * size) : round((bucket + 1) * size)]
        for column, kept in ((2, curve.prices), (4, curve.trends)):
            known = [row[column] for row in of_bucket if row[column] is not None]
            assert {min(known), max(known)} <= set(kept) if known else True


def test_a_table_without_prices_has_a_curve() -> None:
    made = [(0, date(2020, 1, 1) + timedelta(days=day), None, None, None) for day in range(100)]
    curve = thinned(made, 40)
    assert set(curve.prices) == {None}
    assert (len(curve.days), curve.of) == (2, 100)
