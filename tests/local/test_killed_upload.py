"""An upload that is killed: plain form and source match, or the next upload completes them."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import examples
from tests.local.cli import Project, ended, write_history, write_trend

TICKERS = ("BTC", "ETH", "XMR")
KILLS = examples(100)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.add_made(*TICKERS, days=2000)
    assert project.run("upload").code == 0
    return project


def rows(content: bytes) -> list[tuple[str, ...]]:
    """Return the days and values of a file of `write_history` or `write_trend`, or of its plain form."""
    found = []
    for line in content.decode().replace('"', "").splitlines():
        day, _, value = line.removesuffix(",1K").partition(",")
        if day[:1].isdigit():
            month, dated, year = day.split("/") if "/" in day else (*day.split("-")[1:], day[:4])
            found.append((year, month, dated, str(float(value.replace(",", "")))))
    return sorted(found)


def stored(project: Project, key: str) -> bytes:
    return (project.home / "lake" / "raw" / key).read_bytes()


def test_the_files_of_a_killed_upload_match_or_are_completed_by_the_next(project: Project) -> None:
    chance = random.Random(7)
    for number in range(KILLS):
        for ticker in TICKERS:
            write_history(project.folder / f"{ticker}.csv", 2000 + number, price=100 + 10 * number)
            write_trend(project.folder / f"{ticker}_trend.csv", 5 + number % 5)
        process = project.start("upload")
        time.sleep(0.15 + chance.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        ended(process)

        apart = {
            (ticker, kind)
            for ticker in TICKERS
            for kind in ("history", "trend")
            if rows(stored(project, f"{ticker}/{kind}.csv"))
            != rows(stored(project, f"{ticker}/source/{kind}"))
        }
        outcome = project.run("upload", "--json")
        assert outcome.code == 0, outcome.err
        completed = {(f["ticker"], f["kind"]) for f in outcome.data["files"] if f["action"] == "uploaded"}
        assert apart <= completed
        for ticker in TICKERS:
            for kind, name in (("history", f"{ticker}.csv"), ("trend", f"{ticker}_trend.csv")):
                source = (project.folder / name).read_bytes()
                assert stored(project, f"{ticker}/source/{kind}") == source
                assert rows(stored(project, f"{ticker}/{kind}.csv")) == rows(source)
