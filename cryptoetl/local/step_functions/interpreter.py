"""Interpreter of state machines: runs one as Step Functions would and writes the same history.

A definition is parsed by `parser`, which refuses whatever is not implemented. The branches of a Parallel
state run in threads. Every event has the keys that boto3's `get_execution_history` returns, so that
`state_machine.history` folds the events of both targets. Jobs, clock, sleep and randomness are passed in.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptoetl.local.step_functions import states_language as asl
from cryptoetl.local.step_functions.data_flow import StateError, holds, matches, payload, place, select
from cryptoetl.local.step_functions.expressions import MissingPath, evaluate
from cryptoetl.local.step_functions.history import Event, History, Unrecorded, dumps
from cryptoetl.local.step_functions.parser import parse

CAUSE_LIMIT = 32_768
"""Characters of an error's cause in a history event (AWS API)."""

_SLICE = 0.25
"""Seconds between two checks of a waiting retry for `stop`."""

_RESOURCE = {"resourceType": "glue", "resource": "startJobRun.sync"}


class TaskFailed(StateError):
    """Raised by `run_job`: States.TaskFailed with the job run as JSON, or an error of Glue's API."""


class _Halted(Exception):
    """The execution, or the Parallel state around this branch, has ended: enter no further state."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: `output` if it SUCCEEDED, otherwise `error` and `cause`."""

    status: Literal["SUCCEEDED", "FAILED", "ABORTED"]
    output: Any = None
    error: str | None = None
    cause: str | None = None


@dataclass
class _Frame:
    """The state of one thread of the execution: its latest event, its data, and whether it has to end.

    The JSON of the latest data is kept, because a state's input is the output of the one before it, and all
    branches have the same input.
    """

    halted: Callable[[], bool]
    previous: int = 0
    data: Any = None
    json: str = "null"

    def payload(self, data: Any) -> str:
        """Return a state's data as JSON. Raises StateError above the payload limit."""
        if data is not self.data:
            self.json, self.data = payload(data), data
        return self.json


