"""Random prices as markets make them, for property tests."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from tests.unit.made import single
from tests.unit.raw_files.writing import Days, Weeks

EARLIEST = date(2012, 1, 1)


class Bar(NamedTuple):
    """A day's prices, as texts with the same number of decimals."""

    day: date
    open: str
    high: str
    low: str
    close: str

    @property
    def single(self) -> float:
        """Return the close as the tables hold it."""
        return single(self.close)


def bars(seed: int, first: date, count: int, price: float, *, gap: float = 0.0) -> list[Bar]:
    """Return a random walk; each open is the close before, or differs from it by about the share `gap`."""
    chance = random.Random(seed)
    places = 2 if price >= 10 else 5 if price >= 0.1 else 9
    found = []
    close = price
    for number in range(count):
        opened = close * (1 + gap * chance.gauss(0, 1))
        close = opened * (1 + chance.gauss(0, 0.03))
        high = max(opened, close) * (1 + abs(chance.gauss(0, 0.012)))
        low = min(opened, close) * (1 - min(abs(chance.gauss(0, 0.012)), 0.5))
        prices = (f"{value:.{places}f}" for value in (opened, high, low, close))
        found.append(Bar(first + timedelta(number), *prices))
    return found


FIRST = st.integers(0, 5000).map(lambda days: EARLIEST + timedelta(days))
MAGNITUDES = st.sampled_from([0.00002, 0.004, 0.6, 1.9, 55.0, 99.0, 640.0, 2400.0, 58_000.0])


@st.composite
def walks(draw: st.DrawFn, *, least: int = 20, most: int = 90) -> list[Bar]:
    """Generate the bars of a coin."""
    return bars(
        draw(st.integers(0, 2**32)),
        draw(FIRST),
        draw(st.integers(least, most)),
        draw(MAGNITUDES),
        gap=draw(st.sampled_from([0.0, 0.0002, 0.001])),
    )


@st.composite
def series(draw: st.DrawFn) -> tuple[Days, Weeks]:
    """Generate daily prices in whole hundredths, a few of them missing, and weekly values beside them."""
    count = draw(st.integers(20, 60))
    found = bars(draw(st.integers(0, 2**32)), draw(FIRST), count, draw(st.sampled_from([12.0, 800.0, 7e4])))
    absent = draw(st.sets(st.integers(0, count - 1), max_size=3))
    days = [(bar.day, None if at in absent else float(bar.close)) for at, bar in enumerate(found)]
    return days, draw(weeks(found[0].day))


@st.composite
def weeks(draw: st.DrawFn, near: date) -> Weeks:
    """Generate the weekly values of a trend, on Sundays."""
    first = near - timedelta((near.weekday() + 1) % 7)
    values = draw(st.lists(st.integers(0, 100), min_size=12, max_size=20).filter(any))
    return [(first + timedelta(7 * number), value) for number, value in enumerate(values)]
