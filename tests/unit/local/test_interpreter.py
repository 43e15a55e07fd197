"""The local interpreter: events, failures, retries, stopping, and refused definitions."""

from __future__ import annotations

import copy
import errno
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cryptoetl.errors import UnsupportedDefinition
from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter, Outcome, TaskFailed
from cryptoetl.state_machine.definition import Branch, execution_input, render

MACHINE = render("crypto", [Branch("BTC"), Branch("XMR")])
BOTH = execution_input({"BTC": "silver", "XMR": "silver"})
RunJob = Callable[[str, Mapping[str, str]], Mapping[str, Any]]


def succeed(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "Id": f"jr_{job_name}",
        "JobName": job_name,
        "JobRunState": "SUCCEEDED",
        "StartedOn": datetime(2026, 1, 1, tzinfo=UTC),
    }


def only(ticker: str, job: str, action: RunJob) -> RunJob:
    """Return a `run_job` under which all jobs succeed, except one job of one currency."""

    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        if arguments.get("--TICKER") == ticker and job_name == f"crypto-{job}":
            return action(job_name, arguments)
        return succeed(job_name, arguments)

    return run_job


class Bench:
    """An interpreter whose clock ticks when it is read and whose sleep takes no time."""

    def __init__(
        self,
        run_job: RunJob = succeed,
        definition: Mapping[str, Any] = MACHINE,
        record: Callable[[Event], None] | None = None,
        random: float = 1.0,
    ) -> None:
        self.events: list[Event] = []
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self.interpreter = Interpreter(
            definition,
            run_job=run_job,
            record=record or self.events.append,
            clock=self._tick,
            sleep=self._sleep,
            random=lambda: random,
        )

    def _tick(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()

    def run(self, input_data: Mapping[str, Any] = BOTH) -> Outcome:
        return self.interpreter.run(input_data)

    def of(self, event_type: str) -> list[Event]:
        return [event for event in self.events if event["type"] == event_type]

    def entered(self) -> list[str]:
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.events
            if "stateEnteredEventDetails" in event
        ]


def raising(error: BaseException) -> RunJob:
    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        raise error

    return run_job


# --- events -------------------------------------------------------------------------------------------


def test_ids_increase_by_one_and_timestamps_never_decrease() -> None:
    bench = Bench()
    bench.run()
    assert [event["id"] for event in bench.events] == list(range(1, len(bench.events) + 1))
    times = [event["timestamp"] for event in bench.events]
    assert times == sorted(times)


def test_each_event_of_a_branch_follows_from_the_one_before_it_in_that_branch() -> None:
    bench = Bench()
    bench.run()
    by_id = {event["id"]: event for event in bench.events}
    (started,) = bench.of("ParallelStateStarted")
    for ticker in ("BTC", "XMR"):
        (exited,) = [
            event
            for event in bench.of("TaskStateExited")
            if event["stateExitedEventDetails"]["name"] == f"{ticker} to redshift"
        ]
        chain = [exited]
        while chain[-1]["id"] != started["id"]:
            chain.append(by_id[chain[-1]["previousEventId"]])
        names = [
            details["name"]
            for event in chain
            if (details := event.get("stateEnteredEventDetails")) is not None
        ]
        assert names[::-1] == [f"{ticker} {rest}" for rest in ("begins", "from silver")] + [
            f"{ticker} to {step}" for step in ("silver", "gold", "redshift")
        ]


def test_a_task_writes_the_six_events_that_step_functions_writes() -> None:
    bench = Bench()
    bench.run(execution_input({"BTC": "redshift"}))
    (entered,) = [
        event
        for event in bench.of("TaskStateEntered")
        if event["stateEnteredEventDetails"]["name"] == "BTC to redshift"
    ]
    chain, last = [entered], entered["id"]
    while following := next((e for e in bench.events if e["previousEventId"] == last), None):
        chain.append(following)
        last = following["id"]
    assert [event["type"] for event in chain[:6]] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]
    scheduled = chain[1]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("glue", "startJobRun.sync")
    assert json.loads(scheduled["parameters"]) == {
        "JobName": "crypto-redshift-upload",
        "Arguments": {"--TICKER": "BTC"},
    }
    submitted = json.loads(chain[3]["taskSubmittedEventDetails"]["output"])
    assert submitted["JobRunId"] == "jr_crypto-redshift-upload"
    job_run = json.loads(chain[4]["taskSucceededEventDetails"]["output"])
    assert job_run["StartedOn"] == 1767225600000  # milliseconds, as on AWS


