"""`cryptoetl check` as the gate: what it lets through, what it warns of, and what it costs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.local.cli import Project, environment, write_history, write_trend


@pytest.fixture
def odd(tmp_path: Path) -> Project:
    """Two currencies, one of which has a gap, a jump and a missing price, and nothing that cannot be read."""
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


def test_warnings_are_told_with_file_and_line_and_stop_nothing(odd: Project) -> None:
    told = odd.run("check")
    assert told.code == 0
    for oddity in ODDITIES:
        line, _, message = oddity.partition(": ")
        assert f"{odd.folder}/odd.csv:{line.removeprefix('line ')}: {message}" in told.out
    assert "4 warnings" in told.out
    assert odd.run("up").code == 0


def test_strict_takes_every_warning_for_an_error_of_that_currency_alone(odd: Project) -> None:
    told = odd.run("check", "--strict", "--json")
    assert told.code == 1
    assert {currency["ticker"]: currency["ok"] for currency in told.data["currencies"]} == {
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


def test_an_old_file_is_told_unless_the_configuration_says_that_it_may_be_old(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("OLD")
    assert "days ago (max_age_days: 30)" in project.run("check").out
    project.configure(max_age_days=None)
    assert "ago" not in project.run("check").out


def test_one_pass_finds_everything_in_every_file(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("A", "B")
    (tmp_path / "A.csv").write_text(
        'Date,Price\nx,1\n01/02/2024,y\n01/03/2024,"1\n01/04/2024\n01/05/2024,1\n'
    )
    (tmp_path / "A_trend.csv").write_text("Week,a\n2024-01-07,101\n2024-01-14,z\n")
    (tmp_path / "B.csv").write_bytes(b"Date,Price\n01/01/2024,\xff\n01/02/2024,1\n01/02/2024,2\n")
    told = project.run("check", "--json")
    assert told.code == 1
    findings = {
        (currency["ticker"], kind): [(f["line"], f["severity"]) for f in currency[kind]["findings"]]
        for currency in told.data["currencies"]
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
"""Tells a command's peak memory; a process of its own, because a child's peak begins with its parent's."""


def test_a_million_rows_take_little_memory_and_show_how_far_it_is(tmp_path: Path) -> None:
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
    with suppress(OSError):  # the terminal is gone with the process
        while chunk := os.read(screen, 65536):
            seen += chunk
    os.close(screen)
    kilobytes, _ = process.communicate()
    assert process.returncode == 0
    assert int(kilobytes) < 150_000
    assert b"BIG BIG.csv" in seen
    assert "━".encode() in seen


def test_a_broken_file_stays_out_of_the_upload_and_of_nothing_else(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("GOOD", "BAD")
    write_history(tmp_path / "BAD.csv", 30, broken_line=7)
    told = project.run("upload", "--json")
    assert told.code == 1
    actions = {(file["ticker"], file["kind"]): file["action"] for file in told.data["files"]}
    assert actions["GOOD", "history"] == "uploaded"
    assert actions["BAD", "history"] == actions["BAD", "trend"] == "refused"
