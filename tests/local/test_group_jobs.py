"""Local job runs of groups: their logs, failures on purpose, and the permits that they share."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.engine import load_script
from cryptoetl.local.glue.jobs import GlueJobs, JobLogHandler, Slots, resolved_options
from cryptoetl.local.step_functions.interpreter import TaskFailed
from cryptoetl.state_machine.bundle import Bundle, Job
from tests.local.conftest import no_sink
from tests.local.scripts import ROOT, script

groups = script("groups")
SCRIPT = """import threading
import groups
log = groups.logger("silver2gold")
def work(args):
    log.info("%s works", args["TICKER"])
    if args["TICKER"] == "BAD":
        raise ValueError("its file is bad")
def main(argv):
    groups.each(argv, "gold", ["TICKER"], work)
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., GlueJobs]:
    """Return a function that makes the job runs of a small script."""
    (tmp_path / "silver2gold.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "groups.py").write_bytes((ROOT / "glue_scripts" / "groups.py").read_bytes())
    for name in ("silver2gold", "groups"):
        log = logging.getLogger(name)
        log.setLevel(logging.INFO)
        log.handlers = [JobLogHandler()]
    glue_runtime.install(no_sink, resolved_options)
    (tmp_path / "logs").mkdir()

    def make(**fail: str) -> GlueJobs:
        job = Job("p-silver2gold", "silver2gold.py", {"--OUTCOMES": (tmp_path / "outcomes").as_uri()})
        modules = {job.script: load_script(tmp_path / job.script)}
        now = datetime.now(UTC)
        return GlueJobs(
            Bundle({}, (job,), {}), modules, tmp_path / "logs", clock=lambda: now, fail=cast(Any, fail)
        )

    return make


def run(made: GlueJobs, *tickers: str) -> Mapping[str, Any]:
    group: list[dict[str, str]] = [{"TICKER": ticker, "FROM": "gold"} if ticker else {} for ticker in tickers]
    return made("p-silver2gold", {"--GROUP": json.dumps(group), "--EXECUTION": "e"})


def outcome(folder: Path, first: str) -> dict[str, Any]:
    return dict(json.loads((folder / "outcomes" / "e" / "gold" / f"{first}.json").read_bytes()))


def test_a_group_has_one_log_with_the_lines_of_each_currency(
    jobs: Callable[..., GlueJobs], tmp_path: Path
) -> None:
    done = run(jobs(), "BTC", "", "BAD")
    assert done["JobRunState"] == "SUCCEEDED"
    found = outcome(tmp_path, "BTC")
    assert found["job_run"] == done["Id"]
    assert [entry["status"] for entry in found["currencies"].values()] == ["SUCCEEDED", "FAILED"]
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["BTC-gold.log"]
    lines = (tmp_path / "logs" / "BTC-gold.log").read_text(encoding="utf-8").splitlines()
    assert [line.partition(" INFO ")[2] for line in lines if "works" in line] == [
        "silver2gold: BTC | BTC works",
        "silver2gold: BAD | BAD works",
    ]
    assert lines[-1].endswith("ERROR groups: BAD | ValueError: its file is bad")
    assert all(" | " in line for line in lines)


def test_a_currency_of_a_group_fails_on_purpose_and_the_others_do_not(
    jobs: Callable[..., GlueJobs], tmp_path: Path
) -> None:
    run(jobs(XMR="gold", BTC="silver"), "BTC", "XMR")
    found = outcome(tmp_path, "BTC")["currencies"]
    assert found["BTC"]["status"] == "SUCCEEDED"
    entry = found["XMR"]
    assert (entry["status"], entry["error"]) == ("FAILED", "RuntimeError")
    assert entry["reason"] == "failed on purpose (--fail XMR:gold)"


def test_a_single_currency_fails_on_purpose(jobs: Callable[..., GlueJobs]) -> None:
    with pytest.raises(TaskFailed) as failure:
        jobs(BTC="gold")("p-silver2gold", {"--TICKER": "BTC"})
    message = json.loads(failure.value.cause)["ErrorMessage"]
    assert message == "RuntimeError: failed on purpose (--fail BTC:gold)"


def test_a_group_that_is_damaged_fails_its_run(jobs: Callable[..., GlueJobs], tmp_path: Path) -> None:
    for text in ("{", "[7]", "[]"):
        with pytest.raises(TaskFailed):
            jobs()("p-silver2gold", {"--GROUP": text, "--EXECUTION": "e"})
    assert not (tmp_path / "outcomes").exists()


def test_permits_are_waited_for_and_given_back() -> None:
    slots = Slots()
    order: list[str] = []
    waiting = threading.Event()

    def all_of_them() -> None:
        waiting.set()
        with slots.taken(slots.most):
            order.append("all")

    with slots.taken(1):
        thread = threading.Thread(target=all_of_them)
        thread.start()
        assert waiting.wait(30)
        with slots.taken(slots.most - 1):
            order.append("one")
        order.append("end")
    thread.join(30)
    assert order == ["one", "end", "all"]
    with pytest.raises(ZeroDivisionError), slots.taken(slots.most):
        1 / 0  # noqa: B018
    with slots.taken(slots.most):
        pass
