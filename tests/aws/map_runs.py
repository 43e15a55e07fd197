"""Step Functions for state machines with a Distributed Map, which moto refuses.

The machine itself, its ARN and its tags stay with moto, which holds a definition of one state in its place.
Its executions are run here, by the local interpreter, with Glue runs and objects of the emulated account.
The answers follow the Step Functions API Reference (ListMapRuns, DescribeMapRun, ListExecutions by mapRunArn)
and the worst that AWS documents: a Map Run outlives its parent, stopping a child does not stop its job run.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cryptoetl.local.step_functions.history import Event, dumps
from cryptoetl.local.step_functions.interpreter import Interpreter, TaskFailed
from cryptoetl.local.step_functions.parser import parse
from tests.aws.glue import POLL, Glue

SPEEDUP = 50
PLACEHOLDER = json.dumps({"StartAt": "Held elsewhere", "States": {"Held elsewhere": {"Type": "Succeed"}}})
_OURS = "AWSStepFunctions."


@dataclass
class Execution:
    """An execution, or a child execution of a Map Run."""

    arn: str
    machine: str
    input: Mapping[str, Any]
    map_run: str | None = None
    status: str = "RUNNING"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    output: str | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    def record(self, event: Event) -> None:
        if self.status == "RUNNING":
            self.events.append(event)

    def end(self, status: str, output: Any = None) -> None:
        if self.status == "RUNNING":
            self.status, self.ended = status, datetime.now(UTC)
            self.output = None if output is None else dumps(output)

    def listed(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "executionArn": self.arn,
            "stateMachineArn": self.machine,
            "name": self.name,
            "status": self.status,
            "startDate": self.started.timestamp(),
        }
        found |= {"stopDate": self.ended.timestamp()} if self.ended else {}
        if self.map_run:
            found |= {"mapRunArn": self.map_run, "itemCount": len(self.input["Items"])}
        return found


class Objects:
    """The objects of the account, for the interpreter."""

    def __init__(self, client: Callable[[str], Any], stopped: Callable[[str], bool]) -> None:
        self._client = client
        self._stopped = stopped

    def get(self, bucket: str, key: str) -> bytes:
        try:
            body: bytes = self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise OSError(str(error)) from error
        return body

    def put(self, bucket: str, key: str, content: bytes) -> None:
        if self._stopped(key):
            raise OSError("the child execution was stopped")
        self._client("s3").put_object(Bucket=bucket, Key=key, Body=content)


class MapRuns:
    """The machines with a Distributed Map of an account, and their executions."""

    def __init__(self, client: Callable[[str], Any], glue: Glue) -> None:
        self._client = client
        self._glue = glue
        self.definitions: dict[str, str] = {}
        self.executions: dict[str, Execution] = {}
        self._threads: list[threading.Thread] = []
        self._closing = False

    # --- the calls

    def rewritten(self, target: str, body: bytes) -> bytes:
        """Return the request that moto gets: with a definition that it can hold."""
        if target not in (f"{_OURS}CreateStateMachine", f"{_OURS}UpdateStateMachine"):
            return body
        p = json.loads(body)
        arn = p.get("stateMachineArn") or f"arn:aws:states:eu-central-1:123456789012:stateMachine:{p['name']}"
        if not is_distributed(p.get("definition", "")):
            if "definition" in p:
                self.definitions.pop(arn, None)
            return body
        self.definitions[arn] = p["definition"]
        return json.dumps(p | {"definition": PLACEHOLDER}).encode()

    def answer(self, target: str, p: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a call that concerns a machine, execution or Map Run of ours; else None."""
        machine, execution = p.get("stateMachineArn"), self.executions.get(p.get("executionArn", ""))
        operation = target.removeprefix(_OURS)
        if execution is not None:
            return self._about_execution(operation, execution, p)
        match operation:
            case "ValidateStateMachineDefinition" if is_distributed(p["definition"]):
                return validated(p["definition"])
            case "CreateStateMachine" | "UpdateStateMachine" if is_distributed(p.get("definition", "")):
                faults = validated(p["definition"])["diagnostics"]
                return {"__type": "InvalidDefinition", "message": faults[0]["message"]} if faults else None
            case "StartExecution" if machine in self.definitions:
                return self._start(str(machine), p)
            case "ListExecutions" if "mapRunArn" in p:
                return self._list(lambda e: e.map_run == p["mapRunArn"], p)
            case "ListExecutions" if machine in self.definitions:
                return self._list(lambda e: e.machine == machine and e.map_run is None, p)
            case "DescribeMapRun":
                return self._map_run(p["mapRunArn"])
        return None

    def _about_execution(
        self, operation: str, execution: Execution, p: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        match operation:
            case "DescribeExecution":
                output = {"output": execution.output} if execution.output else {}
                return execution.listed() | {"input": dumps(execution.input)} | output
            case "GetExecutionHistory":
                return _page("events", _wire(execution.events, reverse=bool(p.get("reverseOrder"))), p)
            case "StopExecution":
                return self._stop(execution, p)
            case "ListMapRuns":
                return {"mapRuns": [self._map_run(arn) for arn in self._map_runs(execution)]}
        return None

    def completed(self, target: str, p: Mapping[str, Any], answer: bytes) -> bytes:
        """Return moto's answer with the definition that it does not hold."""
        definition = self.definitions.get(str(p.get("stateMachineArn", "")))
        if target != f"{_OURS}DescribeStateMachine" or definition is None:
            return answer
        return json.dumps(json.loads(answer) | {"definition": definition}).encode()

    # --- the work

    def _start(self, machine: str, p: Mapping[str, Any]) -> dict[str, Any]:
        arn = machine.replace(":stateMachine:", ":execution:") + f":{p['name']}"
        input_data = json.loads(p.get("input") or "{}")
        if (known := self.executions.get(arn)) is not None and known.input != input_data:
            return {"__type": "ExecutionAlreadyExists", "message": f"Execution Already Exists: {arn!r}"}
        if known is None:
            execution = self.executions[arn] = Execution(arn, machine, input_data)
            thread = threading.Thread(target=self._run, args=(execution,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return {"executionArn": arn, "startDate": self.executions[arn].started.timestamp()}

    def _run(self, execution: Execution) -> None:
        children: dict[str, Execution] = {}

        def record_child(map_run: str, input_data: Mapping[str, Any]) -> Callable[[Event], None]:
            label = map_run.rpartition("/")[2].partition(":")[0]
            arn = execution.machine.replace(":stateMachine:", ":execution:") + f"/{label}:{uuid.uuid4()}"
            child = Execution(arn, f"{execution.machine}/{label}", input_data, map_run)
            children[_first(input_data["Items"])] = child
            self.executions[child.arn] = child

            def record(event: Event) -> None:
                child.record(event)
                if event["type"] in _ENDS:
                    child.end(_ENDS[event["type"]], {})

            return record

        def stopped(key: str) -> bool:
            child = children.get(key.rpartition("/")[2].removesuffix(".json"))
            return self._closing or (child is not None and child.status == "ABORTED")

        def run_job(job: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
            child = children.get(_first(json.loads(arguments.get("--GROUP", "[]"))))
            if self._closing or (child or execution).status == "ABORTED":
                raise TaskFailed("Stopped", "the execution was stopped")
            return self._job_run(job, arguments)

        outcome = Interpreter(
            json.loads(self.definitions[execution.machine]),
            name=execution.name,
            map_runs=execution.machine.replace(":stateMachine:", ":mapRun:"),
            run_job=run_job,
            objects=Objects(self._client, stopped),
            record=execution.record,
            record_child=record_child,
            clock=lambda: datetime.now(UTC),
            sleep=lambda seconds: time.sleep(seconds / SPEEDUP),
            random=lambda: 0.5,
        ).run(execution.input)
        execution.end(outcome.status, outcome.output)

    def _job_run(self, job: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Run a job as `startJobRun.sync` does. Raises TaskFailed."""
        try:
            run_id = self._client("glue").start_job_run(JobName=job, Arguments=arguments)["JobRunId"]
        except ClientError as error:
            raise TaskFailed(f"Glue.{error.response['Error']['Code']}", str(error)) from error
        run = self._glue.runs[run_id]
        while run.state in ("RUNNING", "WAITING") and not self._closing:
            time.sleep(POLL)
        described = run.described()
        if run.state in ("FAILED", "TIMEOUT", "ERROR"):
            raise TaskFailed("States.TaskFailed", dumps(described))
        return described

    def _stop(self, execution: Execution, p: Mapping[str, Any]) -> dict[str, Any]:
        details = {"error": p.get("error", ""), "cause": p.get("cause", "")}
        if execution.status == "RUNNING":
            last = execution.events[-1]["id"] if execution.events else 0
            execution.record({
                "id": last + 1, "previousEventId": last, "timestamp": datetime.now(UTC),
                "type": "ExecutionAborted", "executionAbortedEventDetails": details,
            })  # fmt: skip
            execution.end("ABORTED")
        return {"stopDate": (execution.ended or datetime.now(UTC)).timestamp()}

    def _list(self, wanted: Callable[[Execution], bool], p: Mapping[str, Any]) -> dict[str, Any]:
        found = [e for e in reversed(self.executions.values()) if wanted(e)]
        if status := p.get("statusFilter"):
            found = [execution for execution in found if execution.status == status]
        return _page("executions", [execution.listed() for execution in found], p)

    def _map_runs(self, execution: Execution) -> list[str]:
        return [
            event["mapRunStartedEventDetails"]["mapRunArn"]
            for event in _wire(execution.events, reverse=False)
            if event["type"] == "MapRunStarted"
        ]

    def _map_run(self, arn: str) -> dict[str, Any]:
        children = [execution for execution in self.executions.values() if execution.map_run == arn]
        words = ("running", "succeeded", "failed", "aborted")
        counts = {word: sum(child.status == word.upper() for child in children) for word in words}
        status = "RUNNING" if counts["running"] else "ABORTED" if counts["aborted"] else "SUCCEEDED"
        return {"mapRunArn": arn, "status": status, "executionCounts": counts | {"total": len(children)}}

    def close(self) -> None:
        """End all executions before the account."""
        self._closing = True
        for thread in self._threads:
            thread.join(60)


_NOT_IN_LABELS = set('?*<>{}[]:;,\\|^~$#%&`" ')
_ENDS = {"ExecutionSucceeded": "SUCCEEDED", "ExecutionFailed": "FAILED", "ExecutionAborted": "ABORTED"}


def is_distributed(definition: str) -> bool:
    """Return whether a definition has a Distributed Map."""
    return '"DISTRIBUTED"' in definition


def _first(items: Sequence[Mapping[str, str]]) -> str:
    return next((item["TICKER"] for item in items if item), "")


def _page(key: str, found: list[Any], p: Mapping[str, Any]) -> dict[str, Any]:
    start, size = int(p.get("nextToken") or 0), p.get("maxResults") or 100
    more = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return {key: found[start : start + size], **more}


def _wire(events: Sequence[Event], *, reverse: bool) -> list[Event]:
    """Return events as the API does, with times in seconds."""
    found = [{**event, "timestamp": event["timestamp"].timestamp()} for event in list(events)]
    return found[::-1] if reverse else found


def validated(definition: str) -> dict[str, Any]:
    """Validate as ValidateStateMachineDefinition does, by the rules of AWS's documentation."""
    faults = [
        {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": fault}
        for fault in _faults(definition)
    ]
    return {"result": "FAIL" if faults else "OK", "diagnostics": faults}


def _faults(definition: str) -> Iterator[str]:
    """Yield what breaks a documented rule (Developer Guide: Map state in Distributed mode, its fields)."""
    machine = json.loads(definition)
    try:
        parse(machine)
    except Exception as error:
        yield str(error)
    for name, state in machine["States"].items():
        if state.get("Type") != "Map":
            continue
        if len(state.get("Label", "")) > 40 or any(
            c in state.get("Label", "") for c in '?*<>{}[]:;,\\|^~$#%&`" '
        ):
            yield f"{name}: Label is at most 40 characters without spaces, wildcards and special characters"
        if not 0 <= state.get("MaxConcurrency", 0) <= 10_000:
            yield f"{name}: MaxConcurrency is at most 10,000"
        if not state["ItemBatcher"].get("MaxItemsPerBatch", 0) >= 1:
            yield f"{name}: MaxItemsPerBatch is a positive integer"
        if not 0 <= state.get("ToleratedFailurePercentage", 0) <= 100:
            yield f"{name}: ToleratedFailurePercentage is between 0 and 100"
