"""Commands that need no engine start without importing one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.cli import Project, environment

HEAVY = {"boto3", "botocore", "duckdb", "filelock", "grpc", "numpy", "pandas", "pyarrow", "pysail", "pyspark"}
PROGRAM = """
import sys
from cryptoetl import cli
assert cli.run() == 0
print(*sys.modules, file=sys.stderr)
"""


def imported(*arguments: str, folder: Path | None = None) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["render", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    modules = imported(*arguments)

    assert "typer" in modules
    assert modules & (HEAVY | {"rich"}) == set()


@pytest.mark.parametrize(
    "arguments",
    [["init", "--yes", "--force"], ["check"], ["deploy", "--dry-run"], ["render", "machine"], ["schema"]],
)
def test_commands_that_run_no_script_import_no_engine(tmp_path: Path, arguments: list[str]) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")

    modules = imported(*arguments, folder=project.folder)

    assert "cryptoetl.config" in modules
    assert modules & HEAVY == set()
