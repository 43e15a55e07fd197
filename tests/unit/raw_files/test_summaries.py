"""What two summaries say about histories of which one replaces the other."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoetl.raw_files import summaries
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.summaries import Summary
from tests.conftest import examples

FIRST = date(2013, 4, 28)


def summary(first: date, days: int, *, factor: float = 1.0, step: int = 1) -> Summary:
    """Summarise a history whose price rises a hundredfold in ten years."""
    series = Series()
    for number in range(0, days * step, step):
        day = first + timedelta(number)
        series.add(day, number + 2, factor * 100 * 100 ** ((day - FIRST).days / 3652))
    found = summaries.summary(series)
    assert found is not None
    return found


BEFORE = summary(FIRST, 4_000)


def differences(after: Summary, before: Summary = BEFORE) -> list[str]:
    return list(summaries.differences(before, after))


def test_more_days_of_the_same_prices_are_no_difference() -> None:
    assert differences(BEFORE) == []
    assert differences(summary(FIRST, 4_007)) == []
    assert differences(summary(FIRST - timedelta(30), 4_030)) == []


def test_days_that_are_lost_are_counted_and_named() -> None:
    assert differences(summary(FIRST + timedelta(90), 3_910)) == [
        "it covers 90 days less than the uploaded file: 2013-04-28 – 2013-07-26 are lost"
    ]
    assert differences(summary(FIRST + timedelta(1), 3_998)) == [
        "it covers 2 days less than the uploaded file: 2013-04-28 and 2024-04-09 are lost"
    ]
    assert differences(summary(FIRST + timedelta(1), 4_000)) == [
        "it does not cover all days of the uploaded file: 2013-04-28 is lost"
    ]
    assert differences(summary(FIRST, 501, step=7), summary(FIRST, 3_501)) == [
        "it covers 3,000 days less than the uploaded file"
    ]


@pytest.mark.parametrize("factor", [100.0, 0.01, 5.2])
@pytest.mark.parametrize(
    ("first", "days", "step"),
    [
        (FIRST, 4_000, 1),
        (FIRST, 4_007, 1),
        (date(2024, 1, 15), 90, 1),
        (date(2016, 3, 1), 40, 1),
        (FIRST, 572, 7),
    ],
)
def test_prices_of_another_magnitude_are_a_difference_whatever_days_are_common(
    first: date, days: int, step: int, factor: float
) -> None:
    def of_magnitude(factor: float) -> list[str]:
        found = differences(summary(first, days, step=step, factor=factor))
        return [text for text in found if "order of magnitude" in text]

    assert len(of_magnitude(factor)) == 1
    assert of_magnitude(1.0) == of_magnitude(1.5) == []


def test_other_days_of_one_coin_are_compared_by_the_nearest_ones() -> None:
    assert differences(summary(date(2024, 4, 15), 100))[1:] == []
    (magnitude,) = differences(summary(date(2024, 4, 15), 100, factor=50))[1:]
    assert magnitude.endswith(" on 2024-04-16 and 2024-04-09")


@settings(deadline=None, max_examples=examples(60))
@given(st.integers(1, 3_000), st.integers(1, 9), st.floats(1e-9, 1e9))
def test_a_summary_is_short_and_survives_being_written(days: int, step: int, factor: float) -> None:
    found = summary(FIRST, days, step=step, factor=factor)
    assert summaries.parse(found.text()) == found
    assert found.text().isascii()
    assert len(found.text()) <= 1_800
    assert found.prices


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        "null",
        '[1,"2024-01-01","2024-01-01",[]]',
        '[1,"2024-01-01","x",[]]',
        "[" * 100_000,
    ],
)
def test_what_is_no_summary_is_none(text: str) -> None:
    assert summaries.parse(text) is None


def test_a_history_without_a_price_has_no_summary() -> None:
    series = Series()
    assert summaries.summary(series) is None
    series.add(FIRST, 2, None)
    series.add(FIRST + timedelta(1), 3, 0.0)
    assert summaries.summary(series) is None
