"""Errors of the home, the disk and the warehouse: messages, and no loss of data."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.local.cli import (
    Project,
    environment,
    files_below,
    statuses,
    write_history,
)


@pytest.fixture
def loaded(tmp_path: Path) -> Project:
    """A project with BTC and XMR loaded."""
    project = Project(tmp_path)
    project.add_made("BTC", "XMR")
    outcome = project.run("up")
    assert outcome.code == 0, outcome.err
    return project


# --- a home that cannot be written --------------------------------------------------------------------


@pytest.mark.parametrize("home", ["a file/home", "/proc/home", "/sys/home"])
@pytest.mark.parametrize("command", ["upload", "deploy", "up", "run"])
def test_a_home_that_cannot_be_written_is_one_clear_message(tmp_path: Path, command: str, home: str) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    project = Project(tmp_path, home=home)
    project.add_made("BTC")

    outcome = project.run(command)

    assert outcome.code == 2
    message, hint = outcome.err.splitlines()
    assert message.startswith(f"error: cannot write {project.home}")
    assert "local.home" in hint
    assert "deployed to" not in outcome.out
    assert command in ("deploy", "up") or outcome.out == ""  # those two show the plan or the check first


# --- a disk that is full ------------------------------------------------------------------------------

FULL = "Free some space and run the same command again: it continues where it stopped."


def test_a_disk_that_fills_while_uploading_leaves_the_earlier_file(loaded: Project) -> None:
    stored = loaded.home / "lake/raw/BTC/source/history"
    before = files_below(loaded.home, "lake/raw")
    write_history(loaded.folder / "BTC.csv", days=4000)

    outcome = loaded.run("upload", biggest_file=20_000)

    assert outcome.code == 2
    message, hint = outcome.err.splitlines()
    assert re.fullmatch(r"error: cannot write .*history.*: File too large", message)
    assert hint.startswith("Free some space")
    assert files_below(loaded.home, "lake/raw") == before  # and no partial file is left
    assert loaded.run("up").code == 0
    assert stored.read_bytes() == (loaded.folder / "BTC.csv").read_bytes()
    assert len(loaded.table("BTC")) == 4000


def test_a_disk_that_fills_while_deploying_leaves_the_old_deployment(loaded: Project) -> None:
    loaded.add_made("LTC")
    before = files_below(loaded.home, "deployed")

    outcome = loaded.run("deploy", biggest_file=5_000)

    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == FULL
    assert files_below(loaded.home, "deployed") == before
    assert not [path for path in loaded.home.iterdir() if path.name.startswith((".deployed", ".replaced"))]
    assert loaded.run("deploy").code == 0
    assert loaded.run("deploy").out.startswith("No changes")


def test_a_disk_that_fills_while_running_fails_the_step_with_that_reason(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("SMALL", days=30)
    project.add_made("LARGE", days=4000)
    assert project.run("up").code == 0
    tables = {ticker: project.table(ticker) for ticker in ("SMALL", "LARGE")}
    for ticker, days in (("SMALL", 30), ("LARGE", 4000)):
        write_history(project.folder / f"{ticker}.csv", days, price=1000.0)
    assert project.run("upload").code == 0

    # Enough for the warehouse's log of a small load and for the record, but not for the large Parquet file.
    outcome = project.run("run", "--json", biggest_file=30_000)

    assert outcome.code == 1
    ends = statuses(outcome.data["execution"])
    assert ends["LARGE"] == "FAILED"
    reason = next(c["reason"] for c in outcome.data["execution"]["currencies"] if c["ticker"] == "LARGE")
    assert "File too large" in reason
    assert project.table("LARGE") == tables["LARGE"]

    assert project.run("run", "--retry-failed").code == 0
    assert project.run("verify").code == 0
    for ticker, rows in tables.items():
        assert project.table(ticker)[0]["price"] == rows[0]["price"] + 900.0


def test_an_execution_that_could_not_be_recorded_leaves_no_record(loaded: Project) -> None:
    assert loaded.run("run", "--fail", "XMR:gold").code == 1
    name = loaded.run("status", "--json").data["name"]
    records = sorted(path.name for path in (loaded.home / "executions").iterdir())

    outcome = loaded.run("run", biggest_file=1_000)

    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == FULL
    assert loaded.run("status", "--json").data["name"] == name
    assert sorted(path.name for path in (loaded.home / "executions").iterdir()) == records
    retried = loaded.run("run", "--retry-failed", "--json")
    assert statuses(retried.data["execution"]) == {"XMR": "LOADED", "BTC": "SKIPPED"}


# --- the warehouse ------------------------------------------------------------------------------------


def test_verify_reports_a_changed_value_another_column_and_a_missing_table(loaded: Project) -> None:
    loaded.add_made("LTC")
    with duckdb.connect(loaded.home / "warehouse.duckdb") as connection:
        connection.execute("UPDATE market_data.btc SET price = price + 1 WHERE date = '2024-01-10'")
        connection.execute("ALTER TABLE market_data.xmr ADD COLUMN more INTEGER")

    outcome = loaded.run("verify", "--json")

    assert outcome.code == 1
    problems = {table["ticker"]: "; ".join(table["problems"]) for table in outcome.data["tables"]}
    assert "price sum" in problems["BTC"]
    assert "its columns are" in problems["XMR"]
    assert "more" in problems["XMR"]
    assert problems["LTC"] == "the table is missing"


def test_a_warehouse_that_another_program_has_opened_is_named(loaded: Project) -> None:
    with duckdb.connect(loaded.home / "warehouse.duckdb"):
        for command in (["run"], ["verify"], ["query", "SELECT 1"]):
            outcome = loaded.run(*command)
            assert outcome.code == 2, command
            assert str(loaded.home / "warehouse.duckdb") in outcome.err
            assert "another program" in outcome.err
    assert loaded.run("run").code == 0


def test_a_warehouse_that_is_not_a_database_is_named(loaded: Project) -> None:
    warehouse = loaded.home / "warehouse.duckdb"
    warehouse.write_bytes(b"not a database\n" * 1000)

    for command in (["run"], ["verify"], ["query", "SELECT 1"]):
        outcome = loaded.run(*command)
        assert outcome.code == 2, command
        assert f"error: {warehouse} is damaged" in outcome.err
        assert "unexpected" not in outcome.err


def test_the_error_for_a_damaged_deployment_says_how_to_repair_it(loaded: Project) -> None:
    (loaded.home / "deployed/state_machine.json").write_text("{", encoding="utf-8")

    outcome = loaded.run("run")

    assert outcome.code == 2
    assert f"error: {loaded.home / 'deployed' / 'state_machine.json'} is damaged" in outcome.err
    assert "cryptoetl deploy" in outcome.err


def test_a_price_is_shown_with_its_own_digits(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    write_history(project.folder / "BTC.csv", price=6.1)
    assert project.run("up").code == 0

    rows = project.run("query", "SELECT price FROM btc ORDER BY date LIMIT 2", "--json").data["rows"]

    assert rows == [{"price": 6.1}, {"price": 7.1}]  # the REAL is 6.0999999046


def test_a_pipe_that_is_closed_early_is_not_an_error(loaded: Project) -> None:
    command = shlex.join(loaded.command("query", "FROM range(10000)", "--limit", "10000"))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -1"],
        cwd=loaded.folder,
        env=environment({}),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_destroy_removes_the_deployment_and_keeps_the_data(loaded: Project) -> None:
    loaded.run("up")
    listed = loaded.run("destroy", "--dry-run")
    assert f"- remove folder {loaded.home / 'deployed'}" in listed.out
    assert (loaded.home / "deployed").exists()
    assert loaded.run("destroy", "--yes").code == 0
    assert not (loaded.home / "deployed").exists()
    assert loaded.table("BTC")
    again = loaded.run("destroy", "--yes")
    assert again.code == 0
    assert again.out.startswith(f"Nothing is deployed in {loaded.home}.")
    assert loaded.run("run").code == 2
    assert loaded.run("up").code == 0


def test_destroy_with_data_leaves_an_empty_home(loaded: Project) -> None:
    loaded.run("up")
    assert loaded.run("destroy", "--delete-data", "--yes").code == 2
    assert loaded.table("BTC")
    assert loaded.run("destroy", "--delete-data", "--confirm", "crypto").code == 0
    assert not [name for name in ("lake", "warehouse.duckdb", "executions") if (loaded.home / name).exists()]
