"""The same data in every form in which people have it: identical gold, or a refusal with file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from cryptoetl import pipeline
from cryptoetl.config import Currency
from cryptoetl.local import glue_runtime
from cryptoetl.results import CheckRules, CurrencyCheck
from tests.local.conftest import no_sink
from tests.local.corpus import DAYS, PLAIN, SUPPORTED, UNSUPPORTED, WEEKS, Variant
from tests.local.scripts import Lake

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TODAY = date(2024, 4, 1)


def currency(variant: Variant, folder: Path) -> Currency:
    """The variant's files in a folder, as the configuration names them."""
    files = {}
    for kind, content in (("history", variant.history), ("trend", variant.trend)):
        files[kind] = folder / f"{kind} of {variant.name}.csv"
        files[kind].write_bytes(content)
    return Currency.model_validate({"ticker": "BTC", **files, **variant.settings})


def checked(variant: Variant, folder: Path) -> CurrencyCheck:
    rules = CheckRules(TODAY, max_age_days=30)
    (result,) = pipeline.check([currency(variant, folder)], rules, lambda _: None).currencies
    return result


def gold(variant: Variant, lake: Lake, folder: Path) -> pa.Table:
    """What the scripts make of the files, with the arguments that the state machine passes to them."""
    lake.make_silver(variant.history, variant.trend, **variant.options)
    lake.make_gold()
    return lake.table("gold/BTC")


@pytest.fixture(scope="module")
def plain_gold(tmp_path_factory: pytest.TempPathFactory, engine: SparkSession) -> pa.Table:
    glue_runtime.install(no_sink)  # the fixture that does it is made for each test, after this one
    folder = tmp_path_factory.mktemp("plain")
    return gold(PLAIN, Lake(folder / "lake"), folder)


def test_the_corpus_is_as_large_as_it_is_meant_to_be() -> None:
    names = [variant.name for variant in (*SUPPORTED, *UNSUPPORTED)]
    assert len(names) == len(set(names))
    assert len(SUPPORTED) >= 40


@pytest.mark.parametrize("variant", SUPPORTED, ids=lambda variant: variant.name)
def test_a_supported_form_gives_the_gold_of_its_plain_twin(
    variant: Variant, lake: Lake, tmp_path: Path, plain_gold: pa.Table
) -> None:
    found = checked(variant, tmp_path)
    assert found.reason is None
    assert (found.history.rows, found.trend.rows) == (len(DAYS), len(WEEKS))
    assert found.history.missing == sum(price is None for _, price in DAYS)
    assert gold(variant, lake, tmp_path).equals(plain_gold)


@pytest.mark.parametrize("variant", UNSUPPORTED, ids=lambda variant: variant.name)
def test_an_unsupported_form_is_refused_by_the_check_with_its_reason(
    variant: Variant, tmp_path: Path
) -> None:
    found = checked(variant, tmp_path)
    assert variant.refused is not None
    assert variant.refused in (found.reason or "")
    assert all(finding.file.is_file() for finding in (*found.history.findings, *found.trend.findings))


@pytest.mark.parametrize("variant", UNSUPPORTED, ids=lambda variant: variant.name)
def test_what_the_check_refuses_the_silver_step_refuses_as_well(
    variant: Variant, lake: Lake, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"^(history|trend): "):
        gold(variant, lake, tmp_path)
