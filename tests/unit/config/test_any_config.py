"""Any content ends in a configuration or in its problems, never in another exception."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoetl.config.loading import load, missing_files
from cryptoetl.config.models import Config, Currency
from cryptoetl.errors import ConfigError
from tests.conftest import examples
from tests.unit.config.configs import GOOD, written

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
KEYS = st.sampled_from([*Config.model_fields, *Currency.model_fields, "schema", "home", "", "1", "<<", "ſ"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
MARKS = [*"[]{},:-?!|>%@`#'\"\n\t\\=", "\n  ", "- ", ": ", "&a ", "*a", "<<: *a", "---\n"]
TAGS = ["!!int ", "!!float ", "!!bool ", "!!timestamp ", "!!binary ", "!!set ", "!!omap ", "!!null ", "!x "]
VALUES = [
    "currencies",
    "ticker",
    "BTC",
    "~x",
    "0x_",
    "._",
    "0b_",
    "2024-02-30",
    "1:99",
    '"\\ud800"',
    '"\\0"',
    "é",
]
WORDS = st.sampled_from([*MARKS, *TAGS, *VALUES])


def ends_well(folder: Path, content: str | bytes) -> None:
    """Load a configuration and look for its files; only ConfigError may be raised."""
    file = written(folder / "any.yaml", content)
    with contextlib.suppress(ConfigError):
        config = load(file)
        config.model_dump_json()
        missing_files(file, config.currencies)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@settings(max_examples=examples(50), deadline=None)
@given(tree=TREES)
def test_any_values_end_in_a_configuration_or_in_its_problems(folder: Path, tree: object) -> None:
    ends_well(folder, json.dumps(tree))


@settings(max_examples=examples(50), deadline=None)
@given(currency=st.dictionaries(KEYS, SCALARS, max_size=3), rest=st.dictionaries(KEYS, TREES, max_size=3))
def test_any_currency_ends_in_a_configuration_or_in_its_problems(
    folder: Path, currency: dict[str, object], rest: dict[str, object]
) -> None:
    good = {"ticker": "BTC", "history": "h", "trend": "t"}
    ends_well(folder, json.dumps({**rest, "currencies": [{**good, **currency}]}))


@settings(max_examples=examples(100), deadline=None)
@given(words=st.lists(WORDS, max_size=20))
def test_any_yaml_marks_end_in_a_configuration_or_in_its_problems(folder: Path, words: list[str]) -> None:
    ends_well(folder, "".join(words))


@settings(max_examples=examples(100), deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=3))
def test_any_value_of_a_field_ends_in_a_configuration_or_in_its_problems(
    folder: Path, words: list[str]
) -> None:
    ends_well(folder, GOOD.replace("data/history.csv", "".join(words)))


@settings(max_examples=examples(50), deadline=None)
@given(content=st.binary(max_size=100))
def test_any_bytes_end_in_a_configuration_or_in_its_problems(folder: Path, content: bytes) -> None:
    ends_well(folder, content)
