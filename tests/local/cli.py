"""The command line from a user's side: a folder with files and a configuration, one process per command."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests import json_objects, preloaded
from tests.conftest import CACHE

REPOSITORY = Path(__file__).parents[2]
SECONDS = 120.0
"""Seconds after which a command is considered to hang."""
LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write then fails with EFBIG instead of a signal
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a command that cannot write larger files. `preexec_fn` is not used: between fork and exec, the gRPC
threads of the test's own engine would run in the child and abort it when their files are closed."""

SERVER = preloaded.Server()
PER_PROCESS = {"LANG", "LC_ALL", "PYTHONIOENCODING", "PYTHONPATH", "PATH"}
"""Environment variables that only take effect when a process starts."""


@dataclass(frozen=True)
class Outcome:
    """The result of a command. Its output must not contain a traceback, unless the command prints a log."""

    code: int
    out: str
    err: str
    of_a_log: bool = False

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err + ("" if self.of_a_log else self.out), self.out + self.err

    @property
    def data(self) -> Any:
        """Return the document that `--json` printed, validated against its schema."""
        return json_objects.parsed(self.out, self.code)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the objects that `--json` printed one a line, validated against their schemas."""
        return json_objects.lines(self.out)


class Project:
    """A user's folder with raw files, config.yaml and the home."""

    def __init__(self, folder: Path, home: str = "home") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.home = folder / home
        self._home_setting = home
        self._currencies: list[dict[str, Any]] = []

    def add(self, ticker: str, history: Path, trend: Path, **settings: Any) -> None:
        """Add a currency to the configuration, by default with `drop: false`."""
        self.add_alike([ticker], history, trend, **settings)

    def add_alike(self, tickers: Iterable[str], history: Path, trend: Path, **settings: Any) -> None:
        """Add currencies that share their files and settings."""
        files = {"history": str(history), "trend": str(trend), "drop": False}
        self._currencies += [{"ticker": ticker} | files | settings for ticker in tickers]
        self.configure()

    def add_made(self, *tickers: str, days: int = 30) -> None:
        """Add currencies with valid files, `<ticker>.csv` and `<ticker>_trend.csv`."""
        for ticker in tickers:
            history, trend = self.folder / f"{ticker}.csv", self.folder / f"{ticker}_trend.csv"
            write_history(history, days)
            write_trend(trend)
            self.add(ticker, history, trend)

    def remove(self, *tickers: str) -> None:
        """Remove currencies from the configuration; their files stay."""
        self._currencies = [currency for currency in self._currencies if currency["ticker"] not in tickers]
        self.configure()

    def configure(self, **others: Any) -> None:
        """Write the configuration; `others` are more keys of its top level."""
        config = {"local": {"home": self._home_setting}, "currencies": self._currencies} | others
        text = yaml.dump(config, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, stdin: str = "", biggest_file: int | None = None, **env: str) -> Outcome:
        """Run a command; `biggest_file` limits the bytes of each file it writes, to simulate a full disk."""
        if biggest_file is None and not PER_PROCESS & env.keys():
            done = SERVER.run(
                arguments, folder=self.folder, environment=environment(env), stdin=stdin, seconds=SECONDS
            )
            return Outcome(*done, of_a_log="logs" in arguments)
        limit = [sys.executable, "-c", LIMITED, str(biggest_file)] if biggest_file is not None else []
        process = subprocess.run(
            [*limit, *self.command(*arguments)],
            cwd=self.folder,
            env=environment(env),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        return Outcome(process.returncode, process.stdout, process.stderr, of_a_log="logs" in arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in its own process group; `ended` returns its Outcome."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cryptoetl", *arguments]

    def table(self, ticker: str) -> list[dict[str, Any]]:
        """Return all rows of the currency's table by date."""
        sql = f'SELECT * FROM market_data."{ticker.lower()}" ORDER BY date'
        answer = self.run("query", sql, "--limit", "100000", "--json")
        assert answer.code == 0, answer.err
        rows: list[dict[str, Any]] = answer.data["rows"]
        return rows

    def currencies(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Return the output of `status` for each currency."""
        return by_ticker(self.run("status", *arguments, "--json").data)

    def deployed_script(self, name: str) -> Path:
        return self.home / "deployed" / "scripts" / name

    def slow_down(self, script: str, ticker: str) -> None:
        """Make the deployed copy of a script sleep for a minute before it works on a currency."""
        self.tamper(script, f"if {ticker!r} in argv:\n        import time\n        time.sleep(60)")

    @contextmanager
    def paused(self, script: str, ticker: str) -> Iterator[Callable[[], None]]:
        """Make the deployed copy of a script wait, before it works on a currency, until it is released.

        Yields the function that releases it; the end of the block releases it, too.
        """
        mark = self.folder / f"paused {script}"
        mark.touch()
        self.tamper(
            script,
            f"import pathlib, time\n    while {ticker!r} in argv and pathlib.Path({str(mark)!r}).exists():"
            "\n        time.sleep(0.02)",
        )
        release = partial(mark.unlink, missing_ok=True)
        try:
            yield release
        finally:
            release()

    def tamper(self, script: str, before: str = "pass", after: str = "pass") -> None:
        """Insert code before or after the work of the deployed copy of a script."""
        with self.deployed_script(script).open("a", encoding="utf-8") as file:
            file.write(wrapping(before, after))


def wrapping(before: str = "pass", after: str = "pass") -> str:
    """Return the end of a script that runs code before or after its work."""
    return f"\ndef main(argv, original=main):\n    {before}\n    original(argv)\n    {after}\n"


def by_ticker(execution: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the currencies of an execution's JSON by ticker."""
    return {currency["ticker"]: currency for currency in execution["currencies"]}


def statuses(execution: Mapping[str, Any]) -> dict[str, str]:
    return {ticker: currency["status"] for ticker, currency in by_ticker(execution).items()}


def ended(process: subprocess.Popen[str], seconds: float = SECONDS) -> Outcome:
    """Wait for a started command; one that does not end is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return Outcome(process.returncode, out, err)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until the condition is true. Raises AssertionError after `seconds`."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"{what}: not within {seconds} seconds"
        time.sleep(0.02)


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without variables that configure cryptoetl, and with `changes`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRYPTOETL", "SPARK", "PYTEST"))}
    kept[CACHE] = os.environ[CACHE]
    return {**kept, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", **changes}


# --- raw files ----------------------------------------------------------------------------------------

FIRST_DAY = date(2024, 1, 1)


def write_history(
    path: Path, days: int = 30, *, price: float = 100.0, broken_line: int | None = None
) -> None:
    """Write daily prices, newest first: `price` on FIRST_DAY, one more each day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ['"Date","Price","Vol."']
    for number in reversed(range(days)):
        day = FIRST_DAY + timedelta(number)
        lines.append(f'"{day:%m/%d/%Y}","{price + number:,.1f}","1K"')
    if broken_line is not None:
        lines[broken_line - 1] = '"01/02/2024","abc","1K"'
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_trend(path: Path, weeks: int = 5) -> None:
    """Write weekly values in the format of Google Trends, from the Sunday after FIRST_DAY."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sunday = FIRST_DAY + timedelta(6 - FIRST_DAY.weekday())
    lines = ["Category: All categories", "", "Week,something: (Worldwide)"]
    lines += [f"{sunday + timedelta(7 * week)},{10 * week}" for week in range(weeks)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def files_below(folder: Path, *names: str) -> dict[str, tuple[int, bytes]]:
    """Return the modification time and content of every file in the named parts of a folder."""
    paths: Iterable[Path] = (path for name in names for path in (folder / name).rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(paths)}
