"""Ctrl-C, SIGTERM and SIGKILL during a run: whole tables, a correct record, and the next run."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.local.cli import Outcome, Project, by_ticker, ended, statuses, wait_for, write_history

TICKERS = ("BTC", "ETH", "LTC", "XMR")
OLD, NEW = 100.0, 5000.0  # the first price of the table before the run, and after it


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Four loaded currencies, with new prices uploaded for each."""
    project = Project(tmp_path)
    project.add_made(*TICKERS)
    assert project.run("up").code == 0
    for ticker in TICKERS:
        write_history(project.folder / f"{ticker}.csv", price=NEW)
    assert project.run("upload").code == 0
    return project


@contextmanager
def running(project: Project, *arguments: str, until: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command and wait until it has printed `until` on standard error."""
    process = project.start(*arguments)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if until in line:
                break
        else:
            pytest.fail(f"the command ended without {until!r}")
        yield process
    finally:
        process.kill()
        process.communicate()


def signalled(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[Outcome, float]:
    """Send the signals, half a second apart; return how the command ended and the seconds it took."""
    first, *others = signals
    begun = time.monotonic()
    process.send_signal(first)
    for number in others:
        time.sleep(0.5)
        process.send_signal(number)
    return ended(process), time.monotonic() - begun


def table_of(project: Project, ticker: str, *prices: float) -> None:
    """Assert that the currency's table is whole and begins with one of the prices."""
    rows = project.table(ticker)
    assert len(rows) == 31
    assert rows[0]["price"] in prices
    assert [row["price"] for row in rows[:30]] == [rows[0]["price"] + number for number in range(30)]


def tables_as_recorded(project: Project, execution: Mapping[str, Any]) -> None:
    """Assert that an interrupted run left every table whole, and new or old according to its record.

    The process may have ended after the commit of a load and before it was recorded: in the step redshift,
    either table is correct.
    """
    for ticker, currency in by_ticker(execution).items():
        if currency["status"] == "LOADED":
            table_of(project, ticker, NEW)
        elif currency["step"] == "redshift":
            table_of(project, ticker, OLD, NEW)
        else:
            table_of(project, ticker, OLD)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_keeps_every_table_whole_and_can_be_continued(
    project: Project, number: signal.Signals
) -> None:
    with (
        project.paused("silver2gold.py", "BTC"),
        running(project, "run", until="BTC gold running") as process,
    ):
        outcome, seconds = signalled(process, number)

    assert outcome.code == 130
    assert seconds < 40
    assert outcome.out == ""
    assert "interrupted: Execution" in outcome.err
    assert "Continue with `cryptoetl run --retry-failed`" in outcome.err
    status = project.run("status", "--json")
    assert status.code == 1
    assert status.data["status"] == "INTERRUPTED"
    ends = statuses(status.data)
    assert ends["BTC"] == "ABORTED"
    tables_as_recorded(project, status.data)
    assert "INTERRUPTED" in project.run("status").out

    # A retry finishes what is left and nothing else.
    again = project.run("run", "--retry-failed", "--json")
    assert again.code == 0, again.err
    expected = {ticker: "SKIPPED" if end == "LOADED" else "LOADED" for ticker, end in ends.items()}
    assert statuses(again.data["execution"]) == expected
    assert project.run("verify").code == 0
    for ticker in TICKERS:
        table_of(project, ticker, NEW)


def test_a_run_under_nohup_outlives_its_terminal(project: Project) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by the command, as under nohup
    try:
        with (
            project.paused("silver2gold.py", "BTC") as release,
            running(project, "run", until="BTC gold running") as process,
        ):
            process.send_signal(signal.SIGHUP)
            release()
            outcome = ended(process)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert outcome.code == 0, outcome.err
    for ticker in TICKERS:
        table_of(project, ticker, NEW)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_once_or_twice_does_not_wait_for_a_script_to_end(project: Project, times: int) -> None:
    project.slow_down("silver2gold.py", "BTC")
    with running(project, "run", until="BTC gold running") as process:
        outcome, seconds = signalled(process, *([signal.SIGINT] * times))

    assert outcome.code == 130
    assert seconds < 40  # the script takes 60
    lines = outcome.err.splitlines()
    assert lines[-1].startswith("interrupted: ")  # and no messages of libraries at shutdown
    assert project.run("status", "--json").data["status"] == "INTERRUPTED"
    assert project.currencies()["BTC"]["step"] == "gold"


def test_a_killed_run_is_reported_as_interrupted_and_the_next_one_works(project: Project) -> None:
    with (
        project.paused("silver2gold.py", "BTC"),
        running(project, "run", until="BTC gold running") as process,
    ):
        outcome, _ = signalled(process, signal.SIGKILL)

    assert outcome.code == -signal.SIGKILL
    status = project.run("status", "--json")
    assert (status.code, status.data["status"]) == (1, "INTERRUPTED")
    assert by_ticker(status.data)["BTC"]["status"] == "ABORTED"
    assert by_ticker(status.data)["BTC"]["step"] == "gold"
    tables_as_recorded(project, status.data)

    assert project.run("run").code == 0
    assert project.run("verify").code == 0
    for ticker in TICKERS:
        table_of(project, ticker, NEW)
    listed = project.run("status", "--last", "2", "--json").data["executions"]
    assert [execution["status"] for execution in listed] == ["SUCCEEDED", "INTERRUPTED"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_ends_in_the_middle_of_a_load_leaves_the_old_table(
    project: Project, number: signal.Signals
) -> None:
    # After the DELETE and the INSERT, in the same transaction, a statement that takes hours.
    script = project.deployed_script("redshift_upload.py")
    quick, last = script.read_text(encoding="utf-8"), 'f"DROP TABLE {staging}",'
    assert quick.count(last) == 1
    slow = '"SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",'
    script.write_text(quick.replace(last, slow + last), encoding="utf-8")
    with running(project, "run", "--tickers", "BTC", until="BTC redshift running") as process:
        time.sleep(0.5)
        outcome, seconds = signalled(process, number)
    assert outcome.code in (130, -signal.SIGKILL)
    assert seconds < 40

    table_of(project, "BTC", OLD)
    assert project.run("status", "--json").data["status"] == "INTERRUPTED"
    script.write_text(quick, encoding="utf-8")
    assert project.run("run", "--retry-failed").code == 0
    table_of(project, "BTC", NEW)


def test_a_load_that_was_not_recorded_before_a_kill_is_not_reported_as_loaded_and_can_be_repeated(
    project: Project,
) -> None:
    loaded = project.folder / "loaded"
    project.tamper(
        "redshift_upload.py",
        after=f"import pathlib, time; pathlib.Path({str(loaded)!r}).touch(); time.sleep(60)",
    )
    with running(project, "run", "--tickers", "BTC", until="BTC redshift running") as process:
        wait_for(loaded.exists, "the load")
        signalled(process, signal.SIGKILL)

    currency = project.currencies()["BTC"]
    assert (currency["status"], currency["step"]) == ("ABORTED", "redshift")
    table_of(project, "BTC", NEW)
    assert project.run("deploy").code == 0  # restores the script
    assert project.run("run", "--retry-failed").code == 0
    assert project.currencies()["BTC"]["status"] == "LOADED"
    table_of(project, "BTC", NEW)


def test_other_processes_report_that_a_run_is_in_progress(project: Project) -> None:
    with (
        project.paused("silver2gold.py", "BTC") as release,
        running(project, "run", until="BTC gold running") as process,
    ):
        for command in ("run", "upload", "up", "deploy"):
            outcome = project.run(command)
            assert outcome.code == 2, command
            assert f"in use by `cryptoetl run` (process {process.pid})" in outcome.err
        for arguments in (["query", "SELECT 1"], ["verify"]):
            outcome = project.run(*arguments)
            assert outcome.code == 2, arguments
            assert "cryptoetl status --watch" in outcome.err
        status = project.run("status", "--json")
        assert (status.code, status.data["status"]) == (0, "RUNNING")
        assert by_ticker(status.data)["BTC"]["step"] == "gold"
        watching = project.start("status", "--watch", "--json")
        release()
        assert statuses(ended(watching).lines[-1]) == dict.fromkeys(TICKERS, "LOADED")
        assert ended(process).code == 0


def test_ctrl_c_ends_a_watch_and_leaves_the_run_alone(project: Project) -> None:
    with (
        project.paused("silver2gold.py", "BTC") as release,
        running(project, "run", until="BTC gold running") as process,
    ):
        with running(project, "status", "--watch", until="BTC gold running") as watching:
            outcome, seconds = signalled(watching, signal.SIGINT)
        assert (outcome.code, outcome.out) == (130, "")
        assert seconds < 20
        assert project.run("status", "--json").data["status"] == "RUNNING"
        release()
        assert ended(process).code == 0
    assert set(statuses(project.run("status", "--json").data).values()) == {"LOADED"}
