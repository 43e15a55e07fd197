"""upload, run, status and stop through the real command line: what only AWS has, and its faults."""

from __future__ import annotations

import json
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest

from tests.aws.account import BUCKET, Account
from tests.aws.emulator import Fault
from tests.conftest import DATA
from tests.contract.places import rows
from tests.local.cli import Project, by_ticker, ended, statuses, wait_for, write_history

RAW = BUCKET.format("raw")
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:crypto"


@pytest.fixture
def ready(account: Account) -> Account:
    """Deployed and uploaded."""
    account.deploy()
    outcome = account("upload")
    assert outcome.code == 0, outcome.err
    account.emulator.calls.clear()
    return account


def start(account: Account, name: str, input_json: str = "{}") -> str:
    """Start an execution without cryptoetl."""
    states = account.emulator.client("stepfunctions")
    started = states.start_execution(stateMachineArn=MACHINE, name=name, input=input_json)
    arn: str = started["executionArn"]
    return arn


def hold(account: Account, ticker: str, step: str) -> threading.Event:
    """Hold this step of a currency after its begin, until the event is set."""
    event = account.emulator.glue.held[ticker, step] = threading.Event()
    return event


def held(account: Account, ticker: str, step: str) -> None:
    """Wait until the step has begun."""
    wait_for(lambda: (ticker, step) in account.emulator.glue.running, f"{ticker} at {step}")


# --- upload -------------------------------------------------------------------------------------------


def test_an_upload_needs_the_bucket_that_a_deploy_makes(account: Account) -> None:
    outcome = account("upload")
    assert outcome.code == 2
    assert f"the bucket {RAW} does not exist" in outcome.err
    assert "`cryptoetl deploy` creates it" in outcome.err


def test_an_upload_is_a_listing_and_a_put_for_each_file_and_only_a_listing_the_second_time(
    account: Account,
) -> None:
    account.deploy()
    counts = []
    for _ in range(2):
        account.emulator.calls.clear()
        assert account("upload").code == 0
        counts.append(Counter(call.partition(" ")[0] for call in account.emulator.calls))
    assert counts == [{"GetCallerIdentity": 1, "Get": 1, "Put": 8}, {"GetCallerIdentity": 1, "Get": 1}]


def test_an_overwritten_raw_file_can_be_restored(ready: Account) -> None:
    before = (ready.project.folder / "BTC.csv").read_bytes()
    write_history(ready.project.folder / "BTC.csv", 40)
    assert ready("upload").code == 0
    s3 = ready.emulator.client("s3")
    versions = s3.list_object_versions(Bucket=RAW, Prefix="BTC/source/history")["Versions"]
    old = next(version["VersionId"] for version in versions if not version["IsLatest"])
    assert s3.get_object(Bucket=RAW, Key="BTC/source/history", VersionId=old)["Body"].read() == before


def test_a_file_from_another_tool_is_replaced(ready: Account) -> None:
    body = bytes(reversed((ready.project.folder / "BTC.csv").read_bytes()))  # of the same size
    ready.emulator.client("s3").put_object(
        Bucket=RAW, Key="BTC/history.csv", Body=body, ChecksumAlgorithm="CRC32"
    )
    files = ready("upload", "--json").data["files"]
    assert [(f["ticker"], f["kind"]) for f in files if f["action"] == "uploaded"] == [("BTC", "history")]


def test_a_partial_upload_is_reported_and_completed_by_the_next_one(ready: Account) -> None:
    write_history(ready.project.folder / "BTC.csv", 40)
    trend = ready.project.folder / "BTC_trend.csv"
    trend.write_text(trend.read_text() + "2024-02-11,50\n")
    denied = f"Put /{RAW}/BTC/trend.csv"
    ready.emulator.denied[denied] = ("AccessDenied", "Access Denied")
    outcome = ready("upload")
    assert outcome.code == 2
    assert "warning: BTC: its history file is uploaded and its trend file is not" in outcome.err
    assert f"not allowed to do s3:PutObject on s3://{RAW}/BTC/trend.csv" in outcome.err
    del ready.emulator.denied[denied]
    files = ready("upload", "--json").data["files"]
    assert [(f["ticker"], f["kind"]) for f in files if f["action"] == "uploaded"] == [("BTC", "trend")]


# --- run ----------------------------------------------------------------------------------------------


