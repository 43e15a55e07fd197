"""Glue and Step Functions for the emulator: the deployed machine runs, and its job runs do their work.

moto's interpreter runs the machine, but knows no Glue task that works, and moto's job runs do nothing. Here a
run fetches the script that its job names from S3, and executes it on Sail against the same server's S3; what
it would load into Redshift goes into DuckDB, what it logs into CloudWatch Logs. Stopping an execution stops
none of its runs: AWS promises no more than its best effort, and `cryptoetl stop` must not rely on it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from moto.core.responses import ActionResult
from moto.glue import models as glue_models
from moto.glue.models import FakeJob, FakeJobRun
from moto.logs.responses import LogsResponse
from moto.stepfunctions import models as stepfunctions_models
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
)
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.engine import Engine, load_script
from cryptoetl.local.redshift.sink import DuckDBSink
from tests.aws.cloudformation import ACCOUNT, REGION

POLL = 0.02
"""Seconds between two looks of the interpreter at a job run."""
HASTE = 50
"""How many times faster than on AWS the interpreter waits before it tries a throttled start again."""

STEPS = {"bronze2silver": "silver", "silver2gold": "gold", "redshift-upload": "redshift"}
Key = tuple[str, str]
"""Ticker and step; the cleaning is ("", "clean")."""


@dataclass
class Run:
    """What Glue knows of a job run while it lives and after."""

    id: str
    job: Mapping[str, Any]
    arguments: Mapping[str, str]
    state: str = "RUNNING"
    error: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    logged: set[str] = field(default_factory=set)
    """The log groups that have a stream of this run."""

    @property
    def key(self) -> Key:
        step = next((s for name, s in STEPS.items() if self.job["Name"].endswith(name)), "clean")
        return self.arguments.get("--TICKER", ""), step

    def described(self) -> dict[str, Any]:
        seconds = ((self.ended or datetime.now(UTC)) - self.started).total_seconds()
        return {
            "Id": self.id,
            "Attempt": 0,
            "JobName": self.job["Name"],
            "StartedOn": self.started,
            "CompletedOn": self.ended,
            "JobRunState": self.state,
            "Arguments": dict(self.arguments),
            "ExecutionTime": round(seconds),
            "MaxCapacity": 2.0,
        } | ({"ErrorMessage": self.error} if self.error else {})


class Glue:
    """The job runs of the account.

    `held` maps keys to events for which a run waits before it works; `throttled` answers whether a start is
    refused; `most` is how many runs of each job ever ran at once. `lingering` runs do not end when stopped.
    """

    def __init__(self, client: Callable[[str], Any], folder: Path) -> None:
        self.client = client
        self.runs: dict[str, Run] = {}
        self.held: dict[Key, threading.Event] = {}
        self.throttled: Callable[[], bool] = lambda: False
        self.lingering: set[Key] = set()
        self.starts: Counter[Key] = Counter()
        self.most: Counter[str] = Counter()
        self.redshift = duckdb.connect(folder / "redshift.duckdb")
        self.redshift.execute("CREATE SCHEMA market_data")
        self._folder = folder
        self._lock = threading.Lock()
        self._engine = Engine()
        self._ready = False
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._scripts: dict[tuple[str, str], types.ModuleType] = {}

    # --- the calls

    def start(self, job: Mapping[str, Any], run: Run) -> None:
        with self._lock:
            self.runs[run.id] = run
            self.starts[run.key] += 1
            working = sum(r.state == "RUNNING" and r.job["Name"] == job["Name"] for r in self.runs.values())
            self.most[job["Name"]] = max(self.most[job["Name"]], working)
            thread = threading.Thread(target=self._work, args=(run,), daemon=True)
            self._threads.append(thread)
            if self._closing:  # the machine goes on, but the account is gone
                run.state = "STOPPED"
            thread.start()

    def batch_stop(self, p: Mapping[str, Any]) -> dict[str, Any]:
        """BatchStopJobRun. A run that has ended cannot be stopped."""
        answer: dict[str, list[dict[str, Any]]] = {"SuccessfulSubmissions": [], "Errors": []}
        for id in p["JobRunIds"]:
            run = self.runs[id]
            named = {"JobName": p["JobName"], "JobRunId": id}
            if run.state != "RUNNING":
                detail = {"ErrorCode": "IllegalStateException", "ErrorMessage": f"it is {run.state}"}
                answer["Errors"].append(named | {"ErrorDetail": detail})
                continue
            if run.key not in self.lingering:
                self._end(run, "STOPPED")
            answer["SuccessfulSubmissions"].append(named)
        return answer

    @property
    def running(self) -> list[Key]:
        return [run.key for run in self.runs.values() if run.state == "RUNNING"]

    # --- a run

    def _work(self, run: Run) -> None:
        token = _current.set((self, run))
        try:
            while (event := self.held.get(run.key)) is not None and not event.wait(POLL):
                if run.state != "RUNNING":
                    break
            if run.state != "RUNNING":
                return
            script = self._script(run.job["Command"]["ScriptLocation"])
            argv = [str(script.__file__)]
            for name, value in run.arguments.items():
                argv += [name, value]
            script.main(argv)
        except (Exception, SystemExit) as error:
            if run.state != "RUNNING":  # it was stopped, and perhaps the server with it
                return
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            message = f"{type(error).__name__}: {error}"
            self._log(run, "error", traceback.format_exc())
            self._end(
                run, "FAILED", f"Error Category: UNCLASSIFIED_ERROR; Failed Line Number: {line}; {message}"
            )
        else:
            self._end(run, "SUCCEEDED")
        finally:
            _current.reset(token)

    def _end(self, run: Run, state: str, error: str = "") -> None:
        with self._lock:
            if run.state == "RUNNING":
                run.state, run.error, run.ended = state, error, datetime.now(UTC)

    def _script(self, location: str) -> types.ModuleType:
        """The script at its location, as it is there now."""
        bucket, _, key = location.removeprefix("s3://").partition("/")
        found = self.client("s3").get_object(Bucket=bucket, Key=key)
        with self._lock:
            if not self._ready:
                glue_runtime.install(DuckDBSink(self.redshift))
                self._engine.session()
                self._ready = True
            known = (key, found["ETag"])
            if known not in self._scripts:
                path = self._folder / found["ETag"].strip('"') / Path(key).name
                path.parent.mkdir()
                path.write_bytes(found["Body"].read())
                self._scripts[known] = load_script(path)
                log = logging.getLogger(path.stem)
                log.setLevel(logging.INFO)
                log.propagate = False
                log.handlers = [_LogHandler()]
            return self._scripts[known]

    def _log(self, run: Run, kind: str, text: str) -> None:
        """To the group that the job's arguments name, or to Glue's own."""
        prefix = run.arguments.get("--custom-logGroup-prefix", "/aws-glue/python-jobs")
        logs, group = self.client("logs"), f"{prefix}/{kind}"
        if group not in run.logged:
            run.logged.add(group)
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=group)
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_stream(logGroupName=group, logStreamName=run.id)
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=group, logStreamName=run.id, logEvents=[{"timestamp": now, "message": text}]
        )

    def close(self) -> None:
        """End the account's runs before the engine: a query that loses its server never ends."""
        with self._lock:
            self._closing = True
            for run in self.runs.values():
                run.state = "STOPPED" if run.state == "RUNNING" else run.state
            threads = list(self._threads)
        for thread in threads:
            thread.join(60)
        if self._ready:
            self._engine.stop()
        self.redshift.close()


