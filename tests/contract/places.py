"""One interface to both targets: what a test does to them besides running commands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import duckdb

from cryptoetl.state_machine.bundle import SCRIPTS
from tests.aws.account import Account
from tests.local.cli import Outcome, Project, ended, wait_for

GROUPS = {"currencies_per_run": 2}
"""BTC and XMR share their runs."""
STEP_SCRIPTS = {"silver": "bronze2silver", "gold": "silver2gold", "redshift": "redshift-upload"}
Rows = list[tuple[Any, ...]]


class Place(Protocol):
    """A project of BTC and XMR on one of the targets."""

    name: str
    project: Project

    def __call__(self, *arguments: str) -> Outcome:
        """Run a command to its end."""

    def tamper(self, step: str, before: str) -> None:
        """Make the deployed script of a step execute a statement before its work on each currency.

        `argv` has the currency's arguments.
        """

    def hold(self, ticker: str, step: str) -> None:
        """Make this step of a currency begin and not end for a long time."""

    def restore(self) -> None:
        """Restore the deployed scripts."""

    def table(self, ticker: str) -> Rows:
        """Return the rows of a currency's table by date; none if the table is missing."""

    def raw(self, key: str) -> bytes | None:
        """Return the content of a stored raw file, None if it is missing."""

    def running_jobs(self) -> int:
        """Return how many job runs are running."""


class LocalPlace:
    name = "local"

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.project = Project(folder / "project")
        self.project.add_made("BTC", "XMR")
        self.project.configure(**settings)

    def __call__(self, *arguments: str) -> Outcome:
        return self.project.run(*arguments)

    def tamper(self, step: str, before: str) -> None:
        script = self.project.deployed_script(SCRIPTS[STEP_SCRIPTS[step]])
        script.write_text(script.read_text(encoding="utf-8") + before_each(before), encoding="utf-8")

    def hold(self, ticker: str, step: str) -> None:
        self.tamper(step, f"if {ticker!r} in argv:\n        import time\n        time.sleep(60)")

    def restore(self) -> None:
        assert self("deploy", "--yes").code == 0

    def table(self, ticker: str) -> Rows:
        with duckdb.connect(self.project.home / "warehouse.duckdb", read_only=True) as connection:
            return rows(connection.execute, ticker)

    def raw(self, key: str) -> bytes | None:
        path = self.project.home / "lake" / "raw" / key
        return path.read_bytes() if path.exists() else None

    def running_jobs(self) -> int:
        return 0  # they are threads of the process that runs the execution


class AwsPlace:
    name = "aws"

    def __init__(self, account: Account, **settings: Any) -> None:
        self.account = account
        self.account.top = settings
        self.account.configure()
        self.grouped = bool(settings)
        self.project = account.project
        self._whole: dict[tuple[str, str], bytes] = {}

    def __call__(self, *arguments: str) -> Outcome:
        return self.account(*arguments)

    def tamper(self, step: str, before: str) -> None:
        location = self.account.job(f"crypto-{STEP_SCRIPTS[step]}")["Command"]["ScriptLocation"]
        bucket, _, key = location.removeprefix("s3://").partition("/")
        body = self.account.object(location)
        self._whole.setdefault((bucket, key), body)
        self._put(bucket, key, body + before_each(before).encode())

    def hold(self, ticker: str, step: str) -> None:
        run = "BTC" if self.grouped else ticker  # a run of a group is known by its first currency
        self.account.emulator.glue.held[run, step] = threading.Event()

    def restore(self) -> None:
        for (bucket, key), body in self._whole.items():
            self._put(bucket, key, body)

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        self.account.emulator.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def table(self, ticker: str) -> Rows:
        return rows(self.account.emulator.glue.redshift.cursor().execute, ticker)

    def raw(self, key: str) -> bytes | None:
        try:
            return self.account.object(f"s3://crypto-raw-123456789012-eu-central-1/{key}")
        except self.account.emulator.client("s3").exceptions.ClientError:
            return None

    def running_jobs(self) -> int:
        return len(self.account.emulator.glue.running)


def before_each(statement: str) -> str:
    """Return the end of a script that executes a statement before its work on each currency."""
    return f"""
def _before_each(args, work):
    argv = list(args.values())
    {statement}
    return work(args)

class _Groups:
    def __getattr__(self, name, original=groups):
        return getattr(original, name)

    def each(self, argv, step, options, work, optional=(), original=groups):
        original.each(argv, step, options, lambda args: _before_each(args, work), optional)

groups = _Groups()
"""


def rows(execute: Callable[[str], Any], ticker: str) -> Rows:
    try:
        found: Rows = execute(f"SELECT * FROM market_data.{ticker.lower()} ORDER BY date").fetchall()
    except duckdb.CatalogException:
        return []
    return found


__all__ = ["AwsPlace", "LocalPlace", "Outcome", "Place", "ended", "wait_for"]
