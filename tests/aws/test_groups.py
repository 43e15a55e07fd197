"""Groups of currencies on the emulated account: a Distributed Map, one Glue run per group and step."""

from __future__ import annotations

import json
import threading

import pytest

from tests.aws.account import BUCKET, Account
from tests.aws.notifications import delivered, ended
from tests.local.cli import statuses

TICKERS = [f"C{number}" for number in range(6)]
"""Two groups of three."""


@pytest.fixture
def grouped(account: Account) -> Account:
    for ticker in ("BTC", "XMR"):
        account.remove(ticker)
    account.add(*TICKERS)
    account.top = {"currencies_per_run": 3}
    account.configure()
    account.deploy()
    assert account("upload").code == 0
    return account


def test_a_run_loads_every_currency_with_three_runs_per_group(grouped: Account) -> None:
    plan = grouped("deploy", "--dry-run", "--json").data
    assert plan["changes"] == []
    outcome = grouped("run", "--json")
    assert outcome.code == 0, outcome.err
    assert statuses(outcome.data["execution"]) == dict.fromkeys(TICKERS, "LOADED")
    assert sum(grouped.emulator.glue.starts.values()) == 8  # clean, summary, and 2 × 3 steps
    assert grouped("verify").code == 0
    assert statuses(grouped("status", "--json").data) == dict.fromkeys(TICKERS, "LOADED")
    log = grouped("logs", "C4").out
    assert "C4: " in log
    assert "C3" not in log


def test_a_broken_currency_fails_alone_and_is_retried_alone(grouped: Account) -> None:
    s3, raw = grouped.emulator.client("s3"), BUCKET.format("raw")
    good = s3.get_object(Bucket=raw, Key="C1/history.csv")["Body"].read()
    s3.put_object(Bucket=raw, Key="C1/history.csv", Body=b"Date,Price\nno date,1\n")
    outcome = grouped("run", "--json")
    assert outcome.code == 1
    assert statuses(outcome.data["execution"]) == dict.fromkeys(TICKERS, "LOADED") | {"C1": "FAILED"}
    failed = outcome.data["execution"]["currencies"][1]
    assert (failed["step"], failed["error"]) == ("silver", "ValueError")
    assert failed["reason"].endswith("C1/history.csv line 2 is not in the plain form: run `cryptoetl upload`")
    s3.put_object(Bucket=raw, Key="C1/history.csv", Body=good)
    grouped.emulator.glue.starts.clear()
    again = grouped("run", "--retry-failed", "--json")
    assert again.code == 0, again.err
    assert statuses(again.data["execution"])["C1"] == "LOADED"
    assert statuses(again.data["execution"])["C2"] == "SKIPPED"


def test_recipients_are_notified_of_an_execution_that_loads_some_currencies(grouped: Account) -> None:
    grouped.configure(notify={"emails": ["ops@example.com"]})
    grouped.deploy()
    dying, executions = grouped.emulator.glue.dying, grouped.emulator.map_runs.executions

    def mails() -> list[str]:
        """The messages for the end of a run."""
        grouped("run")
        *_, last = (execution for execution in executions.values() if execution.map_run is None)
        return delivered(grouped.emulator.client, ended(status=last.status, output=last.output))

    assert mails() == []
    dying.add(("C0", "gold"))
    (message,) = mails()
    assert message.startswith("crypto: execution monday loaded some currencies, but not all.")
    dying.add(("C3", "gold"))
    (message,) = mails()
    assert message.startswith("crypto: execution monday ended FAILED.")


def test_a_run_that_dies_fails_its_group_at_that_step(grouped: Account) -> None:
    grouped.emulator.glue.dying.add(("C0", "gold"))
    outcome = grouped("run", "--json")
    assert outcome.code == 1
    found = outcome.data["execution"]["currencies"]
    assert [(item["status"], item["step"]) for item in found[:3]] == [("FAILED", "gold")] * 3
    assert [item["status"] for item in found[3:]] == ["LOADED"] * 3
    assert "the run of its group failed: the worker was lost" in found[0]["reason"]
    grouped.emulator.glue.dying.clear()
    again = grouped("run", "--retry-failed", "--json")
    assert again.code == 0, again.err
    assert [step["status"] for step in again.data["execution"]["currencies"][0]["steps"]] == [
        "PENDING", "SUCCEEDED", "SUCCEEDED",
    ]  # fmt: skip


