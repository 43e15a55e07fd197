"""Many groups on the emulated account: what happens to one happens to no other.

Three groups of 5; with CRYPTOETL_EXHAUSTIVE 600 currencies in 24 groups of 25, which takes eight minutes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.account import BUCKET, Account
from tests.aws.conftest import isolate
from tests.aws.emulator import running
from tests.local import cli
from tests.local.cli import statuses

SIZE, GROUPS = (25, 24) if os.environ.get("CRYPTOETL_EXHAUSTIVE") else (5, 3)
TICKERS = [f"C{number}" for number in range(SIZE * GROUPS)]
LOADED = dict.fromkeys(TICKERS, "LOADED")
STEPS = ("silver", "gold", "redshift")
HISTORY = BUCKET.format("raw"), "{}/history.csv"


def group(number: int) -> list[str]:
    return TICKERS[number * SIZE : (number + 1) * SIZE]


@pytest.fixture(scope="module")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, dict[str, str]]]:
    """An account in which the currencies are uploaded and deployed, and the environment that it needs."""
    folder = tmp_path_factory.mktemp("groups")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        patch.setattr(cli, "SECONDS", 600.0)
        with running(patch, folder) as emulator:
            patch.setenv("AWS_ENDPOINT_URL", emulator.url)
            emulator.connection()
            account = Account(emulator, folder / "project")
            account.project.remove("BTC", "XMR")
            account.add(*TICKERS)
            account.top = {"currencies_per_run": SIZE}
            account.configure()
            account.deploy()
            assert account("upload").code == 0
            yield account, {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}


@pytest.fixture
def account(uploaded: tuple[Account, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Account:
    account, environment = uploaded
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    account.emulator.glue.starts.clear()
    return account


def failed(data: Any) -> dict[str, str]:
    """The step at which each failed currency failed."""
    return {item["ticker"]: item["step"] for item in data["currencies"] if item["status"] == "FAILED"}


def retried(account: Account, tickers: set[str]) -> None:
    """Retry what failed, which loads these currencies and no other."""
    again = account("run", "--retry-failed", "--json")
    assert again.code == 0, again.err
    found = statuses(again.data["execution"])
    assert {ticker for ticker, status in found.items() if status == "LOADED"} == tickers
    assert {status for ticker, status in found.items() if ticker not in tickers} <= {"SKIPPED"}


def test_all_are_loaded_by_three_runs_of_each_group(account: Account) -> None:
    outcome = account("run", "--json")
    assert outcome.code == 0, outcome.err
    assert statuses(outcome.data["execution"]) == LOADED
    assert sum(account.emulator.glue.starts.values()) == 3 * GROUPS + 2  # the cleaning and the summary
    verified = account("verify", "--json")
    assert verified.code == 0
    assert len(verified.data["tables"]) == len(TICKERS)


def test_a_broken_currency_of_each_group_fails_alone(account: Account) -> None:
    s3, (bucket, key) = account.emulator.client("s3"), HISTORY
    broken = {group(number)[number % SIZE] for number in range(GROUPS)}
    good = {t: s3.get_object(Bucket=bucket, Key=key.format(t))["Body"].read() for t in broken}
    for ticker in broken:
        s3.put_object(Bucket=bucket, Key=key.format(ticker), Body=b"Date,Price\nno date,1\n")
    outcome = account("run", "--json")
    assert outcome.code == 1
    assert statuses(outcome.data["execution"]) == LOADED | dict.fromkeys(broken, "FAILED")
    assert failed(outcome.data["execution"]) == dict.fromkeys(broken, "silver")
    for ticker, content in good.items():
        s3.put_object(Bucket=bucket, Key=key.format(ticker), Body=content)
    retried(account, broken)


def test_a_run_that_dies_at_a_step_fails_its_group_at_that_step(account: Account) -> None:
    dying = account.emulator.glue.dying
    dying |= {(group(number)[0], step) for number, step in enumerate(STEPS)}
    outcome = account("run", "--json")
    assert outcome.code == 1
    dead = {ticker: step for number, step in enumerate(STEPS) for ticker in group(number)}
    assert failed(outcome.data["execution"]) == dead
    assert statuses(outcome.data["execution"]) == LOADED | dict.fromkeys(dead, "FAILED")
    dying.clear()
    retried(account, set(dead))


def test_a_stop_in_the_middle_leaves_no_child_and_no_job_run(account: Account) -> None:
    glue, held = account.emulator.glue, threading.Event()
    waiting = {(group(number)[0], step) for number, step in enumerate(STEPS)}
    glue.held |= dict.fromkeys(waiting, held)
    started = account("run", "--detach", "--json")
    assert started.code == 0, started.err
    for _ in range(3000):
        if waiting <= set(glue.running):
            break
        threading.Event().wait(0.1)
    assert waiting <= set(glue.running)
    stopped = account("stop", "--json")
    glue.held.clear()
    assert stopped.code == 0, stopped.err
    assert glue.running == []
    children = account.emulator.map_runs.executions.values()
    assert [child.arn for child in children if child.status == "RUNNING"] == []
    found = statuses(stopped.data["execution"])
    halted = {ticker for number in range(len(STEPS)) for ticker in group(number)}
    assert {found[ticker] for ticker in halted} == {"ABORTED"}
    retried(account, {ticker for ticker, status in found.items() if status == "ABORTED"})