_current: ContextVar[tuple[Glue, Run] | None] = ContextVar("the job run of this thread", default=None)


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if (current := _current.get()) is not None:
            glue, run = current
            glue._log(run, "output", self.format(record))

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname} {record.name}: {record.getMessage()}"


# --- in place of moto's -------------------------------------------------------------------------------


@contextmanager
def replacing(glue: Glue, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let moto's Glue and Step Functions work through `glue`; Sail and the interpreter find the server."""

    class ScriptRun(FakeJobRun):
        """moto's job run, whose state is that of a `Run`."""

        def __init__(self, job_name: str, **settings: Any) -> None:
            super().__init__(job_name=job_name, **settings)
            job = glue_models.glue_backends[ACCOUNT][REGION].get_job(job_name).as_dict()
            self.run = Run(self.job_run_id, job, self.arguments or {})
            glue.start(job, self.run)

        def advance(self) -> None:
            pass

        @property  # type: ignore[misc]
        def status(self) -> str:
            return self.run.state

        def as_dict(self) -> dict[str, Any]:
            return {key: value for key, value in self.run.described().items() if value is not None}

    def wait_for_the_run(self: Any, env: Any, **integration: Any) -> None:
        run = glue.runs[env.stack[-1]["JobRunId"]]
        resolver = self._build_sync_resolver(env, **integration)
        while env.is_running():
            # Only a run that has ended is worth a call.
            if run.state != "RUNNING" and (result := resolver()) is not None:
                env.stack.append(result)
                return
            time.sleep(POLL)

    def history_in_pages(response: Any) -> Any:
        """GetExecutionHistory with the paging and the order that moto leaves out."""
        result = original(response)
        events: list[Any] = cast("Any", result.result)["events"]
        if response._get_param("reverseOrder"):
            events = events[::-1]
        start, size = int(response._get_param("nextToken") or 0), response._get_param("maxResults") or 100
        page: dict[str, Any] = {"events": events[start : start + size]}
        if start + size < len(events):
            page["nextToken"] = str(start + size)
        return type(result)(page)

    def start_alone(*arguments: Any, **settings: Any) -> str:
        with starting:  # moto counts the runs and adds one, which two threads may do at once
            id: str = start_job_run(*arguments, **settings)
            return id

    def stop_for_a_reason(response: Any) -> Any:
        """StopExecution with the error and the cause that moto drops, and no event after it but its own."""
        arn = response._get_param("executionArn")
        execution = response.stepfunction_backend.describe_execution(arn)
        halted.add(execution.exec_worker.env.event_manager)
        execution.stop(datetime.now(UTC), response._get_param("error"), response._get_param("cause"))
        return ActionResult({"stopDate": datetime.now(UTC)})

    def events_by_prefix(response: Any) -> str:
        """FilterLogEvents with the prefix that moto passes over."""
        found = json.loads(filter_log_events(response))
        prefix = response._get_param("logStreamNamePrefix") or ""
        found["events"] = [event for event in found["events"] if event["logStreamName"].startswith(prefix)]
        return json.dumps(found)

    def add_event(manager: Any, context: Any, event_type: Any, *details: Any, **others: Any) -> int:
        """moto lets the tasks of a stopped execution succeed."""
        if manager in halted and event_type != "ExecutionAborted":
            return 0
        id: int = original_add_event(manager, context, event_type, *details, **others)
        return id

    halted: set[Any] = set()
    original_add_event = EventManager.add_event
    filter_log_events = LogsResponse.filter_log_events
    starting, start_job_run = threading.Lock(), FakeJob.start_job_run
    original = StepFunctionResponse.get_execution_history
    address = f"http://127.0.0.1:{port}"
    for name, value in {
        "MOTO_PORT": str(port),
        "AWS_ENDPOINT": address,
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    monkeypatch.setattr(glue_models, "FakeJobRun", ScriptRun)
    monkeypatch.setattr(FakeJob, "start_job_run", start_alone)
    monkeypatch.setattr(stepfunctions_models, "stepfunctions_backends", stepfunctions_parser_backends)
    monkeypatch.setattr(StateTaskServiceGlue, "_eval_integration_pattern", wait_for_the_run)
    monkeypatch.setattr(StateTaskServiceGlue, "_get_glue_client", lambda *_, **__: glue.client("glue"))
    hasty = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / HASTE))
    monkeypatch.setattr(retrier_decl, "time", hasty)
    monkeypatch.setattr(StepFunctionResponse, "get_execution_history", history_in_pages)
    monkeypatch.setattr(EventManager, "add_event", add_event)
    monkeypatch.setattr(LogsResponse, "filter_log_events", events_by_prefix)
    monkeypatch.setattr(StepFunctionResponse, "stop_execution", stop_for_a_reason)
    try:
        yield
    finally:
        glue.close()
