"""Any series, written in any supported form: `init` recognises it, and what it writes reads it as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.unit.discovery.loading import Tables, loaded
from tests.unit.made import single
from tests.unit.raw_files.corpus import FORMS
from tests.unit.raw_files.walks import series
from tests.unit.raw_files.writing import Days, Form, Weeks

RECOGNISED = [form for form in FORMS if form.settings.get("date_format") != "excel"]


@settings(
    max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(form=st.sampled_from(RECOGNISED), made=series())
def test_what_init_writes_reads_what_was_written(
    form: Form, made: tuple[Days, Weeks], tmp_path: Path
) -> None:
    days, weeks = made
    variant = form.variant(days, weeks)
    folder = tmp_path / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "BTC-USD.csv").write_bytes(variant.history)
    (folder / "bitcoin multiTimeline.csv").write_bytes(variant.trend)
    prices = {day: None if price is None else single(str(price)) for day, price in days}
    assert loaded(folder) == {"BTC": Tables(prices, dict(weeks))}