class Interpreter:
    """One execution of a definition. `run` may be called once, `stop` at any time and from any thread.

    `run_job(job_name, arguments)` returns the JobRun of a run that SUCCEEDED, or raises TaskFailed; it is
    called from many threads. `record` receives each event in the order of their ids; if it raises, the run
    ends with that exception. Raises UnsupportedDefinition.
    """

    def __init__(  # noqa: PLR0913 - every effect is a keyword
        self,
        definition: Mapping[str, Any],
        *,
        run_job: Callable[[str, Mapping[str, str]], Mapping[str, Any]],
        record: Callable[[Event], None],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._machine = parse(definition)
        self._run_job = run_job
        self._history = History(record, clock)
        self._sleep = sleep
        self._random = random
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Enter no further state. `run` returns when the job runs in progress have ended."""
        self._stopped.set()

    def run(self, input_data: Mapping[str, Any]) -> Outcome:
        """Execute the machine; return when every thread has ended."""
        try:
            return self._execution(dict(input_data))
        except Unrecorded:
            assert self._history.broken is not None
            raise self._history.broken from None

    def _execution(self, input_data: Mapping[str, Any]) -> Outcome:
        frame = _Frame(self._stopped.is_set)
        started = {"input": dumps(input_data), "roleArn": "local"}
        self._emit(frame, "ExecutionStarted", executionStarted=started)
        frame.previous = 0  # as on AWS, the first state does not follow from this event
        try:
            output = self._run(self._machine, input_data, frame)
        except StateError as failure:
            details = {"error": failure.error, "cause": failure.cause}
            self._emit(frame, "ExecutionFailed", executionFailed=details)
            return Outcome("FAILED", **details)
        except _Halted:
            details = {"error": "Stopped", "cause": "The execution was stopped."}
            self._emit(frame, "ExecutionAborted", executionAborted=details)
            return Outcome("ABORTED", **details)
        self._emit(frame, "ExecutionSucceeded", executionSucceeded={"output": dumps(output)})
        return Outcome("SUCCEEDED", output)

    def _run(self, machine: asl.Machine, data: Any, frame: _Frame) -> Any:
        """Run states until one ends the machine; return its output. Raises StateError and _Halted."""
        state: asl.State | None = machine.states[machine.start_at]
        while state is not None:
            if frame.halted():
                raise _Halted
            kind = f"{type(state).__name__}State"
            self._emit(
                frame, f"{kind}Entered", stateEntered={"name": state.name, "input": frame.payload(data)}
            )
            try:
                data, target = self._execute(state, data, frame)
            except MissingPath as missing:
                raise StateError(
                    "States.Runtime", f"{state.name}: the path {missing} leads nowhere in the state's data"
                ) from None
            self._emit(
                frame, f"{kind}Exited", stateExited={"name": state.name, "output": frame.payload(data)}
            )
            state = machine.states[target] if target is not None else None
        return data

    def _execute(self, state: asl.State, data: Any, frame: _Frame) -> tuple[Any, str | None]:
        """Return the state's output and the name of the next state."""
        match state:
            case asl.Task():
                return self._catching(state, data, lambda: self._task(state, data, frame))
            case asl.Parallel():
                return self._catching(state, data, lambda: self._parallel(state, data, frame))
            case asl.Choice():
                targets = (target for rule, target in state.rules if holds(rule, data))
                return evaluate(state.output_path, data), next(targets, state.default)
            case asl.Pass():
                return evaluate(state.output, data), state.next_state
            case asl.Succeed():
                return data, None
            case asl.Fail():
                raise StateError(state.error, state.cause)

    def _catching(
        self, state: asl.Task | asl.Parallel, data: Any, execute: Callable[[], Any]
    ) -> tuple[Any, str | None]:
        try:
            return execute(), state.next_state
        except StateError as failure:
            for catcher in state.catch:
                if matches(catcher.errors, failure.error):
                    caught = {"Error": failure.error, "Cause": failure.cause}
                    return place(caught, catcher.field, data), catcher.next_state
            raise

    def _task(self, task: asl.Task, data: Any, frame: _Frame) -> Any:
        arguments = evaluate(task.arguments, data)
        attempts = [0] * len(task.retry)
        while True:
            try:
                job_run = self._attempt(task.job_name, arguments, frame)
                break
            except TaskFailed as failure:
                matching = (
                    n for n, retrier in enumerate(task.retry) if matches(retrier.errors, failure.error)
                )
                number = next(matching, None)
                if number is None or attempts[number] >= task.retry[number].attempts:
                    raise
                self._wait(task.retry[number].delay(attempts[number], self._random()), frame)
                attempts[number] += 1
        if not task.keep_result:
            return data
        return select(task.selector, job_run)

    def _attempt(self, job_name: str, arguments: Mapping[str, str], frame: _Frame) -> Any:
        """Run a job once and return its JobRun as JSON data. Raises TaskFailed."""
        parameters = dumps({"JobName": job_name, "Arguments": arguments})
        scheduled = {**_RESOURCE, "region": "local", "parameters": parameters}
        self._emit(frame, "TaskScheduled", taskScheduled=scheduled)
        self._emit(frame, "TaskStarted", taskStarted=_RESOURCE)
        try:
            job_run = json.loads(dumps(self._run_job(job_name, arguments)))
        except TaskFailed as failure:
            self._failed(failure, job_name, frame)
            raise
        except (Exception, SystemExit) as bug:
            # Any error here fails this currency alone.
            broken = TaskFailed("States.TaskFailed", f"{type(bug).__name__}: {bug}")
            self._failed(broken, job_name, frame)
            raise broken from bug
        self._submitted(job_name, job_run, frame)
        self._emit(frame, "TaskSucceeded", taskSucceeded={**_RESOURCE, "output": dumps(job_run)})
        return job_run

    def _submitted(self, job_name: str, job_run: Mapping[str, Any], frame: _Frame) -> None:
        output = dumps({"JobName": job_name, "JobRunId": job_run.get("Id")})
        self._emit(frame, "TaskSubmitted", taskSubmitted={**_RESOURCE, "output": output})

    def _failed(self, failure: TaskFailed, job_name: str, frame: _Frame) -> None:
        failure.cause = failure.cause[:CAUSE_LIMIT]
        details = {**_RESOURCE, "error": failure.error, "cause": failure.cause}
        if failure.error.startswith("Glue."):  # the API refused: there is no job run
            self._emit(frame, "TaskSubmitFailed", taskSubmitFailed=details)
            return
        try:
            job_run = json.loads(failure.cause)
        except ValueError:
            job_run = None
        if isinstance(job_run, dict) and "Id" in job_run:
            self._submitted(job_name, job_run, frame)
        self._emit(frame, "TaskFailed", taskFailed=details)

    def _wait(self, seconds: float, frame: _Frame) -> None:
        while seconds > 0:
            if frame.halted():
                raise _Halted
            self._sleep(min(seconds, _SLICE))
            seconds -= _SLICE
        if frame.halted():
            raise _Halted

    def _parallel(self, state: asl.Parallel, data: Any, frame: _Frame) -> Any:
        data = evaluate(state.input_path, data)
        self._emit(frame, "ParallelStateStarted")
        failed = threading.Event()  # an uncaught failure of one branch halts the others
        text = dumps(data)
        frames = [
            _Frame(lambda: failed.is_set() or frame.halted(), frame.previous, data, text)
            for _ in state.branches
        ]
        results: list[Any] = [None] * len(state.branches)
        errors: list[BaseException] = []

        def run(number: int) -> None:
            try:
                results[number] = self._run(state.branches[number], data, frames[number])
            except BaseException as error:  # handled when all threads have ended
                errors.append(error)
                failed.set()

        self._run_threads(
            [
                threading.Thread(target=run, args=[number], name=branch.start_at, daemon=True)
                for number, branch in enumerate(state.branches)
            ]
        )
        frame.previous = max([frame.previous, *(branch.previous for branch in frames)])
        if errors:
            failure = next((error for error in errors if not isinstance(error, _Halted)), errors[0])
            if isinstance(failure, StateError):
                self._emit(frame, "ParallelStateFailed")
            raise failure
        self._emit(frame, "ParallelStateSucceeded")
        return select(state.selector, results)

    def _run_threads(self, threads: Sequence[threading.Thread]) -> None:
        """Run threads to their end; after an interruption, stop the execution and still wait for them."""
        started: list[threading.Thread] = []
        try:
            for thread in threads:
                thread.start()
                started.append(thread)
            for thread in started:
                thread.join()
        except BaseException:  # Ctrl-C, or the system's limit of threads
            self._stopped.set()
            for thread in started:
                thread.join()
            raise

    def _emit(self, frame: _Frame, event_type: str, **details: Mapping[str, Any]) -> None:
        """Record an event after the frame's previous one. Raises Unrecorded."""
        try:
            frame.previous = self._history.append(event_type, frame.previous, details)
        except Unrecorded:
            self._stopped.set()
            raise