def test_stop_leaves_no_child_and_no_job_run(grouped: Account) -> None:
    held = threading.Event()
    grouped.emulator.glue.held |= {("C0", "gold"): held, ("C3", "silver"): held}
    started = grouped("run", "--detach", "--json")
    assert started.code == 0, started.err
    glue, map_runs = grouped.emulator.glue, grouped.emulator.map_runs
    for _ in range(600):
        if {("C0", "gold"), ("C3", "silver")} <= set(glue.running):
            break
        threading.Event().wait(0.1)
    stopped = grouped("stop", "--json")
    assert stopped.code == 0, stopped.err
    assert glue.running == []
    assert [child.status for child in map_runs.executions.values() if child.status == "RUNNING"] == []
    assert set(statuses(stopped.data["execution"]).values()) == {"ABORTED"}
    assert grouped("status").code == 1


def test_a_running_currency_is_not_run_twice(grouped: Account) -> None:
    held = threading.Event()
    grouped.emulator.glue.held[("C0", "silver")] = held
    assert grouped("run", "--detach", "--tickers", "C0,C1").code == 0
    refused = grouped("run", "--tickers", "C1,C2")
    assert refused.code == 2
    assert "is running C1" in refused.err
    held.set()


def test_the_machine_goes_from_branches_to_groups_and_back(account: Account) -> None:
    account.deploy()
    account.top = {"currencies_per_run": 2}
    account.configure()
    plan = account("deploy", "--dry-run")
    assert "change state machine currencies per run  (1 → 2)" in plan.out
    account.deploy()
    assert "crypto-summarize" in account.jobs()
    assert account("upload").code == 0
    assert account("run").code == 0
    account.top = {}
    account.configure()
    account.deploy()
    assert "crypto-summarize" not in account.jobs()
    assert account("run").code == 0


def test_a_schedule_can_leave_out_what_has_not_changed(grouped: Account) -> None:
    grouped.configure(schedule="rate(1 day)", schedule_changed=True)
    grouped.deploy()
    schedule = grouped.emulator.client("scheduler").get_schedule(Name="crypto")
    assert json.loads(schedule["Target"]["Input"]) == {"changed": True}
    assert grouped("run").code == 0
    states = grouped.emulator.client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    raw = BUCKET.format("raw")
    s3 = grouped.emulator.client("s3")
    body = s3.get_object(Bucket=raw, Key="C2/history.csv")["Body"].read()
    s3.put_object(Bucket=raw, Key="C2/history.csv", Body=body + b"2031-01-01,1\n")
    execution = states.start_execution(
        stateMachineArn=machine["stateMachineArn"], name="scheduled", input='{"changed":true}'
    )["executionArn"]
    for _ in range(600):
        if states.describe_execution(executionArn=execution)["status"] != "RUNNING":
            break
        threading.Event().wait(0.1)
    found = grouped("status", "scheduled", "--json")
    assert found.code == 0, found.out
    assert {t for t, status in statuses(found.data).items() if status == "LOADED"} == {"C2"}
    assert statuses(found.data)["C0"] == "SKIPPED"


def test_a_new_schema_forgets_what_was_loaded_into_another(account: Account) -> None:
    account.deploy()
    s3, gold = account.emulator.client("s3"), BUCKET.format("gold")
    s3.put_object(Bucket=gold, Key="_loaded/BTC/a-mark")
    s3.put_object(Bucket=gold, Key="BTC/part-0.parquet")
    assert account("destroy", "--yes").code == 0
    account.emulator.redshift.workgroups["my-etl-workgroup"]["crypto"].discard("market_data")
    account.deploy()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=gold)["Contents"]] == ["BTC/part-0.parquet"]
