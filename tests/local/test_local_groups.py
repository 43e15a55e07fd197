"""Faults that executions of groups survive on the local target, through the real command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.local.cli import Project, by_ticker, statuses, write_history

FIRST, SECOND = ("AAA", "BBB"), ("CCC", "DDD")


@pytest.fixture
def grouped(tmp_path: Path) -> Project:
    """Return a project of two groups of two, deployed and uploaded."""
    project = Project(tmp_path / "project")
    project.add_made(*FIRST, *SECOND)
    project.configure(currencies_per_run=2)
    for command in (["deploy", "--yes"], ["upload"]):
        assert project.run(*command).code == 0
    return project


def loaded(project: Project, *tickers: str) -> dict[str, str]:
    return dict.fromkeys([*FIRST, *SECOND], "SKIPPED") | dict.fromkeys(tickers, "LOADED")


def test_a_run_that_dies_fails_its_group_alone_which_is_retried_alone(grouped: Project) -> None:
    grouped.tamper("silver2gold.py", "if 'CCC' in ' '.join(argv): raise OSError('the worker is lost')")
    outcome = grouped.run("run", "--json")
    assert outcome.code == 1
    found = by_ticker(outcome.data["execution"])
    assert [found[t]["status"] for t in (*FIRST, *SECOND)] == ["LOADED"] * 2 + ["FAILED"] * 2
    for ticker in SECOND:
        assert found[ticker]["step"] == "gold"
        assert found[ticker]["reason"] == "the run of its group failed: the worker is lost"
    assert "OSError: the worker is lost" in grouped.run("logs", "DDD", "--errors").out
    assert grouped.run("logs", "BBB", "--errors", "--json").data["lines"] == []
    assert grouped.run("deploy", "--yes").code == 0
    again = grouped.run("run", "--retry-failed", "--json").data["execution"]
    assert statuses(again) == loaded(grouped, *SECOND)
    assert by_ticker(again)["DDD"]["steps"][0]["status"] == "PENDING"


def test_a_damaged_outcome_is_never_a_load(grouped: Project) -> None:
    damage = (
        "import json, pathlib, urllib.parse; a = dict(zip(argv[1::2], argv[2::2])); "
        "f = pathlib.Path(urllib.parse.urlsplit(a['--OUTCOMES']).path, a['--EXECUTION'], 'redshift', "
        "json.loads(a['--GROUP'])[0]['TICKER'] + '.json'); "
        "f.write_bytes(f.read_bytes()[:-9]) if f.stem == 'AAA' else f.unlink()"
    )
    grouped.tamper("redshift_upload.py", after=damage)
    outcome = grouped.run("run", "--json")
    assert outcome.code == 1
    assert outcome.data["execution"]["status"] == "FAILED"
    for found in outcome.data["execution"]["currencies"]:
        assert (found["status"], found["step"]) == ("FAILED", "redshift")
        assert found["reason"] == "the run ended without an outcome for it"
    assert grouped.run("deploy", "--yes").code == 0
    retried = grouped.run("run", "--retry-failed", "--json").data["execution"]
    assert statuses(retried) == loaded(grouped, *FIRST, *SECOND)


def test_a_list_that_is_gone_is_named_and_the_next_run_works(grouped: Project) -> None:
    name = grouped.run("run", "--json").data["execution"]["name"]
    (grouped.home / "lists" / "executions" / f"{name}.json").unlink()
    for command in (["status"], ["logs", "AAA"], ["run", "--retry-failed"]):
        outcome = grouped.run(*command)
        assert outcome.code == 2
        assert f"the list of currencies lists/executions/{name}.json cannot be read" in outcome.err
        assert "cryptoetl run --changed" in outcome.err
    (deployed,) = (grouped.home / "lists" / "deployed").iterdir()
    (deployed / "currencies.json").unlink()
    outcome = grouped.run("run")
    assert outcome.code == 2
    assert "currencies.json is damaged (No such file or directory)" in outcome.err
    assert grouped.run("deploy", "--yes").code == 0
    assert "Nothing to run: all 4 currencies" in grouped.run("run", "--changed").out


def test_currencies_added_or_removed_after_the_deploy_wait_for_the_next(grouped: Project) -> None:
    grouped.remove("DDD")
    grouped.add_made("EEE")
    grouped.configure(currencies_per_run=2)
    outcome = grouped.run("run", "--json")
    assert outcome.code == 0
    assert "(currency EEE, currency DDD)" in outcome.err
    assert set(statuses(outcome.data["execution"])) == {*FIRST, *SECOND}
    assert "EEE: not deployed" in grouped.run("run", "--tickers", "EEE").err
    assert grouped.run("upload").code == 0
    plan = grouped.run("deploy", "--yes", "--json").data
    assert [(c["action"], c["name"]) for c in plan["changes"] if c["what"] == "currency"] == [
        ("add", "EEE"),
        ("remove", "DDD"),
    ]
    changed = grouped.run("run", "--changed", "--json").data
    assert changed["unchanged"] == ["AAA", "BBB", "CCC"]
    assert statuses(changed["execution"])["EEE"] == "LOADED"


def test_a_table_that_was_dropped_is_loaded_again(grouped: Project) -> None:
    import duckdb

    assert grouped.run("run").code == 0
    with duckdb.connect(grouped.home / "warehouse.duckdb") as connection:
        connection.execute("DROP VIEW IF EXISTS market_data.all_currencies")
        connection.execute("DROP TABLE market_data.ccc")
    outcome = grouped.run("run", "--changed", "--json")
    assert statuses(outcome.data["execution"]) == loaded(grouped, "CCC")


def test_a_step_of_a_currency_fails_on_purpose(grouped: Project) -> None:
    outcome = grouped.run("run", "--fail", "bbb:gold", "--json")
    found = by_ticker(outcome.data["execution"])
    assert (found["BBB"]["status"], found["BBB"]["step"]) == ("FAILED", "gold")
    assert [found[t]["status"] for t in ("AAA", *SECOND)] == ["LOADED"] * 3


def test_of_many_currencies_only_the_one_with_a_changed_file_runs_again(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    count = 250 if os.environ.get("CRYPTOETL_EXHAUSTIVE") else 50
    tickers = [f"C{number}" for number in range(count)]
    project.add_made(*tickers)
    project.configure(currencies_per_run=25)
    first = project.run("up", "--json").data
    assert statuses(first["run"]["execution"]) == dict.fromkeys(tickers, "LOADED")

    write_history(project.folder / "C37.csv", 31)
    second = project.run("up", "--changed", "--json").data

    expected = dict.fromkeys(tickers, "SKIPPED") | {"C37": "LOADED"}
    assert statuses(second["run"]["execution"]) == expected
    assert second["run"]["unchanged"] == [ticker for ticker in tickers if ticker != "C37"]
    assert len(project.table("C37")) == len(project.table("C36")) + 1
