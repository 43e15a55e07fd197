"""`check --format github`, and the action that calls it, as far as they can be run without GitHub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.command_line import REPOSITORY, CommandLine
from tests.unit.cli.command_line import config as config
from tests.unit.cli.command_line import run as run
from tests.unit.made import write_config

ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}


def broken(folder: Path) -> None:
    """Break a price of BTC, and a header of XMR."""
    (folder / "BTC.csv").write_text('Date,Price\n01/01/2024,1.5\n01/02/2024,"100%, abc"\n', encoding="utf-8")
    (folder / "XMR.csv").write_text("Day,Close\n2024-01-01,1\n", encoding="utf-8")


def annotated(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("::")]


def test_each_finding_is_an_annotation_of_its_line(run: CommandLine, config: Path) -> None:
    broken(run.folder)
    ended = run("check", "--format", "github")
    assert ended.code == 1
    errors = [line for line in annotated(ended.out) if line.startswith("::error ")]
    assert errors[0] == "::error file=BTC.csv,line=3,title=BTC history::price '100%25, abc' is not a number"
    assert errors[1].startswith("::error file=XMR.csv,line=1,title=XMR history::")
    assert run("check", "--format", "github", GITHUB_WORKSPACE=str(run.folder.parent)).out.count(
        f"file={run.folder.name}/BTC.csv,line=3"
    )


def test_a_problem_of_the_configuration_is_an_annotation_of_its_line(run: CommandLine) -> None:
    path = run.folder / "config.yaml"
    path.write_text("pipeline: Crypto\ncurrencies: []\n", encoding="utf-8")
    ended = run("check", "--format", "github")
    assert ended.code == 2
    first, second = annotated(ended.out)
    assert first.startswith("::error file=config.yaml,line=1,title=pipeline::'Crypto' is not a prefix")
    assert second.startswith("::error file=config.yaml,line=2,title=currencies::")


def test_the_first_problem_of_each_file_comes_first(run: CommandLine, config: Path) -> None:
    bad = "Date,Price\n01/01/2024,x\n01/02/2024,x\n"
    for ticker in ("BTC", "XMR"):
        (run.folder / f"{ticker}.csv").write_text(bad, encoding="utf-8")
    lines = annotated(run("check", "--format", "github").out)
    places = [found[1] for line in lines if (found := re.match("::error file=(.+?),title", line))]
    assert places[:4] == ["BTC.csv,line=2", "XMR.csv,line=2", "BTC.csv,line=3", "XMR.csv,line=3"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xml"], "'xml' is not a format"),
        (["github", "--json"], "--format github and --json exclude each other"),
    ],
)
def test_other_formats_are_refused(run: CommandLine, arguments: list[str], message: str) -> None:
    ended = run("check", "--format", *arguments)
    assert ended.code == 2
    assert message in ended.err


# --- the action ---------------------------------------------------------------------------------------


def in_a_step(name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as a runner does: bash with -eo pipefail, and the step's environment filled in."""
    given = {key: str(entry["default"]) for key, entry in ACTION["inputs"].items()} | inputs
    contexts = {f"inputs.{key}": value for key, value in given.items()} | {
        "github.action_path": str(REPOSITORY)
    }
    environment = {
        key: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: contexts[found[1]], text)
        for key, text in STEPS[name]["env"].items()
    }
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "cryptoetl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cryptoetl "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    given_by_github = {"GITHUB_WORKSPACE": str(folder), "RUNNER_TEMP": str(folder / "temp"), "CI": "true"}
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],
        cwd=folder,
        env=dict(os.environ) | given_by_github | path | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_action_annotates_the_line_of_a_broken_file_and_fails(tmp_path: Path) -> None:
    project = tmp_path / "prices"
    project.mkdir()
    write_config(project, "BTC", "XMR")
    broken(project)
    done = in_a_step("Check the raw files", tmp_path, config="prices/config.yaml")
    assert done.returncode == 1, done.stderr
    errors = [line for line in annotated(done.stdout) if line.startswith("::error ")]
    assert (
        errors[0]
        == "::error file=prices/BTC.csv,line=3,title=BTC history::price '100%25, abc' is not a number"
    )
    assert errors[1].startswith("::error file=prices/XMR.csv,line=1,title=XMR history::")


def test_the_action_fails_for_a_warning_only_if_it_is_strict(tmp_path: Path) -> None:
    write_config(tmp_path, "BTC")  # its prices are old
    relaxed = in_a_step("Check the raw files", tmp_path)
    assert relaxed.returncode == 0, relaxed.stderr
    assert any(line.startswith("::warning file=BTC.csv") for line in annotated(relaxed.stdout))
    assert in_a_step("Check the raw files", tmp_path, strict="true").returncode == 1


def test_the_actions_commands_and_inputs_exist(run: CommandLine) -> None:
    assert ACTION["runs"]["using"] == "composite"
    assert set(STEPS) == {"Install cryptoetl", "Check the raw files", "Deploy", "Upload, run and verify"}
    for step in STEPS.values():
        assert step["shell"] == "bash"  # which a composite step must name
        assert "${{" not in step["run"]  # an input in a script could be a command: it comes as a variable
        used = re.findall(r"inputs\.(\w+)", f"{step['env']} {step.get('if', '')}")
        assert set(used) <= set(ACTION["inputs"])
        for command, options in re.findall(r"^ *cryptoetl (\w+)(.*)$", step["run"], re.MULTILINE):
            help_text = run(command, "--help").out
            assert all(option in help_text for option in re.findall(r"--[a-z-]+", options))
    assert "if" not in STEPS["Check the raw files"]
