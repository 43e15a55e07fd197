"""The same data in every form in which people have it: one plain form, or a refusal with file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cryptoetl.pipeline import checks
from cryptoetl.pipeline.checks import Checked, PlainForm
from cryptoetl.pipeline.results import CheckRules
from tests.unit.made import read_plain, single
from tests.unit.raw_files.corpus import SUPPORTED, UNSUPPORTED
from tests.unit.raw_files.writing import DAYS, WEEKS, Variant

TODAY = date(2024, 4, 1)


def checked(variant: Variant, folder: Path) -> Checked:
    rules = CheckRules(TODAY, max_age_days=30)
    (result,) = checks.each([variant.currency(folder)], rules, lambda _: None, plain=PlainForm(folder))
    return result


def test_the_corpus_is_as_large_as_it_is_meant_to_be() -> None:
    names = [variant.name for variant in (*SUPPORTED, *UNSUPPORTED)]
    assert len(names) == len(set(names))
    assert len(SUPPORTED) >= 40


@pytest.mark.parametrize("variant", SUPPORTED, ids=lambda variant: variant.name)
def test_a_supported_form_gives_the_plain_form_of_its_data(variant: Variant, tmp_path: Path) -> None:
    found = checked(variant, tmp_path)
    assert found.verdict.reason is None
    assert found.verdict.history.missing == sum(price is None for _, price in DAYS)
    history, trend = (file.plain and file.plain.path for file in found.files)
    assert history is not None
    assert trend is not None
    assert read_plain("history", history) == [
        (day, None if price is None else single(str(price))) for day, price in DAYS
    ]
    assert read_plain("trend", trend) == WEEKS


@pytest.mark.parametrize("variant", UNSUPPORTED, ids=lambda variant: variant.name)
def test_an_unsupported_form_is_refused_with_its_reason(variant: Variant, tmp_path: Path) -> None:
    found = checked(variant, tmp_path)
    assert variant.refused is not None
    assert variant.refused in (found.verdict.reason or "")
    findings = [*found.verdict.history.findings, *found.verdict.trend.findings]
    assert all(finding.file.is_file() for finding in findings)
    assert [file.plain for file in found.files] == [None, None]
