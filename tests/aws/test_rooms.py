"""The rooms of the aws target by themselves, with small clients: paging, names, job runs, large files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from cryptoetl.aws.executions import AwsExecutions
from cryptoetl.aws.job_runs import JobRuns, Run, left_behind
from cryptoetl.aws.logs import GlueLog
from cryptoetl.aws.session import Session
from cryptoetl.aws.storage import AwsStorage, Limits
from cryptoetl.config.models import Config
from cryptoetl.errors import EnvironmentFault
from cryptoetl.raw_files.fingerprints import fingerprint
from cryptoetl.state_machine import bundle
from tests.aws.account import BUCKET, Account

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
CONFIG = Config.model_validate(
    {
        "target": "aws",
        "aws": {"region": "eu-central-1"},
        "currencies": [{"ticker": "BTC", "history": "h", "trend": "t"}],
    }
)
DEPLOYED = bundle.build(CONFIG, bundle.Layout("r", "s", "g", "t"))


class Identity:
    account, partition = "123456789012", "aws"


class FakeSession:
    region, identity = "eu-central-1", Identity()

    def __init__(self, client: Any) -> None:
        self._client = client

    def client(self, service: str) -> Any:
        return self._client


class FakeStates:
    """Step Functions with one execution of `count` events, to which two more come between two pages."""

    def __init__(self, count: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.growing = False
        self.taken: set[str] = set()
        self.grow(count)
        self.asked: list[int] = []

    def grow(self, count: int) -> None:
        for _ in range(count):
            self.events.append({"id": len(self.events) + 1, "type": "TaskScheduled", "timestamp": NOW})

    def get_execution_history(
        self, *, executionArn: str, reverseOrder: bool, maxResults: int, nextToken: str = "0"
    ) -> Mapping[str, Any]:
        assert reverseOrder
        self.asked.append(maxResults)
        start = int(nextToken)
        page: dict[str, Any] = {"events": self.events[::-1][start : start + maxResults]}
        if start + maxResults < len(self.events):
            page["nextToken"] = str(start + maxResults)
        if self.growing:
            self.grow(2)
        return page

    def describe_state_machine(self, stateMachineArn: str) -> Mapping[str, Any]:
        return {"definition": json.dumps(DEPLOYED.machine)}

    def list_executions(self, **arguments: Any) -> Mapping[str, Any]:
        return {"executions": []}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Mapping[str, Any]:
        if name in self.taken:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}, "StartExecution")
        self.taken.add(name)
        return {}


def executions(states: Any) -> AwsExecutions:
    session = cast("Session", FakeSession(states))
    return AwsExecutions(CONFIG, session, sleep=lambda _: None, clock=lambda: NOW)


@pytest.mark.parametrize("count", [1, 199, 200, 201, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("after", [0, 1, 150])
@pytest.mark.parametrize("growing", [False, True])
def test_every_event_is_read_once_however_they_come(count: int, after: int, growing: bool) -> None:
    states = FakeStates(count)
    states.growing = growing
    record = executions(states).read("e", after)
    assert [event["id"] for event in record.events] == list(range(after + 1, count + 1))


def test_a_look_at_what_is_known_is_one_small_page() -> None:
    states = FakeStates(5000)
    executions(states).read("e", 4990)
    assert states.asked == [200]


def test_names_sort_by_time_and_a_taken_one_is_passed_over() -> None:
    states = FakeStates(1)
    room = executions(states)
    names = [room.start(DEPLOYED, {"tickers": {"BTC": {}}}, fail={}) for _ in range(3)]
    assert names == ["20260102T030405678Z", "20260102T030405679Z", "20260102T030405680Z"]


def task(id: int, previous: int, type: str, **details: Any) -> dict[str, Any]:
    name = type[0].lower() + type[1:] + "EventDetails"
    return {"id": id, "previousEventId": previous, "type": type, "timestamp": NOW, name: details}


ASKED = '{"JobName": "crypto-silver2gold", "Arguments": {"--TICKER": "BTC"}}'


def test_a_run_is_left_behind_until_its_end_is_in_the_history() -> None:
    events = [
        task(1, 0, "TaskScheduled", parameters=ASKED),
        task(2, 1, "TaskStarted"),
        task(3, 2, "TaskSubmitted", output='{"JobRunId": "jr_1"}'),
        task(4, 3, "TaskSucceeded"),
    ]
    (asked,), (submitted,) = left_behind(events[:2]), left_behind(events[:3])
    assert (asked.id, submitted.id) == (None, "jr_1")
    assert left_behind(events) == []


class FakeGlue:
    """Glue whose runs take some looks to end after they were stopped."""

    def __init__(self, looks: int, runs: list[dict[str, Any]] | None = None) -> None:
        self.looks = looks
        self.runs = runs or []
        self.stopped: list[str] = []

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> Mapping[str, Any]:
        assert len(JobRunIds) <= 25
        self.stopped += JobRunIds
        return {}

    def get_job_run(self, JobName: str, RunId: str) -> Mapping[str, Any]:
        self.looks -= 1
        return {"JobRun": {"JobRunState": "STOPPING" if self.looks >= 0 else "STOPPED"}}

    def get_job_runs(self, JobName: str, MaxResults: int) -> Mapping[str, Any]:
        return {"JobRuns": self.runs}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return self.now


def end(glue: FakeGlue, *runs: Run) -> list[str]:
    clock = Clock()
    return [left.reason for left in JobRuns(glue, clock, clock.sleep).end(runs)]


def test_runs_are_stopped_in_batches_and_looked_at_until_they_have_ended() -> None:
    glue = FakeGlue(looks=60)
    runs = [Run("crypto-silver2gold", {}, NOW, f"jr_{number}") for number in range(30)]
    assert end(glue, *runs) == []
    assert glue.stopped == [f"jr_{number}" for number in range(30)]


def test_a_run_that_does_not_end_is_told_after_two_minutes() -> None:
    run = Run("crypto-silver2gold", {}, NOW, "jr_1")
    assert end(FakeGlue(looks=10_000), run) == ["it is still STOPPING after 2 minutes"]


def test_a_run_that_its_execution_never_heard_of_is_found_by_what_it_was_asked_for() -> None:
    def found(id: str, ticker: str, minutes: int, state: str = "RUNNING") -> dict[str, Any]:
        started = NOW + timedelta(minutes=minutes)
        return {
            "Id": id,
            "JobRunState": state,
            "StartedOn": started,
            "Arguments": {"--TICKER": ticker, "--GOLD": "g"},
        }

    runs = [found("a", "BTC", 0), found("b", "XMR", 0), found("c", "BTC", -5), found("d", "BTC", 0, "FAILED")]
    glue = FakeGlue(looks=1, runs=runs)
    assert end(glue, Run("crypto-silver2gold", {"--TICKER": "BTC"}, NOW)) == []
    assert glue.stopped == ["a"]


def test_late_log_events_are_read_and_none_twice() -> None:
    class Logs:
        events: list[dict[str, Any]]

        def filter_log_events(self, *, logGroupName: str, startTime: int, **_: Any) -> Mapping[str, Any]:
            kind = logGroupName.rpartition("/")[2]
            return {"events": [e for e in self.events if e["kind"] == kind and e["timestamp"] >= startTime]}

    def event(kind: str, milliseconds: int, text: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "timestamp": milliseconds,
            "eventId": text,
            "message": text,
            "logStreamName": "jr_1-driver",
        }

    client = Logs()
    client.events = [event("output", 20_000, "b"), event("error", 15_000, "a")]
    log = GlueLog(client, "/aws-glue/crypto", "jr_1")
    assert [line.text for line in log.read()] == ["a", "b"]
    client.events += [event("output", 19_000, "late"), event("output", 21_000, "c\nd")]
    assert [line.text for line in log.read()] == ["late", "c", "d"]
    assert log.read() == []


# --- large files, against the emulated S3 -------------------------------------------------------------


@pytest.fixture
def storage(account: Account) -> AwsStorage:
    """Sends every file in parts."""
    s3 = account.emulator.client("s3")
    location = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket=BUCKET.format("raw"), CreateBucketConfiguration=location)
    return AwsStorage(CONFIG, cast("Session", FakeSession(s3)), Limits(whole=0, part=5 * 1024 * 1024))


def test_a_large_file_is_sent_in_parts_and_known_again(storage: AwsStorage, tmp_path: Path) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(bytes(range(256)) * 25_000)
    found, parts = fingerprint(source), list[int]()
    storage.put("BTC/history.csv", source, found.sha256, parts.append)
    assert parts == [5 * 1024 * 1024, 6_400_000 - 5 * 1024 * 1024]
    listed = storage.listing({"BTC/history.csv", "XMR/history.csv"})
    assert list(listed) == ["BTC/history.csv"]
    assert listed["BTC/history.csv"].size == found.size
    assert listed["BTC/history.csv"].md5 != found.md5  # an object in parts has another ETag
    assert storage.sha256("BTC/history.csv") == found.sha256


def test_a_large_file_that_changes_meanwhile_leaves_nothing(storage: AwsStorage, tmp_path: Path) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(b"x" * 6_000_000)
    with pytest.raises(EnvironmentFault, match="was changed while it was being uploaded"):
        storage.put("BTC/history.csv", source, "00" * 32, lambda _: None)
    assert storage.listing({"BTC/history.csv"}) == {}
    assert storage.sha256("BTC/history.csv") is None
