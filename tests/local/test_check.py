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

from tests.local.cli import Project, environment, write_history, write_trend


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
