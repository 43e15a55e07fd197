"""Failures of one currency: isolation, reports and retries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cryptoetl.state_machine.definition import STEPS, Step
from tests.local.cli import Project, by_ticker, files_below, statuses, write_history, write_trend


@pytest.fixture
def loaded(tmp_path: Path) -> Project:
    """A project with BTC and XMR loaded."""
    project = Project(tmp_path)
    project.add_made("BTC", "XMR")
    outcome = project.run("up")
    assert outcome.code == 0, outcome.err
    return project


def test_a_broken_file_fails_its_currency_only_and_a_retry_loads_it(loaded: Project) -> None:
    old = loaded.table("XMR")
    write_history(loaded.folder / "BTC.csv", price=500.0)
    write_history(loaded.folder / "XMR.csv", broken_line=12)

    outcome = loaded.run("up")

    assert outcome.code == 1
    assert f"XMR error {loaded.folder / 'XMR.csv'}:12: price 'abc' is not a number" in outcome.out
    assert "XMR FAILED at check: history: line 12: price 'abc' is not a number" in outcome.out
    assert loaded.table("BTC")[0]["price"] == 500.0
    assert loaded.table("XMR") == old
    first = loaded.run("status", "--json").data
    assert statuses(first) == {"BTC": "LOADED", "XMR": "FAILED"}
    assert by_ticker(first)["XMR"]["step"] == "check"

    still = loaded.run("run", "--retry-failed")
    assert still.code == 1
    assert "XMR FAILED check: history: line 12" in still.out

    write_history(loaded.folder / "XMR.csv", price=900.0)
    again = loaded.run("run", "--retry-failed", "--json")
    assert again.code == 0, again.err
    assert statuses(again.data["execution"]) == {"XMR": "LOADED", "BTC": "SKIPPED"}
    assert loaded.table("XMR")[0]["price"] == 900.0

    # Both executions are unchanged.
    assert loaded.run("status", "--json").data == again.data["execution"]
    earlier = loaded.run("status", first["name"], "--json")
    assert earlier.code == 1
    assert earlier.data == first
    assert "XMR FAILED at check: history: line 12" in loaded.run("status", first["name"]).out
    listed = loaded.run("status", "--last", "2", "--json").data["executions"]
    assert listed == [again.data["execution"], first]


def test_a_file_that_only_the_script_refuses_fails_at_silver_with_its_line(loaded: Project) -> None:
    old = loaded.table("XMR")
    stored = loaded.home / "lake/raw/XMR/history.csv"
    whole = stored.read_bytes()
    with stored.open("a", encoding="utf-8") as file:
        file.write("31/05/2022,7\n")

    outcome = loaded.run("run")

    assert outcome.code == 1
    assert "XMR: its history file is changed since its upload" in outcome.err
    assert f"{stored} line 32 is not in the plain form" in outcome.out
    assert "run `cryptoetl upload`" in outcome.out
    assert statuses(loaded.run("status", "--json").data) == {"BTC": "LOADED", "XMR": "FAILED"}
    assert loaded.table("XMR") == old

    again = loaded.run("run", "--retry-failed", "--json")
    assert again.code == 0
    assert statuses(again.data["execution"]) == {"XMR": "LOADED", "BTC": "SKIPPED"}
    assert stored.read_bytes() == whole


@pytest.mark.parametrize("step", STEPS)
def test_a_retry_resumes_at_the_failed_step_and_runs_nothing_else(loaded: Project, step: Step) -> None:
    old = loaded.table("XMR")
    for ticker in ("BTC", "XMR"):
        write_history(loaded.folder / f"{ticker}.csv", price=700.0)
    assert loaded.run("upload").code == 0

    outcome = loaded.run("run", "--fail", f"XMR:{step}", "--json")

    assert outcome.code == 1
    failed = by_ticker(outcome.data["execution"])["XMR"]
    assert (failed["status"], failed["step"]) == ("FAILED", step)
    assert failed["reason"] == f"failed on purpose (--fail XMR:{step})"
    assert by_ticker(outcome.data["execution"])["BTC"]["status"] == "LOADED"
    assert loaded.table("XMR") == old
    assert loaded.table("BTC")[0]["price"] == 700.0

    unchanged = files_below(loaded.home, "lake/gold/BTC", "lake/silver/BTC_hist")
    again = loaded.run("run", "--retry-failed", "--json")
    assert again.code == 0, again.err
    retried = by_ticker(again.data["execution"])["XMR"]
    ran = [part["step"] for part in retried["steps"] if part["status"] == "SUCCEEDED"]
    assert ran == list(STEPS[STEPS.index(step) :])
    assert files_below(loaded.home, "lake/gold/BTC", "lake/silver/BTC_hist") == unchanged
    assert loaded.table("XMR")[0]["price"] == 700.0
    assert "Nothing to retry" in loaded.run("run", "--retry-failed").out


def test_a_retry_runs_the_corrected_files_and_names_those_still_broken(loaded: Project) -> None:
    for ticker in ("BTC", "XMR"):
        write_history(loaded.folder / f"{ticker}.csv", broken_line=3)
    assert loaded.run("up").code == 1
    write_history(loaded.folder / "BTC.csv", price=500.0)
    assert loaded.run("up", "--tickers", "BTC", "--fail", "BTC:gold").code == 1
    write_history(loaded.folder / "BTC.csv", broken_line=3)

    # BTC resumes at gold, which does not read the file, broken again.
    outcome = loaded.run("run", "--retry-failed", "--json")

    assert outcome.code == 0
    assert statuses(outcome.data["execution"])["BTC"] == "LOADED"
    assert loaded.table("BTC")[0]["price"] == 500.0


def test_when_every_currency_fails_the_execution_fails(loaded: Project) -> None:
    outcome = loaded.run("run", "--fail", "xmr:gold", "--fail", "BTC:silver", "--json")

    assert outcome.code == 1
    assert outcome.data["execution"]["status"] == "FAILED"
    currencies = by_ticker(outcome.data["execution"])
    assert {ticker: currency["step"] for ticker, currency in currencies.items()} == {
        "BTC": "silver",
        "XMR": "gold",
    }


def test_a_failed_cleaning_fails_every_currency_and_keeps_the_tables(loaded: Project) -> None:
    old = loaded.table("XMR")
    loaded.tamper("clear_buckets.py", "raise OSError('the bucket is gone')")

    outcome = loaded.run("run", "--json")

    assert outcome.code == 1
    currencies = by_ticker(outcome.data["execution"])
    assert {(c["status"], c["step"]) for c in currencies.values()} == {("FAILED", "clean")}
    assert "the bucket is gone" in currencies["BTC"]["reason"]
    assert loaded.table("XMR") == old


def test_a_load_that_fails_midway_leaves_the_old_table(loaded: Project) -> None:
    write_history(loaded.folder / "XMR.csv", price=900.0)
    assert loaded.run("upload").code == 0
    old = loaded.table("XMR")
    script = loaded.deployed_script("redshift_upload.py")
    text, last = script.read_text(encoding="utf-8"), 'f"DROP TABLE {staging}",'
    assert text.count(last) == 1
    script.write_text(text.replace(last, last + ' "SELECT 1 FROM nowhere",'), encoding="utf-8")

    outcome = loaded.run("run", "--tickers", "XMR")

    assert outcome.code == 1
    assert "XMR FAILED at redshift: " in outcome.out
    assert "nowhere does not exist" in outcome.out
    assert loaded.table("XMR") == old


def test_a_script_that_cannot_be_imported_is_named_before_anything_runs(loaded: Project) -> None:
    loaded.deployed_script("silver2gold.py").write_text("import pandaz\n", encoding="utf-8")

    outcome = loaded.run("run")

    assert outcome.code == 2
    assert "the deployed script silver2gold.py cannot be imported" in outcome.err
    assert "pandaz" in outcome.err
    assert len(list((loaded.home / "executions").iterdir())) == 1


def test_a_removed_currency_is_in_the_plan_and_its_table_stays(loaded: Project) -> None:
    loaded.remove("XMR")

    planned = loaded.run("deploy", "--dry-run")
    assert "- remove branch XMR" in planned.out
    assert loaded.run("up").code == 0

    assert len(loaded.table("XMR")) == 31
    refused = loaded.run("run", "--tickers", "XMR")
    assert refused.code == 2
    assert "XMR: not deployed" in refused.err


# --- bad input ----------------------------------------------------------------------------------------

HEADER = '"Date","Price"\n'
BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "EMPTY": ("history", b"", "the file is empty"),
    "HEADLESS": (
        "history",
        b'"Day","Close"\n"01/01/2024","1"\n',
        ":1: columns 'Date' and 'Price' are not in the header",
    ),
    "BADDATE": ("history", f"{HEADER}2024-01-01,1\n".encode(), ":2: date '2024-01-01' is not a MM/dd/yyyy"),
    "BADPRICE": (
        "history",
        f"{HEADER}01/01/2024,1\n01/02/2024,?\n".encode(),
        ":3: price '?' is not a number",
    ),
    "TWICE": (
        "history",
        f"{HEADER}01/01/2024,1\n01/01/2024,2\n".encode(),
        ":3: date 2024-01-01 is already on line 2 with another price",
    ),
    "UTF16": ("history", f"{HEADER}01/01/2024,1\n".encode("utf-16"), "not UTF-8 text but UTF-16"),
    "RANGE": ("trend", b"Week,x\n2024-01-07,101\n", ":2: trend '101' is not within 0 and 100"),
    "FRACTION": ("trend", b"Week,x\n2024-01-07,1.5\n", ":2: trend '1.5' is not a whole number"),
    "NODATA": ("trend", b"Week,x\n", "there are no data lines below the header"),
}


def test_each_broken_file_is_reported_with_its_line_and_the_valid_currency_loads(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("GOOD", *BAD_FILES)
    for ticker, (kind, content, _) in BAD_FILES.items():
        name = f"{ticker}.csv" if kind == "history" else f"{ticker}_trend.csv"
        (project.folder / name).write_bytes(content)

    outcome = project.run("up", "--verbose")  # else only some are named, and the rest counted

    assert outcome.code == 1
    lines = outcome.out.splitlines()
    for ticker, (_, _, message) in BAD_FILES.items():
        reported = [line for line in lines if line.startswith(f"{ticker} error ")]
        assert len(reported) == 1, (ticker, reported)
        assert message in reported[0]
    expected = {"GOOD": "LOADED"} | dict.fromkeys(BAD_FILES, "FAILED")
    assert statuses(project.run("status", "--json").data) == expected
    assert {path.name for path in (project.home / "lake/raw").iterdir()} == {"GOOD"}


def test_when_no_file_can_be_loaded_nothing_is_deployed_or_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    (project.folder / "BTC_trend.csv").write_text("Week,x\n2024-01-07,101\n", encoding="utf-8")

    outcome = project.run("up")

    assert outcome.code == 1
    assert "No currency can be loaded" in outcome.out
    assert not (project.home / "deployed").exists()
    assert not (project.home / "executions").exists()
    assert not (project.home / "lake/raw/BTC").exists()


def made(project: Project) -> None:
    project.add_made("BTC")


def unknown_key(project: Project) -> None:
    made(project)
    project.configure(colour="red")


def wrong_type(project: Project) -> None:
    project.add_made("BTC")
    project.add("XMR", project.folder / "BTC.csv", project.folder / "BTC_trend.csv", drop="perhaps")


def same_ticker_twice(project: Project) -> None:
    project.add_made("BTC")
    project.add("btc", project.folder / "BTC.csv", project.folder / "BTC_trend.csv")


def odd_ticker(project: Project) -> None:
    write_history(project.folder / "a.csv")
    write_trend(project.folder / "b.csv")
    project.add("BTC-EUR", project.folder / "a.csv", project.folder / "b.csv")


def no_configuration(project: Project) -> None:
    made(project)
    (project.folder / "config.yaml").unlink()


@pytest.mark.parametrize(
    ("prepare", "arguments", "messages"),
    [
        (unknown_key, [], ["config.yaml:", "colour"]),
        (wrong_type, [], ["config.yaml:", "currencies[1].drop"]),
        (same_ticker_twice, [], ["config.yaml:", "btc"]),
        (odd_ticker, [], ["config.yaml:", "BTC-EUR"]),
        (no_configuration, [], ["config.yaml"]),
        (made, ["--tickers", "DOGE"], ["DOGE", "BTC"]),
        (made, ["--tickers", ","], ["--tickers names no currency"]),
        (made, ["--fail", "BTC:bronze"], ["--fail BTC:bronze"]),
        (made, ["--fail", "DOGE:gold"], ["DOGE"]),
        (made, ["--target", "moon"], ["'moon' is not a target"]),
    ],
)
def test_an_invalid_configuration_is_one_message_and_changes_nothing(
    tmp_path: Path, prepare: Callable[[Project], None], arguments: list[str], messages: list[str]
) -> None:
    project = Project(tmp_path)
    prepare(project)

    outcome = project.run("up", *arguments, "--json")

    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert "unexpected" not in outcome.err
    assert all(message in outcome.err for message in messages), outcome.err
    assert json.loads(outcome.out)["exit_code"] == 2
    assert not project.home.exists()
