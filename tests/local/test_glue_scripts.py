"""The scripts on Sail: what they read, what they refuse, and the numbers they make."""

from __future__ import annotations

from datetime import date

import pytest

from tests.local.odd_files import ODD_FILES, OddFile
from tests.local.scripts import TREND, Lake

PLAIN_HISTORY = "Date,Price\n01/01/2024,1.5\n01/02/2024,2.5\n"


# --- silver: what is read, and what is refused ----------------------------------------------------


@pytest.mark.parametrize("odd", ODD_FILES, ids=lambda odd: odd.name)
def test_an_odd_file_is_read_as_it_should_be_or_refused_with_its_reason(odd: OddFile, lake: Lake) -> None:
    for kind, content in (("history", PLAIN_HISTORY), ("trend", TREND)):
        raw = odd.content if kind == odd.kind else content
        if raw is not None:
            lake.write_raw(f"BTC/{kind}.csv", raw)
    if isinstance(odd.expected, str):
        with pytest.raises(ValueError) as refusal:
            lake.run_silver(**odd.options)
        assert str(refusal.value) == odd.expected.format(uri=lake.uri(f"raw/BTC/{odd.kind}.csv"))
        assert not (lake.folder / "silver").exists()
    else:
        lake.run_silver(**odd.options)
        found = lake.history() if odd.kind == "history" else lake.trend()
        assert found == [(date.fromisoformat(day), value) for day, value in odd.expected]