def test_the_tables_of_the_reference_equal_the_local_ones_to_the_last_digit(
    account: Account, tmp_path: Path
) -> None:
    local = Project(tmp_path / "local")
    account.project.remove("BTC", "XMR")
    for ticker, drop in (("LTC", False), ("XMR", True)):
        raw = DATA / "reference" / "raw"
        for project in (local, account.project):
            project.add(ticker, raw / f"{ticker} hist.csv", raw / f"trend_{ticker}.csv", drop=drop)
    account.configure()
    assert local.run("up").code == 0
    loaded = account("up", "--yes")
    assert loaded.code == 0, loaded.err
    assert "2 tables equal gold" in loaded.out
    assert account("status").code == account("verify").code == 0
    counted = account("query", "SELECT COUNT(*) AS days FROM market_data.ltc", "--json")
    assert counted.data["rows"] == [{"days": len(local.table("LTC"))}]
    for ticker in ("LTC", "XMR"):
        with duckdb.connect(local.home / "warehouse.duckdb", read_only=True) as warehouse:
            expected = rows(warehouse.execute, ticker)
        assert len(expected) > 400
        assert rows(account.emulator.glue.redshift.cursor().execute, ticker) == expected


def test_a_run_warns_of_settings_that_are_not_deployed_and_names_its_page(ready: Account) -> None:
    ready.configure(glue={"workers": 5})
    outcome = ready("run", "--json")
    jobs = ", ".join(f"job crypto-{job}" for job in ("bronze2silver", "silver2gold", "redshift-upload"))
    assert f"differ from what is deployed ({jobs}): this run uses what is deployed" in outcome.err
    execution = outcome.data["execution"]
    assert execution["link"].endswith(f"{MACHINE.replace('stateMachine', 'execution')}:{execution['name']}")
    assert execution["link"].startswith("https://eu-central-1.console.aws.amazon.com/states/home")


def test_fifty_currencies_load_through_five_slots_and_throttling_with_few_calls(account: Account) -> None:
    history, trend = account.project.folder / "BTC.csv", account.project.folder / "BTC_trend.csv"
    account.project.add_alike([f"COIN{number}" for number in range(48)], history, trend)
    account.configure(glue={"max_concurrent_runs": 5, "queuing": False})
    account.deploy()
    assert account("upload").code == 0
    chance = random.Random(5)
    account.emulator.glue.throttled = lambda: chance.random() < 0.3
    account.emulator.calls.clear()
    began = time.monotonic()
    outcome = ended(account.project.start("run", "--json"), 300)
    minutes = (time.monotonic() - began) / 60
    assert outcome.code == 0, outcome.err
    assert set(statuses(outcome.data["execution"]).values()) == {"LOADED"}
    assert len(outcome.data["execution"]["currencies"]) == 50
    glue = account.emulator.glue
    assert max(glue.most.values()) == 5
    assert {key: count for key, count in glue.starts.items() if count != 1} == {}
    watching = Counter(account.emulator.calls)["GetExecutionHistory"]
    looks = 4 + minutes * 12  # as AwsExecutions.pauses has it
    pages = 50 * 100 / 200  # a currency makes up to 100 events, with its retries; 200 are a page
    assert watching <= looks + pages + 2


def test_more_currencies_than_may_run_at_once_wait_in_glues_queue_and_none_is_refused(
    account: Account,
) -> None:
    account.add("ETH", "LTC")
    account.configure(glue={"max_concurrent_runs": 1})
    account.deploy()
    assert account("upload").code == 0
    outcome = account("run", "--json")
    assert outcome.code == 0, outcome.err
    glue = account.emulator.glue
    assert max(glue.most.values()) == 1
    assert set(glue.starts.values()) == {1}
    assert len(glue.waited) >= 3
    steps = [step for currency in outcome.data["execution"]["currencies"] for step in currency["steps"]]
    assert {step["retries"] for step in steps} == {0}


def test_a_load_that_loses_rows_fails_with_the_sentence_of_the_row_check(ready: Account) -> None:
    ready.emulator.glue.lost = 1
    assert ready("run", "--tickers", "BTC").code == 1
    failed = by_ticker(ready("status", "--json").data)["BTC"]
    assert failed["step"] == "redshift"
    assert re.fullmatch("the table would hold [0-9]+ rows and gold has [0-9]+", failed["reason"])


def test_a_detached_run_prints_how_to_follow_it(ready: Account) -> None:
    outcome = ready("run", "--detach")
    assert outcome.code == 0
    assert "continues in AWS" in outcome.out
    watched = ready("status", "--watch", "--json")
    assert watched.code == 0
    *_, last = watched.lines
    assert last["name"] in outcome.out
    assert statuses(last) == {"BTC": "LOADED", "XMR": "LOADED"}


def test_ctrl_c_stops_watching_and_nothing_else(ready: Account) -> None:
    event = hold(ready, "XMR", "gold")
    run = ready.project.start("run")
    held(ready, "XMR", "gold")
    run.send_signal(signal.SIGINT)
    outcome = ended(run)
    assert outcome.code == 130
    assert "continues in AWS: `cryptoetl status 2" in outcome.err
    event.set()
    assert statuses(ready("status", "--watch", "--json").lines[-1])["XMR"] == "LOADED"


