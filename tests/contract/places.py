"""One interface to both targets: what a test does to them besides running commands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import duckdb

from cryptoetl.state_machine.bundle import SCRIPTS
from tests.aws.account import Account
from tests.local.cli import Outcome, Project, ended, wait_for, wrapping

STEP_SCRIPTS = {"silver": "bronze2silver", "gold": "silver2gold", "redshift": "redshift-upload"}
Rows = list[tuple[Any, ...]]


class Place(Protocol):
    """A project of BTC and XMR on one of the targets."""

    name: str
    project: Project

    def __call__(self, *arguments: str) -> Outcome:
        """Run a command to its end."""

    def tamper(self, step: str, before: str) -> None:
        """Make the deployed script of a step execute a statement before its work."""

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

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder / "project")
        self.project.add_made("BTC", "XMR")

    def __call__(self, *arguments: str) -> Outcome:
        return self.project.run(*arguments)

    def tamper(self, step: str, before: str) -> None:
        self.project.tamper(SCRIPTS[STEP_SCRIPTS[step]], before)

    def hold(self, ticker: str, step: str) -> None:
        self.project.slow_down(SCRIPTS[STEP_SCRIPTS[step]], ticker)

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

    def __init__(self, account: Account) -> None:
        self.account = account
        self.project = account.project
        self._whole: dict[tuple[str, str], bytes] = {}

    def __call__(self, *arguments: str) -> Outcome:
        return self.account(*arguments)

    def tamper(self, step: str, before: str) -> None:
        location = self.account.job(f"crypto-{STEP_SCRIPTS[step]}")["Command"]["ScriptLocation"]
        bucket, _, key = location.removeprefix("s3://").partition("/")
        body = self.account.object(location)
        self._whole.setdefault((bucket, key), body)
        self._put(bucket, key, body + wrapping(before).encode())

    def hold(self, ticker: str, step: str) -> None:
        self.account.emulator.glue.held[ticker, step] = threading.Event()

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


def rows(execute: Callable[[str], Any], ticker: str) -> Rows:
    try:
        found: Rows = execute(f"SELECT * FROM market_data.{ticker.lower()} ORDER BY date").fetchall()
    except duckdb.CatalogException:
        return []
    return found


__all__ = ["AwsPlace", "LocalPlace", "Outcome", "Place", "ended", "wait_for"]
