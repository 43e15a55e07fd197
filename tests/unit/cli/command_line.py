"""The command line in this process, over a target in memory: what the tests of commands share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cryptoetl.cli import app
from cryptoetl.cli.session import Session
from cryptoetl.config.models import Config
from cryptoetl.target import Target
from tests import json_objects
from tests.conftest import CACHE
from tests.fakes import Fakes
from tests.unit.made import write_config

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What was printed as JSON."""
        return json_objects.parsed(self.out, self.code)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The objects that were printed one a line."""
        return json_objects.lines(self.out)


class CommandLine:
    """Runs commands in this process, in a folder of their own, over a target in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fakes = Fakes()
        self.targets: list[str] = []

    def target(self, session: Session, config: Config) -> Target:
        self.targets.append(config.target)
        return self.fakes.target

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> Ended:
        done = CliRunner().invoke(app, list(arguments), input=stdin, env=env)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Ended(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in os.environ:
        if name.startswith("CRYPTOETL") and name != CACHE:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    line = CommandLine(tmp_path)
    monkeypatch.setattr(Session, "target", lambda session, config: line.target(session, config))
    return line


@pytest.fixture
def config(run: CommandLine) -> Path:
    return write_config(run.folder, "BTC", "XMR")
