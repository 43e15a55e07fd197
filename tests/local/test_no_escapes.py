"""Escape sequences from scripts and DuckDB in real commands; see tests/unit/output/test_escapes.py."""

from __future__ import annotations

from pathlib import Path

from tests.local.cli import Project
from tests.unit.output.test_escapes import HOSTILE, assert_plain


def test_logs_reasons_rows_and_errors_of_duckdb_are_printed_without_escapes(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    assert project.run("up").code == 0
    rows = project.run("query", f"SELECT '{HOSTILE}' AS \"{HOSTILE}\"")
    assert rows.code == 0
    error = project.run("query", f'SELECT "{HOSTILE}"')
    assert error.code == 2
    project.tamper("bronze2silver.py", f"log.warning({HOSTILE!r})\n    raise ValueError({HOSTILE!r})")
    failed = project.run("run")
    assert failed.code == 1
    outcomes = [rows, error, failed, project.run("logs", "BTC"), project.run("status", "--verbose")]
    for outcome in outcomes:
        assert_plain(outcome.out + outcome.err)
        assert r"\x1b]0;title" in outcome.out + outcome.err
    log = project.run("logs", "BTC", "--json")
    assert_plain(log.out)
    assert "\x1b]0;title\x07" in "".join(line["text"] for line in log.data["lines"])
