"""`doctor` on the local target: a sound home passes, and each fault is named."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from cryptoetl import config, pipeline
from cryptoetl.config.environments import Source
from cryptoetl.local.deployment import LocalDeployment
from cryptoetl.local.doctor import LocalDoctor
from cryptoetl.local.home import Home
from cryptoetl.local.ownership import Ownership
from cryptoetl.pipeline.doctor import EXTRAS, REQUIRED
from cryptoetl.target.diagnosis import Diagnosis, Verdict
from cryptoetl.util import installation
from tests.fakes import Fakes
from tests.local.cli import REPOSITORY, Project

NOWHERE = "sc://127.0.0.1:1"
"""Where no engine answers; the tests of this process share the embedded one."""


def diagnose(
    home: Path, engine: str | None = NOWHERE, free: Callable[[Path], int] = lambda _: 10**10
) -> dict[str, Diagnosis]:
    """Return the diagnoses of a home by area and thing, such as `home lock`."""
    owned = Ownership(Home(home), "crypto", "market_data", share=False, tables=())
    deployed = LocalDeployment(Home(home), "market_data", owned).current
    found = LocalDoctor(Home(home), "market_data", engine, deployed, free).diagnose(False)
    return {f"{item.area} {item.what}".replace(f"{home}/", ""): item for item in found}


def test_a_loaded_pipeline_passes_and_nothing_is_left_behind(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    before = project.run("doctor", "--json")
    assert before.code == 0
    assert not project.home.exists()
    assert project.run("up").code == 0
    files = sorted(path for path in tmp_path.rglob("*"))
    outcome = project.run("doctor", "--json")
    assert sorted(path for path in tmp_path.rglob("*")) == files
    assert outcome.code == 0
    assert outcome.data["status"] == "ok"
    lines = {f"{item['area']} {item['what']}": item for item in outcome.data["diagnoses"]}
    assert {item["verdict"] for item in lines.values()} <= {"passed", "warned"}  # warned of a small disk
    assert lines["engine Sail"]["detail"].startswith("runs a query (Spark 4.1")
    assert lines["deployment state machine"]["detail"] == "is deployed, with BTC"
    assert lines[f"warehouse {project.home / 'warehouse.duckdb'}"]["detail"].endswith("market_data: 2")


def test_a_configuration_with_problems_is_named_with_its_lines_and_the_rest_as_not_checked(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    assert project.run("doctor", "--target", "moon").code == 2
    path = tmp_path / "config.yaml"
    path.write_text(f"{path.read_text()}pipeline: NO\nwrong: 1\n")
    outcome = project.run("doctor")
    assert outcome.code == 1
    assert outcome.out.count("  failed   config.yaml:") == 2
    assert "  skipped  not checked: that needs a valid configuration" in outcome.out


def test_raw_files_that_are_missing_are_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC", "XMR")
    (tmp_path / "XMR.csv").unlink()
    outcome = project.run("doctor")
    assert outcome.code == 1
    assert "1 of 4 files cannot be read: config.yaml:" in outcome.out
    assert "XMR.csv: does not exist" in outcome.out


@pytest.mark.parametrize(
    ("free", "verdict"), [(99_000_000, "failed"), (500_000_000, "warned"), (10**10, "passed")]
)
def test_little_disk_space_is_named(tmp_path: Path, free: int, verdict: Verdict) -> None:
    assert diagnose(tmp_path, free=lambda _: free)["home disk space"].verdict == verdict


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path))

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    found = diagnose(tmp_path)[f"home {tmp_path}"]
    assert found.verdict == "failed"
    assert found.detail == f"cannot write {tmp_path}: Read-only file system"
    assert found.hint


def test_a_command_that_holds_the_home_is_named(tmp_path: Path) -> None:
    owner = tmp_path / "owner.json"
    owner.write_text(json.dumps({"pid": os.getpid(), "command": "run"}))
    assert diagnose(tmp_path)["home lock"].verdict == "warned"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    owner.write_text(json.dumps({"pid": ended.pid, "command": "run"}))
    found = diagnose(tmp_path)["home lock"]
    assert (found.verdict, found.detail) == (
        "passed",
        f"is free; `cryptoetl run` (process {ended.pid}) was killed",
    )
    owner.write_text("[")
    assert diagnose(tmp_path)["home lock"].verdict == "passed"


def test_a_damaged_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "deployed").mkdir()
    (tmp_path / "deployed" / "state_machine.json").write_text("{")
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    found = diagnose(tmp_path)
    assert found["deployment state machine"].verdict == "failed"
    assert "state_machine.json" in found["deployment state machine"].detail
    assert found["warehouse warehouse.duckdb"].verdict == "failed"
    assert "is damaged" in found["warehouse warehouse.duckdb"].detail


def test_a_warehouse_that_another_program_has_opened_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "warehouse.duckdb")
    program = f"import duckdb; c = duckdb.connect({file!r}); print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as other:  # type: ignore[call-overload]
        other.stdout.readline()
        found = diagnose(tmp_path)["warehouse warehouse.duckdb"]
        other.communicate(b"\n")
    assert (found.verdict, found.detail.endswith("is open in another program")) == ("warned", True)


def test_an_engine_that_does_not_answer_or_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = diagnose(tmp_path)[f"engine {NOWHERE}"]
    assert (found.verdict, found.detail) == ("failed", "does not answer: Connection refused")
    monkeypatch.setitem(sys.modules, "pysail.spark", None)
    found = diagnose(tmp_path, engine=None)["engine Sail"]
    assert found.verdict == "failed"
    assert found.hint == f"Install it with: {installation.command('local')}"


def test_an_extra_that_is_missing_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    path = tmp_path / "config.yaml"
    lines = pipeline.diagnose(
        Source(path),
        lambda: config.load(path),
        lambda _: Fakes().target,
        version=lambda package: None if package in ("pysail", "duckdb", "matplotlib") else "1.0",
    )
    extras = {item.what: item for item in lines if item.what.startswith("extra")}
    assert extras["extra local"].verdict == "failed"
    assert extras["extra local"].detail == "not installed: duckdb, pysail"
    assert extras["extra local"].hint == f"Install with: {installation.command('local')}"
    assert extras["extra png"].verdict == "passed"


def test_the_packages_are_those_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    def names(requirements: list[str]) -> tuple[str, ...]:
        return tuple(re.split("[^a-z0-9-]", requirement)[0] for requirement in requirements)

    assert names(project["dependencies"]) == REQUIRED
    assert {extra: names(extras[extra]) for extra in extras if extra != "dev"} == EXTRAS