def test_a_second_run_of_the_same_currencies_is_refused_and_of_others_it_is_not(ready: Account) -> None:
    event = hold(ready, "XMR", "gold")
    first = ready("run", "--tickers", "XMR", "--detach", "--json").data["execution"]["name"]
    refused = ready("run")
    assert refused.code == 2
    assert f"execution {first} is running XMR" in refused.err
    assert f"cryptoetl stop {first}" in refused.err
    assert ready("run", "--tickers", "BTC").code == 0
    event.set()


def test_an_execution_that_the_console_started_runs_every_currency(ready: Account) -> None:
    event = hold(ready, "XMR", "gold")
    start(ready, "from-the-console", '{"Comment": "Insert your JSON here"}')
    assert "execution from-the-console is running BTC" in ready("run", "--tickers", "BTC").err
    event.set()
    watched = ready("status", "from-the-console", "--watch", "--json")
    assert statuses(watched.lines[-1]) == {"BTC": "LOADED", "XMR": "LOADED"}


def test_a_machine_that_was_changed_outside_of_cryptoetl_does_not_run(ready: Account) -> None:
    machine = ready.machine() | {"Comment": "changed in the console"}
    ready.emulator.client("stepfunctions").update_state_machine(
        stateMachineArn=MACHINE, definition=json.dumps(machine)
    )
    outcome = ready("run")
    assert outcome.code == 2
    assert "the state machine crypto is not the one that was deployed" in outcome.err
    assert "aws stepfunctions update-state-machine" in outcome.err
    assert "StartExecution" not in ready.emulator.calls


def test_a_deleted_job_fails_its_step_by_name(ready: Account) -> None:
    ready.emulator.client("glue").delete_job(JobName="crypto-silver2gold")
    outcome = ready("run", "--json")
    assert outcome.code == 1
    failed = by_ticker(outcome.data["execution"])["BTC"]
    assert (failed["step"], failed["error"]) == ("gold", "Glue.EntityNotFoundException")


def test_a_run_that_glue_stopped_is_a_failure(ready: Account) -> None:
    hold(ready, "XMR", "gold")
    ready("run", "--detach")
    held(ready, "XMR", "gold")
    (run,) = [run for run in ready.emulator.glue.runs.values() if run.key == ("XMR", "gold")]
    ready.emulator.glue.batch_stop({"JobName": "crypto-silver2gold", "JobRunIds": [run.id]})
    outcome = ready("status", "--watch", "--json")
    assert outcome.code == 1
    failed = by_ticker(outcome.lines[-1])["XMR"]
    assert (failed["step"], failed["reason"]) == ("gold", "the job run was stopped")


def test_a_verbose_status_names_the_runs_and_what_they_cost(ready: Account) -> None:
    data = ready("run", "--json").data["execution"]
    gold = by_ticker(data)["BTC"]["steps"][1]
    assert gold["job_run_id"].startswith("jr_")
    assert gold["dpu_seconds"] == 120.0  # two workers, a minute at least
    shown = ready("status", "--verbose").out
    assert f"BTC gold {gold['job_run_id']}  120 DPU-seconds, about $0.0103" in shown


# --- stop ---------------------------------------------------------------------------------------------


def test_a_stop_ends_every_glue_run(ready: Account) -> None:
    hold(ready, "XMR", "gold")
    hold(ready, "BTC", "silver")
    ready("run", "--detach")
    held(ready, "XMR", "gold")
    outcome = ready("stop")
    assert outcome.code == 0
    assert ready.emulator.glue.running == []
    assert ready.emulator.calls.count("BatchStopJobRun") == 2
    status = ready("status", "--json")
    assert status.data["status"] == "ABORTED"
    steps = {ticker: c["step"] for ticker, c in by_ticker(status.data).items()}
    assert steps == {"BTC": "silver", "XMR": "gold"}


def test_a_stop_that_may_not_stop_glue_reports_the_running_job(ready: Account) -> None:
    hold(ready, "XMR", "gold")
    ready("run", "--detach")
    held(ready, "XMR", "gold")
    ready.emulator.denied["BatchStopJobRun"] = ("AccessDeniedException", "User: me is not authorized")
    outcome = ready("stop")
    assert outcome.code == 1
    assert "goes on crypto-silver2gold of XMR (jr_" in outcome.out
    assert "not allowed to do glue:BatchStopJobRun" in outcome.out


# --- faults -------------------------------------------------------------------------------------------


