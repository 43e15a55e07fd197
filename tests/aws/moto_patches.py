"""Patches of moto: its Glue, Step Functions and CloudWatch Logs work through tests/aws/glue.py.

moto's interpreter runs the state machine but cannot run Glue tasks, and its job runs do nothing.
"""

from __future__ import annotations

import json
import os
import threading
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from moto.core.responses import ActionResult
from moto.glue import models as glue_models
from moto.glue.models import FakeConnection, FakeJob, FakeJobRun
from moto.logs.responses import LogsResponse
from moto.stepfunctions import models as stepfunctions_models
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
)
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from tests.aws.cloudformation import ACCOUNT, REGION
from tests.aws.glue import POLL, WORKING, Glue, Run

SPEEDUP = 50
"""How much faster than on AWS the interpreter retries a throttled start."""


@contextmanager
def patched(glue: Glue, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Patch moto during the block; Sail and the interpreter find the server at this port."""
    address = f"http://127.0.0.1:{port}"
    for name, value in {
        "MOTO_PORT": str(port),
        "AWS_ENDPOINT": address,
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    _patch_job_runs(glue, monkeypatch)
    _patch_tasks(glue, monkeypatch)
    _patch_history(monkeypatch)
    _patch_stop(monkeypatch)
    _patch_logs(monkeypatch)
    _patch_connections(monkeypatch)
    try:
        yield
    finally:
        glue.close()


def _patch_job_runs(glue: Glue, monkeypatch: pytest.MonkeyPatch) -> None:
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

    starting, original = threading.Lock(), FakeJob.start_job_run

    def start_one_at_a_time(job: FakeJob, *arguments: Any, **settings: Any) -> str:
        with starting:  # moto compares the number of runs with the limit, and then adds one
            limit = job.execution_property
            if job.name in glue.queues:  # there the run waits
                job.execution_property = {"MaxConcurrentRuns": 10_000}
            try:
                run_id: str = original(job, *arguments, **settings)
            finally:
                job.execution_property = limit
            return run_id

    monkeypatch.setattr(glue_models, "FakeJobRun", ScriptRun)
    monkeypatch.setattr(FakeJob, "start_job_run", start_one_at_a_time)


def _patch_tasks(glue: Glue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run Glue tasks in moto's interpreter."""

    def wait_for_the_run(self: Any, env: Any, **integration: Any) -> None:
        run = glue.runs[env.stack[-1]["JobRunId"]]
        resolver = self._build_sync_resolver(env, **integration)
        while env.is_running():
            # The resolver makes a call: not before the run has ended.
            if run.state not in WORKING and (result := resolver()) is not None:
                env.stack.append(result)
                return
            time.sleep(POLL)

    monkeypatch.setattr(stepfunctions_models, "stepfunctions_backends", stepfunctions_parser_backends)
    monkeypatch.setattr(StateTaskServiceGlue, "_eval_integration_pattern", wait_for_the_run)
    monkeypatch.setattr(StateTaskServiceGlue, "_get_glue_client", lambda *_, **__: glue.client("glue"))
    clock = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / SPEEDUP))
    monkeypatch.setattr(retrier_decl, "time", clock)


def _patch_history(monkeypatch: pytest.MonkeyPatch) -> None:
    original = StepFunctionResponse.get_execution_history

    def history_in_pages(response: Any) -> Any:
        """Answer GetExecutionHistory with pages and reverse order, which moto ignores."""
        result = original(response)
        events: list[Any] = cast("Any", result.result)["events"]
        if response._get_param("reverseOrder"):
            events = events[::-1]
        start, size = int(response._get_param("nextToken") or 0), response._get_param("maxResults") or 100
        page: dict[str, Any] = {"events": events[start : start + size]}
        if start + size < len(events):
            page["nextToken"] = str(start + size)
        return type(result)(page)

    monkeypatch.setattr(StepFunctionResponse, "get_execution_history", history_in_pages)


def _patch_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: set[Any] = set()
    original = EventManager.add_event

    def stop_execution(response: Any) -> Any:
        """Answer StopExecution with error and cause, which moto drops."""
        arn = response._get_param("executionArn")
        execution = response.stepfunction_backend.describe_execution(arn)
        stopped.add(execution.exec_worker.env.event_manager)
        execution.stop(datetime.now(UTC), response._get_param("error"), response._get_param("cause"))
        return ActionResult({"stopDate": datetime.now(UTC)})

    def add_event(manager: Any, context: Any, event_type: Any, *details: Any, **others: Any) -> int:
        """Add no event after the end of a stopped execution, whose tasks moto lets succeed."""
        if manager in stopped and event_type != "ExecutionAborted":
            return 0
        number: int = original(manager, context, event_type, *details, **others)
        return number

    monkeypatch.setattr(EventManager, "add_event", add_event)
    monkeypatch.setattr(StepFunctionResponse, "stop_execution", stop_execution)


def _patch_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    original = LogsResponse.filter_log_events

    def events_by_prefix(response: Any) -> str:
        """Answer FilterLogEvents with the prefix, which moto ignores."""
        found = json.loads(original(response))
        prefix = response._get_param("logStreamNamePrefix") or ""
        found["events"] = [event for event in found["events"] if event["logStreamName"].startswith(prefix)]
        return json.dumps(found)

    monkeypatch.setattr(LogsResponse, "filter_log_events", events_by_prefix)


def _patch_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    original = FakeConnection.as_dict

    def as_dict(connection: Any, hide_password: bool = False) -> dict[str, Any]:
        """Return a connection with its type and place, which moto leaves out."""
        own = ("ConnectionType", "PhysicalConnectionRequirements")
        given = {key: connection.connection_input[key] for key in own if key in connection.connection_input}
        return original(connection, hide_password=hide_password) | given

    monkeypatch.setattr(FakeConnection, "as_dict", as_dict)
