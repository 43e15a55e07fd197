"""`cryptoetl check`: errors, warnings, memory and progress."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.local.cli import FIRST_DAY, Project, environment, write_history, write_trend


@pytest.fixture
def odd(tmp_path: Path) -> Project:
    """Two currencies, one of which has a gap, a jump and a missing price, but can be read."""
    project = Project(tmp_path)
    lines = ["Date,Price", "01/01/2024,1", "01/02/2024,-1", "01/05/2024,20", "01/05/2024,20"]
    (tmp_path / "odd.csv").write_text("\n".join(lines))
    write_trend(tmp_path / "odd trend.csv")
    project.add("ODD", tmp_path / "odd.csv", tmp_path / "odd trend.csv")
    project.add_made("FINE")
    project.configure(max_age_days=None)
    return project


ODDITIES = [
    "line 5: date 2024-01-05 is already on line 4, with the same value",
    "line 4: 2 days missing, the longest gap is 2 days: 2024-01-03 – 2024-01-04",
    "line 3: 1 of 3 prices missing (33.3%): each takes the last valid one",
    "line 4: the price jumps by a factor of 20: 1 on 2024-01-01, 20 on 2024-01-05",
]


def test_warnings_have_file_and_line_and_do_not_fail_the_check(odd: Project) -> None:
    outcome = odd.run("check")
    assert outcome.code == 0
    for oddity in ODDITIES:
        line, _, message = oddity.partition(": ")
        assert f"{odd.folder}/odd.csv:{line.removeprefix('line ')}: {message}" in outcome.out
    assert "4 warnings" in outcome.out
    assert odd.run("up").code == 0


def test_strict_turns_warnings_into_errors_of_their_currency_only(odd: Project) -> None:
    outcome = odd.run("check", "--strict", "--json")
    assert outcome.code == 1
    assert {currency["ticker"]: currency["ok"] for currency in outcome.data["currencies"]} == {
        "ODD": False,
        "FINE": True,
    }
    uploaded = odd.run("upload", "--strict", "--json")
    assert uploaded.code == 1
    assert {(file["ticker"], file["action"]) for file in uploaded.data["files"]} == {
        ("ODD", "refused"),
        ("FINE", "uploaded"),
    }
    assert odd.run("up", "--strict").code == 1
    assert {c["ticker"]: c["status"] for c in odd.run("status", "--json").data["currencies"]} == {
        "ODD": "FAILED",
        "FINE": "LOADED",
    }


def test_an_old_file_is_a_warning_unless_the_configuration_allows_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("OLD")
    assert "days ago (max_age_days: 30)" in project.run("check").out
    project.configure(max_age_days=None)
    assert "ago" not in project.run("check").out


def test_one_check_reports_every_finding_in_every_file(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("A", "B")
    (tmp_path / "A.csv").write_text(
        'Date,Price\nx,1\n01/02/2024,y\n01/03/2024,"1\n01/04/2024\n01/05/2024,1\n'
    )
    (tmp_path / "A_trend.csv").write_text("Week,a\n2024-01-07,101\n2024-01-14,z\n")
    (tmp_path / "B.csv").write_bytes(b"Date,Price\n01/01/2024,\xff\n01/02/2024,1\n01/02/2024,2\n")
    outcome = project.run("check", "--json")
    assert outcome.code == 1
    findings = {
        (currency["ticker"], kind): [(f["line"], f["severity"]) for f in currency[kind]["findings"]]
        for currency in outcome.data["currencies"]
        for kind in ("history", "trend")
    }
    assert findings["A", "history"][:4] == [(line, "error") for line in (2, 3, 4, 5)]
    assert findings["A", "trend"][:2] == [(2, "error"), (3, "error")]
    assert findings["B", "history"][:2] == [(2, "error"), (4, "error")]


MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
"""Prints a command's peak memory, in a separate process: a child's peak begins with its parent's."""


