"""Rows of a query as a table."""

from __future__ import annotations

from cryptoetl.target.warehouse import QueryRows
from tests.unit.output.screens import Screens
from tests.unit.output.screens import screens as screens


def test_numbers_stand_on_the_right_and_without_noise(screens: Screens) -> None:
    rows = QueryRows(("name", "price"), (("a", 0.1 + 0.2), ("bcd", 12345.0), ("", None)), more=False)
    lines = [line.rstrip() for line in screens.show(rows).lines]
    ends = {len(line) for line in lines if line.endswith(("price", "0.3", "12345.0"))}
    assert len(ends) == 1
    assert sum(line.endswith(("price", "0.3", "12345.0")) for line in lines) == 3
