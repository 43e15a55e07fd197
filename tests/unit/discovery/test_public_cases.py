"""Folders of files as people have them: each loads with the right values, or not at all."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from tests.conftest import DATA
from tests.unit.discovery.loading import Tables, loaded
from tests.unit.made import single

CASES = sorted(path.parent for path in (DATA / "public-cases").glob("*/right.json"))

NOT_LOADED: Final = {
    ("34b-two-coins-one-after-the-other", "BTC"): "a file of several currencies is refused as a whole",
    ("55-polygon-matic", "MATIC"): "one coin with two tickers is one currency: it loads once, as POL",
}
"""Currencies that a person could expect and that are left out, with the reason."""


def expected(right: dict[str, Any]) -> dict[str, Tables]:
    """Return the currencies as a person reads them, with prices as the tables hold them."""
    return {
        ticker: Tables(
            {
                date.fromisoformat(day): None if price is None else single(str(price))
                for day, price in table["history"]
            },
            {date.fromisoformat(day): value for day, value in table["trend"]},
        )
        for ticker, table in right["tables"].items()
    }


def test_there_are_as_many_cases_as_there_should_be() -> None:
    assert len(CASES) >= 116
    assert {case for case, _ in NOT_LOADED} <= {path.name for path in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_public_case_loads_with_the_right_values_or_not_at_all(case: Path, tmp_path: Path) -> None:
    right = json.loads((case / "right.json").read_text(encoding="utf-8"))
    shutil.copytree(case / "files", tmp_path / "files")
    found, tables = loaded(tmp_path / "files"), expected(right)
    assert found == {ticker: table for ticker, table in tables.items() if ticker in found}
    if right["right"] == "loads":
        absent = {ticker for name, ticker in NOT_LOADED if name == case.name}
        assert tables.keys() - found.keys() == absent