def test_a_million_rows_need_little_memory_and_show_progress(tmp_path: Path) -> None:
    project = Project(tmp_path)
    first = date(1900, 1, 1)
    with (tmp_path / "BIG.csv").open("w") as file:
        file.write('"Date","Price","Open"\n')
        file.writelines(f'"{first + timedelta(n):%m/%d/%Y}","{n % 9 + 1}.5","1"\n' for n in range(1_000_000))
    write_trend(tmp_path / "trend.csv")
    project.add("BIG", tmp_path / "BIG.csv", tmp_path / "trend.csv")

    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", MEASURED, *project.command("check", "--json")],
        cwd=tmp_path,
        env=environment({"TERM": "xterm"}),
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    seen = b""
    with suppress(OSError):  # the terminal closes with the process
        while chunk := os.read(screen, 65536):
            seen += chunk
    os.close(screen)
    kilobytes, _ = process.communicate()
    assert process.returncode == 0
    assert int(kilobytes) < 150_000
    assert b"BIG BIG.csv" in seen
    assert "━".encode() in seen


def test_a_broken_file_is_not_uploaded_but_all_others_are(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("GOOD", "BAD")
    write_history(tmp_path / "BAD.csv", 30, broken_line=7)
    outcome = project.run("upload", "--json")
    assert outcome.code == 1
    actions = {(file["ticker"], file["kind"]): file["action"] for file in outcome.data["files"]}
    assert actions["GOOD", "history"] == "uploaded"
    assert actions["BAD", "history"] == actions["BAD", "trend"] == "refused"


# --- what a configuration says wrongly, and what an upload would lose ---------------------------------


def write_bars(path: Path, days: int, *, first: date = FIRST_DAY, factor: float = 1.0) -> None:
    lines = ["Date,Open,High,Low,Close,Volume"]
    for number in range(days):
        day, price = first + timedelta(number), factor * (100 + number % 7)
        lines.append(f"{day:%m/%d/%Y},{price},{price + 1},{price - 1},{price},{9000 + number}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def bars(tmp_path: Path) -> Project:
    """A currency of 120 days with the right column, and one that is as it should be."""
    project = Project(tmp_path)
    write_bars(tmp_path / "BTC bars.csv", 120)
    write_trend(tmp_path / "trend.csv", 10)
    project.add("BTC", tmp_path / "BTC bars.csv", tmp_path / "trend.csv", price_column="Close")
    project.add_made("FINE")
    project.configure(max_age_days=None)
    return project


def test_a_wrong_column_is_a_warning_and_with_strict_an_error(bars: Project) -> None:
    assert bars.run("check", "--strict").code == 0
    config = bars.folder / "config.yaml"
    config.write_text(config.read_text().replace("Close", "Volume"))
    message = "most prices of column 'Volume' are not between 'Low' and 'High' of their rows"
    warned = bars.run("check")
    assert warned.code == 0
    assert message in warned.out
    assert message in bars.run("check").out  # also when the verdict is known
    refused = bars.run("check", "--strict")
    assert refused.code == 1
    assert "1 error" in refused.out


def test_an_upload_that_loses_days_is_a_warning_and_with_strict_refused(bars: Project) -> None:
    assert bars.run("up", "--strict").code == 0
    loaded = bars.table("BTC")
    write_bars(bars.folder / "BTC bars.csv", 60, first=FIRST_DAY + timedelta(60))
    message = "it covers 60 days less than the uploaded file: 2024-01-01 – 2024-02-29 are lost"

    refused = bars.run("up", "--strict")
    assert refused.code == 1
    assert f"BTC error {bars.folder}/BTC bars.csv: {message}" in refused.out
    assert {ticker: c["status"] for ticker, c in bars.currencies().items()} == {
        "BTC": "FAILED",
        "FINE": "LOADED",
    }
    assert bars.table("BTC") == loaded
    again = bars.run("upload", "--strict", "--json")
    assert [file["action"] for file in again.data["files"]] == ["refused"] * 2 + ["unchanged"] * 2

    warned = bars.run("upload")
    assert warned.code == 0
    assert f"BTC warning {bars.folder}/BTC bars.csv: {message}" in warned.out
    assert message not in bars.run("upload").out


def test_a_retry_warns_of_a_history_of_another_magnitude(bars: Project) -> None:
    assert bars.run("up").code == 0
    assert bars.run("run", "--fail", "BTC:silver").code == 1
    write_bars(bars.folder / "BTC bars.csv", 120, factor=0.01)
    retried = bars.run("run", "--retry-failed")
    assert retried.code == 0
    assert "warning: BTC: its history replaces another one: its prices are of another order" in retried.err
