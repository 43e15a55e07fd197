"""Check results are cached by content, configuration and rules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path

from cryptoetl import pipeline
from cryptoetl.config.models import Currency
from cryptoetl.pipeline.results import CheckRules, CurrencyCheck
from cryptoetl.raw_files import reading, verdicts
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.verdicts import Verdicts

TODAY = date(2024, 3, 1)
HISTORY = "Date,Price\n01/01/2024,1\n01/02/2024,-1\n01/05/2024,500\n"
TREND = "Week,bitcoin\n2024-01-07,5\n2024-01-14,6\n"


@pytest.fixture
def btc(tmp_path: Path) -> Currency:
    (tmp_path / "BTC.csv").write_text(HISTORY)
    (tmp_path / "trend.csv").write_text(TREND)
    files = {"history": tmp_path / "BTC.csv", "trend": tmp_path / "trend.csv"}
    return Currency.model_validate({"ticker": "BTC", "drop": False, **files})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of histories that were read and not taken from the cache."""
    files: list[Path] = []
    read = reading.read

    def counted(reports: tuple[FileReport, FileReport], *arguments: Any, **named: Any) -> Any:
        files.append(reports[0].file)
        return read(reports, *arguments, **named)

    monkeypatch.setattr(reading, "read", counted)
    return files


def checked(currency: Currency, rules: CheckRules) -> CurrencyCheck:
    (verdict,) = pipeline.check([currency], rules, lambda _: None).currencies
    return verdict


def rules(path: Path, *, today: date = TODAY, strict: bool = False, age: int | None = 30) -> CheckRules:
    return CheckRules(today, age, strict, Verdicts(path))


def test_the_same_content_is_read_once_and_found_the_same(
    btc: Currency, tmp_path: Path, read: list[Path]
) -> None:
    first = checked(btc, rules(tmp_path / "kept.json"))
    assert first.history.warnings == 4  # a gap, a missing price, a jump, its age
    assert checked(btc, rules(tmp_path / "kept.json")) == first
    assert len(read) == 1
    (tmp_path / "moved.csv").write_text(HISTORY)
    moved = checked(btc.model_copy(update={"history": tmp_path / "moved.csv"}), rules(tmp_path / "kept.json"))
    assert {finding.file for finding in moved.history.findings} == {tmp_path / "moved.csv"}
    assert len(read) == 1
    assert checked(btc, rules(tmp_path / "kept.json", strict=True)).history.errors == 4
    assert len(read) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda btc, rules: (btc.model_copy(update={"drop": True}), rules),
        lambda btc, rules: (btc.model_copy(update={"date_format": "dd/MM/yyyy"}), rules),
        lambda btc, rules: (btc.model_copy(update={"trend_delimiter": ";"}), rules),
        lambda btc, rules: (btc.history.write_text(HISTORY + "\n") and btc, rules),
        lambda btc, rules: (btc.trend.write_text(TREND + "2024-01-21,7\n") and btc, rules),
    ],
)
def test_whatever_a_verdict_depends_on_makes_it_another(
    btc: Currency,
    tmp_path: Path,
    read: list[Path],
    change: Callable[[Currency, CheckRules], tuple[Currency, CheckRules]],
) -> None:
    checked(btc, rules(tmp_path / "kept.json"))
    changed, other = change(btc, rules(tmp_path / "kept.json"))
    found = checked(changed, other)
    assert len(read) == 2
    assert found == checked(changed, replace(other, known=None))


def test_another_day_is_no_reason_to_read_a_file_again_and_its_age_is_reported_all_the_same(
    btc: Currency, tmp_path: Path, read: list[Path]
) -> None:
    checked(btc, rules(tmp_path / "kept.json"))
    for other in (
        rules(tmp_path / "kept.json", today=TODAY + timedelta(1)),
        rules(tmp_path / "kept.json", age=None),
    ):
        found = checked(btc, other)
        assert len(read) == 1
        assert found == checked(btc, replace(other, known=None))
        read.pop()


def test_a_file_with_dates_in_the_future_is_read_each_time(
    btc: Currency, tmp_path: Path, read: list[Path]
) -> None:
    early = date(2024, 1, 2)
    for day, warned in ((early, True), (early, True), (TODAY, False)):
        found = checked(btc, rules(tmp_path / "kept.json", today=day, age=None))
        assert any("in the future" in finding.message for finding in found.history.findings) == warned
    assert len(read) == 3


def test_a_verdict_is_one_of_the_rules_that_found_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = verdicts.key("a")
    assert before == verdicts.key("a") != verdicts.key("b")
    monkeypatch.setattr(verdicts, "_rules", lambda: "other rules")
    assert verdicts.key("a") != before


@pytest.mark.parametrize("module", ["raw_files/dates.py", "raw_files/new.py", "util/text.py"])
def test_a_verdict_is_forgotten_when_the_rules_change(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verdicts.key("the same")
    package = shutil.copytree(Path(verdicts.__file__).parents[1], tmp_path / "cryptoetl")
    monkeypatch.setattr(verdicts, "__file__", str(package / "raw_files" / "verdicts.py"))
    verdicts._rules.cache_clear()
    assert verdicts.key("the same") == before
    with (package / module).open("a", encoding="utf-8") as file:
        file.write("\n# another rule\n")
    verdicts._rules.cache_clear()
    assert verdicts.key("the same") != before
    verdicts._rules.cache_clear()


def test_a_file_that_is_written_while_it_is_checked_is_not_remembered(
    btc: Currency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reading.read

    def and_written(*arguments: Any, **named: Any) -> Any:
        series = read(*arguments, **named)
        os.utime(btc.history, ns=(1, 1))
        return series

    monkeypatch.setattr(reading, "read", and_written)
    checked(btc, rules(tmp_path / "kept.json"))
    assert not (tmp_path / "kept.json").exists()


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{", b'{"KEY": 3}', b'{"KEY": [{}, {}]}'])
def test_a_cache_that_makes_no_sense_is_an_empty_one(btc: Currency, tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "kept.json"
    expected = checked(btc, rules(kept))
    key = next(iter(Verdicts(kept)._known))
    kept.write_bytes(content.replace(b"KEY", key.encode()))
    assert checked(btc, rules(kept)) == expected
    assert next(iter(Verdicts(kept)._known)) == key


def test_where_nothing_can_be_written_nothing_is_remembered(btc: Currency, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert checked(btc, rules(tmp_path / "file" / "kept.json")).ok


def test_only_the_latest_used_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "KEPT", 2)
    empty = FileReport("history", tmp_path), FileReport("trend", tmp_path)
    known = Verdicts(tmp_path / "kept.json")
    for key in ("a", "b"):
        known.keep(key, empty, ())
    known.save()
    known = Verdicts(tmp_path / "kept.json")
    assert known.find("a", tmp_path, tmp_path) is not None
    known.keep("c", empty, ())
    known.save()
    known = Verdicts(tmp_path / "kept.json")
    assert [key for key in "abc" if known.find(key, tmp_path, tmp_path)] == ["a", "c"]


def test_the_environment_determines_the_folder_of_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("CRYPTOETL_CACHE", str(tmp_path / "own"))
    assert verdicts.folder() == tmp_path / "own"
    monkeypatch.delenv("CRYPTOETL_CACHE")
    assert verdicts.folder() == tmp_path / "xdg" / "cryptoetl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert verdicts.folder() == user_cache_path("cryptoetl", appauthor=False)