class Once:
    """Fails the first call of each operation."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.failed: set[str] = set()

    def __call__(self, operation: str) -> Fault | None:
        if operation in self.failed:
            return None
        self.failed.add(operation)
        return self.fault


@pytest.mark.parametrize("fault", ["throttled", "500", "dropped", "unheard", "silent"])
def test_a_call_that_fails_once_is_retried_and_nothing_happens_twice(ready: Account, fault: Fault) -> None:
    write_history(ready.project.folder / "BTC.csv", 40)
    # A busy machine may answer late: only calls that are never answered need a short timeout.
    timeout = {"CRYPTOETL_READ_TIMEOUT": "2"} if fault == "silent" else {}
    for command in (["upload"], ["run"], ["status"], ["stop"]):
        ready.emulator.fault = Once(fault)
        outcome = ready(*command, **timeout)
        assert outcome.code == 0, (command, outcome.err)
    ready.emulator.fault = lambda operation: None
    assert set(ready.emulator.glue.starts.values()) == {1}
    states = ready.emulator.client("stepfunctions")
    assert len(states.list_executions(stateMachineArn=MACHINE)["executions"]) == 1


def operations(account: Account, *command: str) -> Iterator[str]:
    """Yield each operation that the command calls."""
    account.emulator.calls.clear()
    account(*command)
    yield from dict.fromkeys(account.emulator.calls)


def denying(operation: str, called: str) -> Fault | None:
    return "denied" if called == operation else None


def test_every_denied_action_is_named(ready: Account) -> None:
    commands = (["upload"], ["run"], ["status"], ["stop"])
    for command in commands:
        ready(
            "status", "--watch"
        )  # what is still running would be stopped by the first `stop`, and by no other
        if command == ["upload"]:
            write_history(ready.project.folder / "BTC.csv", 40)
        for number, operation in enumerate(operations(ready, *command)):
            if operation.startswith("Put"):
                continue  # has its own test, with what it leaves half done
            if command == ["upload"]:  # what is replaced is read first
                write_history(ready.project.folder / "BTC.csv", 41 + number)
            ready.emulator.fault = partial(denying, operation)
            outcome = ready(*command)
            ready.emulator.fault = lambda operation: None
            assert outcome.code == 2, (command, operation, outcome.err)
            assert outcome.err.startswith(("error: ", "warning: ")), (operation, outcome.err)
            assert "not allowed to do" in outcome.err, (operation, outcome.err)


def test_watching_survives_a_lost_connection(ready: Account) -> None:
    event = hold(ready, "XMR", "gold")
    ready("run", "--detach")
    held(ready, "XMR", "gold")
    lost = threading.Event()
    failures = 0

    def fault(operation: str) -> Fault | None:
        nonlocal failures
        if operation == "GetExecutionHistory" and lost.is_set() and failures < 6:
            failures += 1  # one more than the SDK tries
            return "500"
        return None

    ready.emulator.fault = fault
    watching = ready.project.start("status", "--watch", "--json")
    wait_for(lambda: "GetExecutionHistory" in ready.emulator.calls, "watching")
    lost.set()
    wait_for(lambda: failures == 6, "the loss")
    event.set()
    outcome = ended(watching)
    assert outcome.code == 0, outcome.err
    assert "trying again" in outcome.err
    *changes, last = outcome.lines
    assert statuses(last) == {"BTC": "LOADED", "XMR": "LOADED"}
    gold = [change["status"] for change in changes if (change["ticker"], change["step"]) == ("XMR", "gold")]
    assert gold[-1] == "SUCCEEDED"
    assert len(set(gold)) == len(gold), "a change is printed once"


def test_credentials_that_expire_while_watching_leave_the_execution_alone(ready: Account) -> None:
    event = hold(ready, "XMR", "gold")
    run = ready.project.start("run")
    held(ready, "XMR", "gold")
    ready.emulator.denied["GetExecutionHistory"] = ("ExpiredTokenException", "The security token has expired")
    outcome = ended(run)
    assert outcome.code == 2
    assert "the AWS credentials have expired" in outcome.err
    assert "continues in AWS: `cryptoetl status" in outcome.err
    ready.emulator.denied.clear()
    event.set()
    assert ready("status", "--watch").code == 0


def test_without_credentials_no_call_is_made(account: Account) -> None:
    for command in (["upload"], ["run"], ["status"], ["stop"], ["logs", "BTC"]):
        outcome = account(*command, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        assert outcome.code == 2
        assert "no AWS credentials were found" in outcome.err


def test_an_execution_that_aws_has_deleted_is_unknown(ready: Account) -> None:
    outcome = ready("status", "20200101T000000000Z")
    assert outcome.code == 2
    assert "AWS deletes an execution 90 days after its end" in outcome.err


def test_a_failing_step_on_purpose_is_for_the_local_target(ready: Account) -> None:
    outcome = ready("run", "--fail", "XMR:gold")
    assert outcome.code == 2
    assert "--fail is for the local target" in outcome.err
