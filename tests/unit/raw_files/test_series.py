"""A series holds the first value of each day, in the order of the days."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cryptoetl.raw_files.dates import FIRST_YEAR
from cryptoetl.raw_files.series import Day, Series

ROWS = st.lists(
    st.tuples(
        st.dates(date(FIRST_YEAR, 1, 1), date(FIRST_YEAR + 9, 1, 1)),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=12,
)


@given(ROWS)
def test_a_series_keeps_the_first_value_of_each_day_as_a_dictionary_would(
    rows: list[tuple[date, float | None]],
) -> None:
    expected: dict[date, Day] = {}
    made = Series()
    for line, (day, value) in enumerate(rows, start=1):
        known = expected.get(day)
        assert made.add(day, line, value) == (None if known is None else (known.line, known.value))
        expected.setdefault(day, Day(day, line, value))
    assert list(made) == [expected[day] for day in sorted(expected)]
    assert len(made) == len(expected)
    assert made.missing == sum(day.value is None for day in expected.values())
    assert (made.first, made.last) == (min(expected, default=None), max(expected, default=None))
