"""Measured processes: commands of cryptoetl and the scripts of `by_hand`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.synthetic import Currency

BENCHMARKS = Path(__file__).parent
REPOSITORY = BENCHMARKS.parent


class Run(NamedTuple):
    """The figures of a whole process."""

    seconds: float
    peak_mb: float


def measure(command: Sequence[str | Path], output: Path) -> Run:
    """Run a command with its standard output in a file. Raises RuntimeError if it fails.

    The memory is that of the largest process, if the command starts others and waits for them.
    """
    errors = output.with_suffix(".err")
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "CRYPTOETL_CACHE": str(output.with_suffix(".cache")),
    }
    started = time.perf_counter()
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        written = output.read_text(errors="replace") + errors.read_text(errors="replace")
        raise RuntimeError(f"{command} failed:\n{written[-3000:]}")
    return Run(seconds, usage.ru_maxrss / 1024)


class Project:
    """A configuration of some currencies and an empty home in the same folder."""

    def __init__(self, folder: Path, currencies: Sequence[Currency]) -> None:
        folder.mkdir()
        self.folder = folder
        self.home = folder / "home"
        content = {
            "local": {"home": self.home.name},
            "currencies": [currency.for_config() for currency in currencies],
        }
        (folder / "config.yaml").write_text(json.dumps(content), encoding="utf-8")

    def run(self, *arguments: str) -> Run:
        """Run a command of cryptoetl."""
        config = self.folder / "config.yaml"
        command = [sys.executable, "-m", "cryptoetl", *arguments, "-c", str(config)]
        return measure(command, self.output(arguments[0]))

    def output(self, command: str) -> Path:
        """Return the file with the command's standard output."""
        return self.folder / f"{command}.out"

    def execution_seconds(self) -> float:
        """Return the duration of the execution that `status --json` printed."""
        execution = json.loads(self.output("status").read_text(encoding="utf-8"))
        started, ended = (datetime.fromisoformat(execution[moment]) for moment in ("started", "ended"))
        return (ended - started).total_seconds()


def by_hand(folder: Path, script: str, python: str, currencies: Sequence[Currency]) -> Run:
    """Run a script of `by_hand`, which writes to a folder of the same name."""
    given = folder / "currencies.json"
    given.write_text(json.dumps([currency.for_scripts() for currency in currencies]), encoding="utf-8")
    program = BENCHMARKS / "by_hand" / f"{script}.py"
    return measure([python, program, given, folder / script], folder / f"{script}.out")