def test_the_cleaning_job_receives_the_currencies_of_the_run_and_their_first_steps() -> None:
    calls: list[Mapping[str, str]] = []

    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        if job_name == "crypto-clear-buckets":
            calls.append(arguments)
        return succeed(job_name, arguments)

    Bench(run_job).run(execution_input({"BTC": "gold"}, {"XMR": "broken"}))
    assert calls == [{"--TICKERS": '{"BTC":{"from":"gold"}}'}]


def test_a_branch_receives_the_tickers_and_not_the_rest_of_the_input() -> None:
    bench = Bench()
    bench.run(execution_input({"BTC": "gold"}, {"XMR": "broken"}))
    inputs = {
        event["stateEnteredEventDetails"]["name"]: event["stateEnteredEventDetails"]["input"]
        for event in bench.events
        if "stateEnteredEventDetails" in event
    }
    assert json.loads(inputs["BTC begins"]) == {"BTC": {"from": "gold"}}
    assert json.loads(inputs["BTC to gold"]) == {"step": "gold"}


# --- failures -----------------------------------------------------------------------------------------


def test_a_failing_currency_does_not_stop_the_others() -> None:
    cause = json.dumps({"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "ValueError: no"})
    bench = Bench(only("XMR", "silver2gold", raising(TaskFailed("States.TaskFailed", cause))))
    outcome = bench.run()
    assert outcome.status == "SUCCEEDED"
    assert outcome.output == [
        {"ticker": "BTC", "status": "LOADED", "step": None, "error": None},
        {"ticker": "XMR", "status": "FAILED", "step": "gold", "error": "States.TaskFailed"},
    ]
    (failed,) = bench.of("TaskFailed")
    assert failed["taskFailedEventDetails"]["cause"] == cause
    assert any('"jr_1"' in e["taskSubmittedEventDetails"]["output"] for e in bench.of("TaskSubmitted"))


@pytest.mark.parametrize("bug", [ZeroDivisionError("oops"), SystemExit(3), TypeError("not JSON")])
def test_an_unexpected_error_of_a_job_run_fails_its_branch_only(bug: BaseException) -> None:
    bench = Bench(only("XMR", "bronze2silver", raising(bug)))
    outcome = bench.run()
    assert [record["status"] for record in outcome.output] == ["LOADED", "FAILED"]
    (failed,) = bench.of("TaskFailed")
    assert failed["taskFailedEventDetails"]["cause"] == f"{type(bug).__name__}: {bug}"


def test_an_execution_fails_if_every_currency_that_ran_failed() -> None:
    outcome = Bench(only("XMR", "silver2gold", raising(ValueError()))).run(execution_input({"XMR": "gold"}))
    assert (outcome.status, outcome.error) == ("FAILED", "PipelineFailure")
    assert outcome.cause is not None
    assert "retry-failed" in outcome.cause


def test_an_execution_of_nothing_succeeds() -> None:
    outcome = Bench().run({"tickers": {}})
    assert [record["status"] for record in outcome.output] == ["SKIPPED", "SKIPPED"]


def test_a_failed_cleaning_job_starts_no_branch() -> None:
    bench = Bench(raising(TaskFailed("States.TaskFailed", "disk")))
    outcome = bench.run()
    assert (outcome.status, outcome.error) == ("FAILED", "S3CleaningFailure")
    assert bench.entered() == ["Which currencies", "Clean S3 buckets", "S3 cleaning failure"]


def test_an_uncaught_error_ends_every_branch() -> None:
    # As States.Runtime does on AWS. The templates cannot cause it; here it is raised on purpose.
    bench = Bench(only("XMR", "bronze2silver", raising(TaskFailed("States.Runtime", "broken"))))
    outcome = bench.run()
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "States.Runtime", "broken")
    assert len(bench.of("ParallelStateFailed")) == 1
    assert "Pipeline failure" not in bench.entered()


def test_a_payload_above_the_limit_fails_as_on_aws() -> None:
    bench = Bench(definition=render("crypto", [Branch("BTC")]))
    outcome = bench.run({"tickers": {}, "note": "x" * 300_000})
    assert (outcome.status, outcome.error) == ("FAILED", "States.DataLimitExceeded")


def test_a_cause_is_cut_to_the_limit_of_a_history_event() -> None:
    bench = Bench(only("XMR", "silver2gold", raising(TaskFailed("States.TaskFailed", "x" * 100_000))))
    bench.run()
    (failed,) = bench.of("TaskFailed")
    assert len(failed["taskFailedEventDetails"]["cause"]) == 32_768


# --- retries ------------------------------------------------------------------------------------------


def throttled(times: int, error: str = "Glue.ConcurrentRunsExceededException") -> RunJob:
    attempts = iter(range(1, 1000))

    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        if next(attempts) <= times:
            raise TaskFailed(error, "Too many runs")
        return succeed(job_name, arguments)

    return run_job


def test_throttling_is_retried_with_growing_delays_up_to_the_cap() -> None:
    bench = Bench(only("BTC", "silver2gold", throttled(9)))
    assert bench.run().output[0]["status"] == "LOADED"
    assert sum(bench.slept) == 5 + 10 + 20 + 40 + 80 + 160 + 300 + 300 + 300
    assert len(bench.of("TaskSubmitFailed")) == 9


def test_jitter_spreads_the_delays() -> None:
    bench = Bench(only("BTC", "silver2gold", throttled(2)), random=0.5)
    bench.run()
    assert sum(bench.slept) == (5 + 10) / 2


def test_retries_end_at_the_maximum() -> None:
    bench = Bench(only("BTC", "silver2gold", throttled(1000)))
    (record, _) = bench.run().output
    assert record == {
        "ticker": "BTC",
        "status": "FAILED",
        "step": "gold",
        "error": "Glue.ConcurrentRunsExceededException",
    }
    assert len(bench.of("TaskSubmitFailed")) == 41


@pytest.mark.parametrize("error", ["States.TaskFailed", "Glue.InvalidInputException", "States.Timeout"])
def test_permanent_errors_are_not_retried(error: str) -> None:
    bench = Bench(only("BTC", "silver2gold", throttled(1, error)))
    assert [record["status"] for record in bench.run().output] == ["FAILED", "LOADED"]
    assert bench.slept == []


# --- stopping -----------------------------------------------------------------------------------------


def test_stop_lets_the_job_run_end_and_enters_no_further_state() -> None:
    benches: list[Bench] = []

    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        benches[0].interpreter.stop()
        return succeed(job_name, arguments)

    benches.append(bench := Bench(only("BTC", "bronze2silver", run_job)))
    outcome = bench.run(execution_input({"BTC": "silver"}))
    assert outcome.status == "ABORTED"
    assert "BTC to gold" not in bench.entered()
    assert bench.events[-1]["type"] == "ExecutionAborted"
    assert any(
        event["stateExitedEventDetails"]["name"] == "BTC to silver" for event in bench.of("TaskStateExited")
    )


def test_stop_does_not_wait_for_a_retry() -> None:
    bench = Bench(only("BTC", "bronze2silver", throttled(1000)))
    bench.on_sleep = bench.interpreter.stop
    assert bench.run(execution_input({"BTC": "silver"})).status == "ABORTED"
    assert sum(bench.slept) < 1


def test_stop_before_the_start_runs_nothing() -> None:
    bench = Bench(raising(AssertionError()))
    bench.interpreter.stop()
    assert bench.run().status == "ABORTED"
    assert [event["type"] for event in bench.events] == ["ExecutionStarted", "ExecutionAborted"]


@pytest.mark.parametrize("last", [0, 5, 20, 30])
def test_an_event_that_cannot_be_recorded_ends_the_run_with_that_error(last: int) -> None:
    recorded: list[Event] = []

    def record(event: Event) -> None:
        if len(recorded) == last:
            raise OSError(errno.ENOSPC, "No space left on device")
        recorded.append(event)

    before = threading.active_count()
    with pytest.raises(OSError, match="No space left"):
        Bench(record=record).run()
    assert threading.active_count() == before
    assert len(recorded) == last


def test_ctrl_c_leaves_no_thread_behind() -> None:
    def interrupt(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        Bench(interrupt).run()
    assert threading.active_count() == before


# --- refused definitions ------------------------------------------------------------------------------


def refused(change: Callable[[dict[str, Any]], object]) -> str:
    definition = copy.deepcopy(render("crypto", [Branch("BTC")]))
    change(definition)
    with pytest.raises(UnsupportedDefinition) as refusal:
        Bench(definition=definition)
    return str(refusal.value)


def branch(definition: dict[str, Any]) -> dict[str, Any]:
    states: dict[str, Any] = definition["States"]["Parallel"]["Branches"][0]["States"]
    return states


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: branch(d)["BTC skipped"].update(Type="Wait"),
            "BTC skipped: the state type 'Wait'",
        ),
        (
            lambda d: branch(d)["BTC to gold"].update(TimeoutSeconds=3),
            "BTC to gold: the field 'TimeoutSeconds'",
        ),
        (
            lambda d: branch(d)["BTC to gold"].update(Resource="arn:aws:states:::lambda:invoke"),
            "BTC to gold: the resource 'arn:aws:states:::lambda:invoke'",
        ),
        (
            lambda d: branch(d)["BTC to gold"]["Parameters"].update(WorkerType="G.1X"),
            "BTC to gold: the field 'WorkerType'",
        ),
        (
            lambda d: branch(d)["BTC to gold"]["Retry"][0].update(ErrorEquals=["States.TaskFailed"]),
            "BTC to gold: ErrorEquals ['States.TaskFailed']",
        ),
        (
            lambda d: branch(d)["BTC to gold"]["Catch"][0].update(Assign={"step": "gold"}),
            "BTC to gold: the field 'Assign'",
        ),
        (
            lambda d: branch(d)["BTC begins"]["Choices"].insert(0, {"Variable": "$.x", "NumericEquals": 1}),
            "BTC begins: the rule",
        ),
        (
            lambda d: branch(d)["BTC wont stop the others"]["Parameters"].update({"id.$": "States.UUID()"}),
            "BTC wont stop the others: the intrinsic function 'States.UUID()'",
        ),
        (
            lambda d: branch(d)["BTC wont stop the others"]["Parameters"].update({"id.$": "$$.Execution"}),
            "BTC wont stop the others: the path '$$.Execution'",
        ),
        (
            lambda d: branch(d)["BTC wont stop the others"]["Parameters"].update({"id.$": "$.a[-1]"}),
            "BTC wont stop the others: the path '$.a[-1]'",
        ),
        (
            lambda d: branch(d)["BTC to gold"].update(Next="nowhere"),
            "BTC to gold: there is no state 'nowhere' to go to",
        ),
        (lambda d: d["States"]["Parallel"].update(Retry=[]), "Parallel: the field 'Retry'"),
        (lambda d: d.update(QueryLanguage="JSONata"), "the state machine: query language 'JSONata'"),
        (lambda d: d.update(TimeoutSeconds=60), "the state machine: the field 'TimeoutSeconds'"),
    ],
)
def test_an_unsupported_definition_is_refused_by_name_before_anything_runs(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    assert refused(change).startswith(message)
