"""Parts of the aws target with fake clients: pages of events, names, job runs, logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from cryptoetl.aws.executions import AwsExecutions
from cryptoetl.aws.job_runs import JobRuns, Run, left_behind
from cryptoetl.aws.logs import GlueLog
from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.state_machine.groups import Start

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_logs import CloudWatchLogsClient

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
    """One execution of `count` events; if `growing`, two more events arrive between two pages."""

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

    def start_execution(self, *, name: str, **arguments: Any) -> Mapping[str, Any]:
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
def test_every_event_is_read_once(count: int, after: int, growing: bool) -> None:
    states = FakeStates(count)
    states.growing = growing
    record = executions(states).read("e", after)
    assert [event["id"] for event in record.events] == list(range(after + 1, count + 1))


def test_polling_a_known_execution_is_one_small_page() -> None:
    states = FakeStates(5000)
    executions(states).read("e", 4990)
    assert states.asked == [200]


def test_names_sort_by_time_and_an_existing_one_is_skipped() -> None:
    states = FakeStates(1)
    room = executions(states)
    names = [room.start(DEPLOYED, Start({"BTC": "silver"}), fail={}) for _ in range(3)]
    assert names == ["20260102T030405678Z", "20260102T030405679Z", "20260102T030405680Z"]


def task(number: int, previous: int, kind: str, **details: Any) -> dict[str, Any]:
    name = kind[0].lower() + kind[1:] + "EventDetails"
    return {"id": number, "previousEventId": previous, "type": kind, "timestamp": NOW, name: details}


REQUEST = '{"JobName": "crypto-silver2gold", "Arguments": {"--TICKER": "BTC"}}'


def test_a_run_is_left_behind_until_the_history_contains_its_end() -> None:
    events = [
        task(1, 0, "TaskScheduled", parameters=REQUEST),
        task(2, 1, "TaskStarted"),
        task(3, 2, "TaskSubmitted", output='{"JobRunId": "jr_1"}'),
        task(4, 3, "TaskSucceeded"),
    ]
    (requested,), (submitted,) = left_behind(events[:2]), left_behind(events[:3])
    assert (requested.id, submitted.id) == (None, "jr_1")
    assert left_behind(events) == []


class FakeGlue:
    """Glue whose runs end some polls after they were stopped."""

    def __init__(self, polls: int, runs: list[dict[str, Any]] | None = None) -> None:
        self.polls = polls
        self.runs = runs or []
        self.stopped: list[str] = []

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> Mapping[str, Any]:
        assert len(JobRunIds) <= 25
        self.stopped += JobRunIds
        return {}

    def get_job_run(self, JobName: str, RunId: str) -> Mapping[str, Any]:
        self.polls -= 1
        return {"JobRun": {"JobRunState": "STOPPING" if self.polls >= 0 else "STOPPED"}}

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
    return [left.reason for left in JobRuns(cast("GlueClient", glue), clock, clock.sleep).end(runs)]


def test_runs_are_stopped_in_batches_and_polled_until_they_have_ended() -> None:
    glue = FakeGlue(polls=60)
    runs = [Run("crypto-silver2gold", {}, NOW, f"jr_{number}") for number in range(30)]
    assert end(glue, *runs) == []
    assert glue.stopped == [f"jr_{number}" for number in range(30)]


def test_a_run_that_does_not_end_is_reported_after_two_minutes() -> None:
    run = Run("crypto-silver2gold", {}, NOW, "jr_1")
    assert end(FakeGlue(polls=10_000), run) == ["it is still STOPPING after 2 minutes"]


def test_a_run_whose_id_is_unknown_is_found_by_its_arguments() -> None:
    def found(run_id: str, ticker: str, minutes: int, state: str = "RUNNING") -> dict[str, Any]:
        started = NOW + timedelta(minutes=minutes)
        return {
            "Id": run_id,
            "JobRunState": state,
            "StartedOn": started,
            "Arguments": {"--TICKER": ticker, "--GOLD": "g"},
        }

    runs = [found("a", "BTC", 0), found("b", "XMR", 0), found("c", "BTC", -5), found("d", "BTC", 0, "FAILED")]
    glue = FakeGlue(polls=1, runs=runs)
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
    log = GlueLog(cast("CloudWatchLogsClient", client), "/aws-glue/crypto", "jr_1")
    assert [line.text for line in log.read()] == ["a", "b"]
    client.events += [event("output", 19_000, "late"), event("output", 21_000, "c\nd")]
    assert [line.text for line in log.read()] == ["late", "c", "d"]
    assert log.read() == []
