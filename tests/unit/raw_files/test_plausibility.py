"""Warnings about unusual values, with their lines, and none about ordinary files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.raw_files import plausibility
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.series import Series

FIRST = date(2024, 1, 1)
TODAY = date(2024, 2, 1)


def series(values: Mapping[int, float | None]) -> Series:
    """Return a series of values by days after `FIRST`, on lines from 2 in the given order."""
    made = Series()
    for line, (number, value) in enumerate(values.items(), start=2):
        made.add(FIRST + timedelta(number), line, value)
    return made


def daily(*values: float | None) -> dict[int, float | None]:
    return dict(enumerate(values))


def said(report: FileReport) -> list[tuple[int | None, str]]:
    assert report.errors == 0
    assert report.warnings == len(report.findings)
    return [(finding.line, finding.message) for finding in report.findings]


def of_prices(values: Mapping[int, float | None], **options: Any) -> list[tuple[int | None, str]]:
    report = FileReport("history", Path("h.csv"))
    plausibility.history_warnings(report, series(values), drop=options.pop("drop", False))
    return times(report, series(values), **options)


def of_trend(values: Mapping[int, float | None], **options: Any) -> list[tuple[int | None, str]]:
    report = FileReport("trend", Path("t.csv"))
    plausibility.trend_warnings(report, series(values))
    return times(report, series(values), **options)


def times(
    report: FileReport, days: Series, *, today: date = TODAY, max_age_days: int | None = None
) -> list[tuple[int | None, str]]:
    """Return the warnings about the days, also those that depend on today."""
    report.last = days.last
    plausibility.future_warning(report, days, today)
    plausibility.age_warning(report, today=today, max_age_days=max_age_days)
    return said(report)


def test_good_prices_and_a_good_trend_give_no_warning() -> None:
    assert of_prices(daily(1, 2, 20, 2, 1), max_age_days=30) == []
    assert of_trend({0: 1, 7: 0, 14: 100}, max_age_days=30) == []
    assert of_prices({}) == of_trend({}) == []


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({0: 1, 2: 1}, (3, "1 day missing: 2024-01-02")),
        ({2: 1, 0: 1}, (2, "1 day missing: 2024-01-02")),
        ({0: 1, 3: 1}, (3, "2 days missing, the longest gap is 2 days: 2024-01-02 – 2024-01-03")),
        (
            {0: 1, 2: 1, 12: 1, 14: 1},
            (4, "11 days missing, the longest gap is 9 days: 2024-01-04 – 2024-01-12"),
        ),
    ],
)
def test_missing_days_are_counted_and_the_longest_gap_is_named(
    values: Mapping[int, float | None], warning: tuple[int, str]
) -> None:
    assert of_prices(values) == [warning]


@pytest.mark.parametrize(
    ("drop", "fate"), [(False, "each takes the last valid one"), (True, "their days are dropped")]
)
def test_the_share_of_missing_prices_and_their_fate_are_reported(drop: bool, fate: str) -> None:
    assert of_prices(daily(1, None, None, 1), drop=drop) == [(3, f"2 of 4 prices missing (50.0%): {fate}")]


def test_a_jump_above_a_factor_of_ten_is_reported_with_both_prices_the_biggest_first() -> None:
    assert of_prices(daily(1, 10)) == []
    assert of_prices(daily(1, 10.5)) == [
        (3, "the price jumps by a factor of 10: 1 on 2024-01-01, 10.5 on 2024-01-02")
    ]
    assert of_prices(daily(5, None, 100, 1)) == [
        (3, "1 of 4 prices missing (25.0%): each takes the last valid one"),
        (
            5,
            "the price jumps by a factor of 100: 100 on 2024-01-03, 1 on 2024-01-04; 1 other jump",
        ),
    ]


def test_prices_of_zero_and_below_are_reported_and_are_no_jumps() -> None:
    assert of_prices(daily(1, 0, 1, -2, -3, 1)) == [
        (3, "1 price of zero"),
        (5, "2 negative prices (only -1 means missing)"),
    ]


def test_tomorrow_is_not_the_future_yet_but_the_day_after_is() -> None:
    assert of_prices(daily(1, 1, 1), today=FIRST + timedelta(1)) == []
    assert of_prices(daily(1, 1, 1, 1), today=FIRST) == [(4, "2 dates in the future, the last 2024-01-04")]


def test_an_old_last_date_is_reported_where_a_limit_is_set() -> None:
    assert of_prices(daily(1, 1), today=date(2024, 1, 12), max_age_days=10) == []
    assert of_prices(daily(1, 1), today=date(2024, 1, 13), max_age_days=10) == [
        (None, "the last price is from 2024-01-02, 11 days ago (max_age_days: 10)")
    ]
    assert of_prices(daily(1, 1), today=date(2044, 1, 13), max_age_days=None) == []


def test_a_week_of_trend_is_published_a_week_later() -> None:
    assert of_trend({0: 1}, today=FIRST + timedelta(17), max_age_days=10) == []
    assert of_trend({0: 1}, today=FIRST + timedelta(18), max_age_days=10) == [
        (None, "the last trend value is from 2024-01-01, 18 days ago (max_age_days: 17)")
    ]


def test_another_cadence_than_weekly_is_named() -> None:
    assert of_trend({0: 1, 1: 2, 2: 3, 9: 4}) == [(3, "the values are 1 day apart, not weekly")]
    assert of_trend({0: 1, 7: 2, 21: 3, 28: 4}) == [
        (4, "1 interval between values not a week, the longest 14 days")
    ]


def test_a_trend_flat_at_zero_is_reported() -> None:
    assert of_trend({0: 0, 7: 0}) == [(None, "the trend is flat at zero: is it the right search term?")]
    assert of_trend({0: 0}) == []


@pytest.mark.parametrize(("week", "apart"), [(-7, True), (-6, False), (15, False), (16, True)])
def test_a_trend_that_does_not_meet_the_prices_is_reported(week: int, apart: bool) -> None:
    report = FileReport("trend", Path("t.csv"))
    plausibility.overlap_warning(report, series(daily(*[1.0] * 10)), series({week: 5}))
    assert ["do not overlap" in message for _, message in said(report)] == [True] * apart
    plausibility.overlap_warning(report, Series(), series({week: 5}))
    assert report.warnings == apart
