"""Task states: calls of Glue and S3 with their retries and events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptoetl.local.step_functions import states_language as asl
from cryptoetl.local.step_functions.data_flow import StateError, matches, place, select
from cryptoetl.local.step_functions.expressions import evaluate
from cryptoetl.local.step_functions.frame import Frame, Halted
from cryptoetl.local.step_functions.history import dumps

CAUSE_LIMIT = 32_768
"""Characters of an error's cause in a history event (AWS API)."""

_SLICE = 0.25
"""Seconds between two checks of a waiting retry for `stop`."""

_JOB_RUN = {"resourceType": "glue", "resource": "startJobRun.sync"}
_S3 = "aws-sdk:s3"

RunJob = Callable[[str, Mapping[str, str]], Mapping[str, Any]]


class TaskFailed(StateError):
    """Raised by `run_job`: States.TaskFailed with the job run as JSON, or an error of Glue's API."""


class Objects(Protocol):
    """The objects that a machine reads and writes. Methods raise OSError."""

    def get(self, bucket: str, key: str) -> bytes:
        """Return an object's content."""

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""


class NoObjects:
    """The objects of a machine that uses none."""

    def get(self, bucket: str, key: str) -> bytes:
        """Raise FileNotFoundError."""
        raise FileNotFoundError(f"s3://{bucket}/{key}")

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Raise FileNotFoundError."""
        raise FileNotFoundError(f"s3://{bucket}/{key}: {len(content)} bytes")


@dataclass(frozen=True)
class Tasks:
    """Carries out Task states. `run_job` and `objects` are called from many threads."""

    run_job: RunJob
    objects: Objects
    sleep: Callable[[float], None]
    random: Callable[[], float]

    def run(self, task: asl.Task, data: Any, frame: Frame) -> Any:
        """Return the state's output. Raises StateError, and Halted while it waits for a retry."""
        attempts = [0] * len(task.retry)
        while True:
            try:
                result = self._attempt(task.action, data, frame)
                break
            except TaskFailed as failure:
                matching = (
                    n for n, retrier in enumerate(task.retry) if matches(retrier.errors, failure.error)
                )
                number = next(matching, None)
                if number is None or attempts[number] >= task.retry[number].attempts:
                    raise
                self._wait(task.retry[number].delay(attempts[number], self.random()), frame)
                attempts[number] += 1
        if not task.keep_result:
            return data
        selected = select(task.selector, result)
        return selected if task.field is None else place(selected, task.field, data)

    def _attempt(self, action: asl.Action, data: Any, frame: Frame) -> Any:
        match action:
            case asl.StartJobRun():
                return self._job_run(action.job_name, evaluate(action.arguments, data, frame.context), frame)
            case asl.GetObject(bucket, key):
                request = {"Bucket": bucket, "Key": evaluate(key, data, frame.context)}
                return self._s3("getObject", request, lambda: self._get(**request), frame)
            case asl.PutObject(bucket, key, body):
                request = {"Bucket": bucket, "Key": evaluate(key, data, frame.context)}
                content = dumps(evaluate(body, data, frame.context)).encode()
                return self._s3("putObject", request, lambda: self._put(content, **request), frame)

    def _get(self, Bucket: str, Key: str) -> Mapping[str, Any]:
        return {"Body": self.objects.get(Bucket, Key).decode()}

    def _put(self, content: bytes, Bucket: str, Key: str) -> Mapping[str, Any]:
        self.objects.put(Bucket, Key, content)
        return {}

    def _s3(
        self, resource: str, request: Mapping[str, Any], call: Callable[[], Mapping[str, Any]], frame: Frame
    ) -> Any:
        named = {"resourceType": _S3, "resource": resource}
        frame.emit("TaskScheduled", taskScheduled={**named, "region": "local", "parameters": dumps(request)})
        frame.emit("TaskStarted", taskStarted=named)
        try:
            result = call()
        except (OSError, ValueError) as error:
            failure = TaskFailed("S3.S3Exception", f"{type(error).__name__}: {error}"[:CAUSE_LIMIT])
            frame.emit("TaskFailed", taskFailed={**named, "error": failure.error, "cause": failure.cause})
            raise failure from error
        frame.emit("TaskSucceeded", taskSucceeded={**named, "output": dumps(result)})
        return result

    def _job_run(self, job_name: str, arguments: Mapping[str, str], frame: Frame) -> Any:
        """Run a job once and return its JobRun as JSON data. Raises TaskFailed."""
        parameters = dumps({"JobName": job_name, "Arguments": arguments})
        frame.emit("TaskScheduled", taskScheduled={**_JOB_RUN, "region": "local", "parameters": parameters})
        frame.emit("TaskStarted", taskStarted=_JOB_RUN)
        try:
            job_run = json.loads(dumps(self.run_job(job_name, arguments)))
        except TaskFailed as failure:
            _failed(failure, job_name, frame)
            raise
        except (Exception, SystemExit) as bug:
            # Any error here fails this currency or this group alone.
            broken = TaskFailed("States.TaskFailed", f"{type(bug).__name__}: {bug}")
            _failed(broken, job_name, frame)
            raise broken from bug
        _submitted(job_name, job_run, frame)
        frame.emit("TaskSucceeded", taskSucceeded={**_JOB_RUN, "output": dumps(job_run)})
        return job_run

    def _wait(self, seconds: float, frame: Frame) -> None:
        while seconds > 0:
            if frame.halted():
                raise Halted
            self.sleep(min(seconds, _SLICE))
            seconds -= _SLICE
        if frame.halted():
            raise Halted


def _submitted(job_name: str, job_run: Mapping[str, Any], frame: Frame) -> None:
    output = dumps({"JobName": job_name, "JobRunId": job_run.get("Id")})
    frame.emit("TaskSubmitted", taskSubmitted={**_JOB_RUN, "output": output})


def _failed(failure: TaskFailed, job_name: str, frame: Frame) -> None:
    failure.cause = failure.cause[:CAUSE_LIMIT]
    details = {**_JOB_RUN, "error": failure.error, "cause": failure.cause}
    if failure.error.startswith("Glue."):  # the API refused: there is no job run
        frame.emit("TaskSubmitFailed", taskSubmitFailed=details)
        return
    try:
        job_run = json.loads(failure.cause)
    except ValueError:
        job_run = None
    if isinstance(job_run, dict) and "Id" in job_run:
        _submitted(job_name, job_run, frame)
    frame.emit("TaskFailed", taskFailed=details)
