"""The same machine, run by our interpreter and by moto's, ends the same and passes through the same states.

moto's interpreter descends from LocalStack's, whose behaviour was recorded from AWS. Its Glue integration
gets a client that answers from `Jobs`; everything else of it is as released.
"""

from __future__ import annotations

import json
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_glue

from cryptoetl.local.step_functions.interpreter import Interpreter, TaskFailed
from cryptoetl.state_machine.definition import (
    STEPS,
    Branch,
    Role,
    Step,
    dumps,
    execution_input,
    parse_state_name,
    render,
    state_name,
)
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import ExecutionStatus

TICKERS = ("BTC", "XMR", "ETH_2")
MACHINE = render("crypto", [Branch(ticker) for ticker in TICKERS])
JOB_STEPS: Mapping[str, Step] = {
    "crypto-bronze2silver": "silver",
    "crypto-silver2gold": "gold",
    "crypto-redshift-upload": "redshift",
}


@dataclass
class Jobs:
    """What the Glue jobs do: the runs that fail, and the starts that are throttled, so many times each."""

    failing: frozenset[tuple[str, Step]] = frozenset()
    throttled: Mapping[tuple[str, Step], int] = field(default_factory=dict)
    error: str = "ConcurrentRunsExceededException"
    cleaning_fails: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, job_name: str, arguments: Mapping[str, str]) -> str | None:
        """The name of the error with which Glue refuses, if it does."""
        with self.lock:
            call = (job_name, json.dumps(arguments, sort_keys=True))
            self.calls.append(call)
            attempts = self.calls.count(call)
        limit = self.throttled.get(self._key(job_name, arguments), 0)
        return self.error if attempts <= limit else None

    def job_run(self, job_name: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        run = {"Id": f"jr_{job_name}", "JobName": job_name, "Arguments": dict(arguments)}
        if self._key(job_name, arguments) in self.failing or ("clear" in job_name and self.cleaning_fails):
            return run | {"JobRunState": "FAILED", "ErrorMessage": "ValueError: line 3: no such thing"}
        return run | {"JobRunState": "SUCCEEDED"}

    def _key(self, job_name: str, arguments: Mapping[str, str]) -> tuple[str, Step]:
        return arguments.get("--TICKER", ""), JOB_STEPS.get(job_name, "silver")


@dataclass(frozen=True)
class Run:
    """What is compared of an execution."""

    status: str
    output: Any
    error: str | None
    states: Mapping[str, list[str]]
    calls: list[tuple[str, str]]
    folded: list[tuple[Any, ...]]


def observed(status: str, output: Any, error: str | None, events: list[dict[str, Any]], jobs: Jobs) -> Run:
    states: dict[str, list[str]] = {}
    fold = Fold("e")
    for event in events:
        fold.add(event)
        if entered := event.get("stateEnteredEventDetails"):
            branch = (parse_state_name(entered["name"]) or ("", ""))[0]
            states.setdefault(branch, []).append(entered["name"])
    return Run(status, output, error, states, sorted(jobs.calls), summary(fold.status()))


def summary(execution: ExecutionStatus) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [(execution.status, execution.clean.status, execution.error)]
    for currency in execution.currencies:
        steps = tuple((step.status, step.retries, step.error, step.reason) for step in currency.steps)
        rows.append((currency.ticker, currency.status, currency.step, currency.error, currency.reason, steps))
    return sorted(rows)


def run_ours(start_input: Mapping[str, Any], jobs: Jobs) -> Run:
    def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        if error := jobs.start(job_name, arguments):
            raise TaskFailed(f"Glue.{error}", "Too many runs")
        job_run = jobs.job_run(job_name, arguments)
        if job_run["JobRunState"] != "SUCCEEDED":
            raise TaskFailed("States.TaskFailed", json.dumps(job_run))
        return job_run

    events: list[dict[str, Any]] = []
    outcome = Interpreter(
        MACHINE,
        run_job=run_job,
        record=events.append,
        clock=lambda: datetime.now(UTC),
        sleep=lambda seconds: None,
        random=lambda: 0.5,
    ).run(start_input)
    return observed(outcome.status, outcome.output, outcome.error, events, jobs)


class GlueClient:
    """The two calls that moto's Glue integration makes, with their parameters checked as boto3 would."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._runs: dict[str, dict[str, Any]] = {}
        model = botocore.session.get_session().get_service_model("glue")
        shape = model.operation_model("StartJobRun").input_shape
        assert shape is not None
        self._shape = shape

    def start_job_run(self, **parameters: Any) -> dict[str, Any]:
        report = ParamValidator().validate(parameters, self._shape)
        assert not report.has_errors(), report.generate_report()
        job_name, arguments = parameters["JobName"], parameters["Arguments"]
        if error := self._jobs.start(job_name, arguments):
            raise ClientError({"Error": {"Code": error, "Message": "Too many runs"}}, "StartJobRun")
        run_id = f"{job_name} {arguments.get('--TICKER')}"
        self._runs[run_id] = self._jobs.job_run(job_name, arguments)
        return {"JobRunId": run_id}

    def get_job_run(self, JobName: str, RunId: str) -> dict[str, Any]:
        return {"JobRun": self._runs[RunId]}


Oracle = Callable[[Mapping[str, Any], Jobs], Run]


@pytest.fixture
def run_motos(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    service = state_task_service_glue.StateTaskServiceGlue

    def wait_for_the_run(self: Any, env: Any, **integration: Any) -> None:
        # moto stops a callback endpoint here that a Glue task does not have.
        env.stack.append(self._build_sync_resolver(env, **integration)())

    def start(start_input: Mapping[str, Any], jobs: Jobs) -> Run:
        glue = GlueClient(jobs)
        monkeypatch.setattr(service, "_get_glue_client", lambda *args, **kwargs: glue)
        machine = client.create_state_machine(
            name="crypto", definition=dumps(MACHINE), roleArn="arn:aws:iam::123456789012:role/machine"
        )["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine, input=json.dumps(start_input))[
            "executionArn"
        ]
        deadline = time.monotonic() + 30
        while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.005)
        events = cast(
            "list[dict[str, Any]]",
            client.get_execution_history(executionArn=execution, maxResults=1000)["events"],
        )
        output = json.loads(described["output"]) if described["status"] == "SUCCEEDED" else None
        return observed(described["status"], output, described.get("error"), events, jobs)

    monkeypatch.setattr(service, "_eval_integration_pattern", wait_for_the_run)
    monkeypatch.setattr(retrier_decl, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions", region_name="eu-central-1")
        yield start


EVERYONE = execution_input(dict.fromkeys(TICKERS, "silver"))
ALL_AT: Mapping[Step, frozenset[tuple[str, Step]]] = {
    step: frozenset((ticker, step) for ticker in TICKERS) for step in STEPS
}

CASES: dict[str, tuple[Mapping[str, Any], Callable[[], Jobs]]] = {
    "all good": (EVERYONE, Jobs),
    "an empty input runs every currency": ({}, Jobs),
    "null tickers run every currency": ({"tickers": None}, Jobs),
    "a console's default input runs every currency": ({"Comment": "Insert your JSON here"}, Jobs),
    "no tickers at all": ({"tickers": {}}, Jobs),
    "a subset": (execution_input({"XMR": "silver"}), Jobs),
    "an unknown ticker": (execution_input({"XMR": "silver", "DOGE": "silver"}), Jobs),
    "refused currencies": (execution_input({"XMR": "silver"}, {"BTC": "line 812: not a number"}), Jobs),
    "an entry without from": ({"tickers": {"BTC": {}}}, Jobs),
    "a null entry": ({"tickers": {"BTC": None, "XMR": {"from": None}, "ETH_2": "gold"}}, Jobs),
    "an unknown from": ({"tickers": {"BTC": {"from": "bronze"}, "XMR": {"from": 3}}}, Jobs),
    "tickers as a list": ({"tickers": ["BTC"]}, Jobs),
    "one from each step": (
        execution_input({"BTC": "silver", "XMR": "gold", "ETH_2": "redshift"}),
        Jobs,
    ),
    "the cleaning fails": (EVERYONE, lambda: Jobs(cleaning_fails=True)),
    "throttling is retried": (
        EVERYONE,
        lambda: Jobs(throttled={("BTC", "silver"): 3, ("XMR", "gold"): 1, ("XMR", "redshift"): 12}),
    ),
    "throttling that never ends": (EVERYONE, lambda: Jobs(throttled={("BTC", "gold"): 1000})),
    "an error that is not retried": (
        EVERYONE,
        lambda: Jobs(throttled={("BTC", "gold"): 1}, error="InvalidInputException"),
    ),
    **{
        f"all failing at {step}": (EVERYONE, lambda step=step: Jobs(failing=ALL_AT[step]))  # type: ignore[misc]
        for step in STEPS
    },
    **{
        f"{ticker} failing at {step}": (
            EVERYONE,
            lambda ticker=ticker, step=step: Jobs(failing=frozenset({(ticker, step)})),  # type: ignore[misc]
        )
        for ticker in TICKERS
        for step in STEPS
    },
}


@pytest.mark.parametrize("case", CASES)
def test_both_interpreters_agree_when(case: str, run_motos: Oracle) -> None:
    start_input, jobs = CASES[case]
    ours, theirs = run_ours(start_input, jobs()), run_motos(start_input, jobs())
    assert ours == theirs


def test_what_they_agree_on_is_what_is_meant() -> None:
    failing = frozenset[tuple[str, Step]]({("XMR", "gold")})
    run = run_ours(execution_input({"BTC": "silver", "XMR": "silver"}), Jobs(failing=failing))
    assert run.status == "SUCCEEDED"
    assert run.output == [
        {"ticker": "BTC", "status": "LOADED", "step": None, "error": None},
        {"ticker": "XMR", "status": "FAILED", "step": "gold", "error": "States.TaskFailed"},
        {"ticker": "ETH_2", "status": "SKIPPED", "step": None, "error": None},
    ]
    roles: list[Role] = ["begins", "from silver", "silver", "gold", "caught"]
    assert run.states["XMR"] == [state_name("XMR", role) for role in roles]
