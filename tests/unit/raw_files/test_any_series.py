"""Any series, written in any supported form, is read as it was."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.unit.made import read_plain, single
from tests.unit.raw_files.corpus import FORMS
from tests.unit.raw_files.test_corpus import checked
from tests.unit.raw_files.walks import series
from tests.unit.raw_files.writing import Days, Form, Weeks


@settings(
    max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(form=st.sampled_from(FORMS), made=series())
def test_the_plain_form_is_what_was_written(form: Form, made: tuple[Days, Weeks], tmp_path: Path) -> None:
    days, weeks = made
    found = checked(form.variant(days, weeks), tmp_path)
    assert found.verdict.reason is None
    history, trend = (file.plain and file.plain.path for file in found.files)
    assert history is not None
    assert trend is not None
    assert read_plain("history", history) == [
        (day, None if price is None else single(str(price))) for day, price in days
    ]
    assert read_plain("trend", trend) == weeks
