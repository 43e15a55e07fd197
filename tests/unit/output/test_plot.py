"""The scale of the plot of a currency's table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoetl.output.plot import levels_between


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([16_609.0, None, 17_466.2], [16_800, 17_000, 17_200, 17_400]),
        ([100.0, 5000.0], [1000, 2000, 3000, 4000, 5000]),
        ([0.0, 1.0], [0, 0.5, 1]),
        ([7.0, 7.0], [7]),
        ([None, math.nan], []),
    ],
)
def test_a_scale_has_round_numbers(values: list[float | None], levels: list[float]) -> None:
    assert levels_between(values) == pytest.approx(levels)


@given(st.integers(0, 10**6), st.integers(5, 10**6))
def test_a_scale_has_at_least_two_numbers_between_the_ends(low: int, size: int) -> None:
    levels = levels_between([low + size, None, low])
    assert 2 <= len(levels) <= 5
    assert low <= levels[0] < levels[-1] <= low + size
