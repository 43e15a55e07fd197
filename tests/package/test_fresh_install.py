"""A new user's first steps: the README's commands in a clone, and an installed wheel in another folder.

These tests install packages, as the commands they test do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MINUTES = 60.0


def run(command: str, folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a shell command without the variables of this test's environment."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "CRYPTOETL", "VIRTUAL_ENV", "MAKE", "MFLAGS", "PYTEST"))
    }
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=10 * MINUTES,
        check=False,
    )


def good(done: subprocess.CompletedProcess[str], exit_code: int = 0) -> str:
    assert done.returncode == exit_code, f"{done.args}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


def commands(text: str) -> list[tuple[str, int]]:
    """Return the README's commands with their documented exit codes."""
    found = []
    for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE):
        command, _, comment = line.partition("  #")
        code = re.search(r"exit code (\d+)", comment)
        found.append((command.strip(), int(code[1]) if code else 0))
    return found


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that a clone of the repository has."""
    folder = tmp_path_factory.mktemp("a clone")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the built wheel."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "venv" / "bin" / "python"
    good(run(f"'{sys.executable}' -m venv venv", folder))
    good(run(f"'{python}' -m pip wheel --quiet --no-deps --wheel-dir . '{clone}'", folder))
    wheel = next(folder.glob("cryptoetl-*.whl"))
    good(
        run(
            f"'{python}' -m pip install --quiet --no-compile '{wheel}[local]' -c '{clone}/constraints.txt'",
            folder,
        )
    )
    return python.parent


def test_the_readmes_commands_work_in_their_order(clone: Path, installed: Path) -> None:
    found = commands((clone / "README.md").read_text(encoding="utf-8"))
    assert ("make demo", 0) in found
    for command, exit_code in found:
        if command in ("make test", "make test-quick", "make check"):
            continue  # these run this test, or are run by the same tool
        if command.startswith("pip install"):
            assert command == "pip install '.[local]'"
            continue  # `installed` has done this with a wheel
        done = run(command, clone, None if command.startswith("make") else installed)
        output = good(done, exit_code)
        if command == "make demo":
            assert "market_data.btc" in output
            assert "market_data.xmr" in output
            assert str(clone / ".cryptoetl" / "warehouse.duckdb") in output


def test_an_installed_wheel_runs_everything_from_an_unrelated_folder(
    clone: Path, installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(clone / "examples", tmp_path / "examples")
    shutil.copy(clone / "config.example.yaml", tmp_path / "config.yaml")
    elsewhere = tmp_path / "somewhere else"
    elsewhere.mkdir()
    output = good(run("cryptoetl up -c ../config.yaml", elsewhere, installed))
    assert "2 tables equal gold" in output
    assert "[]" not in good(run("cryptoetl render machine -c ../config.yaml", elsewhere, installed))
    assert list(elsewhere.iterdir()) == []


def test_without_the_extra_the_local_target_says_what_to_install(clone: Path, tmp_path: Path) -> None:
    good(run(f"'{sys.executable}' -m venv venv", tmp_path))
    bin_folder = tmp_path / "venv" / "bin"
    good(run(f"venv/bin/pip install --quiet --no-compile '{clone}' -c '{clone}/constraints.txt'", tmp_path))
    done = run(f"cryptoetl up -c '{clone}/config.example.yaml'", tmp_path, bin_folder)
    good(done, 2)
    assert f"pip install '{clone}[local]'" in done.stderr
