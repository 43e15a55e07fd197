"""Environments: laid over the file, with lines that point into it; and where the file is found."""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema
import pytest
import yaml

from cryptoetl.config import check, find_file, json_schema, load
from cryptoetl.config.loading import missing_files
from cryptoetl.errors import ConfigError, UsageError

LINES = """\
pipeline: crypto
aws:
  region: eu-central-1
  tags: {team: data}
  glue:
    workers: 4
  notify: {emails: [a@example.com, b@example.com]}
currencies:
  - {ticker: BTC, history: btc.csv, trend: trend.csv}
environments:
  dev:
    pipeline: crypto-dev
  prod:
    pipeline: crypto-prod
    target: aws
    aws:
      tags: {cost: etl}
      glue: {workers: 10}
      notify: {emails: [ops@example.com]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(LINES, encoding="utf-8")
    return path


def changed(file: Path, old: str, new: str) -> Path:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def line_of(file: Path, part: str) -> int:
    return 1 + next(at for at, line in enumerate(file.read_text().splitlines()) if part in line)


def test_keys_are_merged_and_lists_and_values_are_replaced(file: Path) -> None:
    prod, plain = load(file, "prod"), load(file)
    assert (plain.pipeline, plain.target, plain.aws.glue.workers) == ("crypto", "local", 4)
    assert (prod.pipeline, prod.target, prod.aws.glue.workers) == ("crypto-prod", "aws", 10)
    assert prod.aws.region == "eu-central-1"
    assert prod.aws.tags == {"team": "data", "cost": "etl"}
    assert prod.aws.notify is not None
    assert prod.aws.notify.emails == ("ops@example.com",)
    assert prod.currencies == plain.currencies


def test_null_takes_a_setting_away(file: Path) -> None:
    changed(file, "notify: {emails: [ops@example.com]}", "notify: null")
    assert load(file).aws.notify is not None
    assert load(file, "prod").aws.notify is None


def test_merge_keys_work_on_both_sides(file: Path) -> None:
    changed(file, "  glue:\n    workers: 4", "  glue: &glue\n    <<: {flex: true}\n    workers: 4")
    changed(file, "{workers: 10}", "{<<: *glue, workers: 10}")
    glue = load(file, "prod").aws.glue
    assert (glue.flex, glue.workers) == (True, 10)


def test_an_unknown_environment_is_refused_and_the_known_ones_are_named(file: Path) -> None:
    with pytest.raises(UsageError, match="has no environment 'prd'") as caught:
        load(file, "prd")
    assert caught.value.hint == "Did you mean prod? It has dev, prod."
    file.write_text(LINES.partition("environments:")[0], encoding="utf-8")
    with pytest.raises(UsageError, match="has no environment 'prod'"):
        load(file, "prod")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("{workers: 10}", "{workers: 1}", "aws.glue.workers"),
        ("{workers: 10}", "{wokers: 10}", "aws.glue.wokers"),
        ("workers: 4", "workers: 0", "aws.glue.workers"),
        ("    pipeline: crypto-dev", "    pipeline: Dev", "pipeline"),
        ("    pipeline: crypto-dev", "    [pipeline]", "environments.dev"),
    ],
)
def test_a_check_finds_every_problem_once_and_at_its_line(file: Path, old: str, new: str, field: str) -> None:
    changed(file, old, new)
    with pytest.raises(ConfigError) as caught:
        check(file)
    (problem,) = caught.value.problems
    lines = (line_of(file, new), line_of(file, new) - 1)  # a value that is no mapping is named at its key
    assert (problem.field, problem.line in lines) == (field, True)


def test_a_valid_file_has_the_names_of_its_environments(file: Path) -> None:
    assert check(file) == ("dev", "prod")


def test_a_missing_file_of_an_environment_is_at_its_line(file: Path) -> None:
    currency = "    currencies: [{ticker: ETH, history: eth.csv, trend: trend.csv}]\n"
    changed(file, "    pipeline: crypto-prod\n", f"    pipeline: crypto-prod\n{currency}")
    history, trend = missing_files(file, load(file, "prod").currencies, "prod")
    assert {history.problem.line, trend.problem.line} == {line_of(file, "eth.csv")}


def test_the_json_schema_knows_what_an_environment_may_have(file: Path) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert list(validator.iter_errors(yaml.safe_load(LINES))) == []
    for wrong in ("environments: {prod: {pipline: x}}", "environments: {prod: {environments: {}}}"):
        data = {**yaml.safe_load(LINES), **yaml.safe_load(wrong)}
        assert len(list(validator.iter_errors(data))) == 1


def test_the_file_is_the_nearest_one_above(file: Path) -> None:
    folder = file.parent / "a" / "b"
    folder.mkdir(parents=True)
    assert find_file(folder) == file
    (folder.parent / "config.yaml").write_text("other: program\n", encoding="utf-8")
    assert find_file(folder) == file
    (folder / "config.yaml").write_text("broken", encoding="utf-8")
    assert find_file(folder) == folder / "config.yaml"


def test_another_users_file_above_is_not_taken(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file.parent / "a"
    folder.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: file.stat().st_uid + 1)
    expected = file if file.stat().st_uid == 0 else folder / "config.yaml"
    assert find_file(folder) == expected
