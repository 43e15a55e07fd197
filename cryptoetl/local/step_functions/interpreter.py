"""Interpreter of state machines: runs one as Step Functions would and writes the same history.

A definition is parsed by `parser`, which refuses whatever is not implemented. The branches of a Parallel
state, and the child executions of a Distributed Map, run in threads. Every event has the keys that boto3's
`get_execution_history` returns, so that `state_machine.history` folds the events of both targets. Jobs,
objects, clock, sleep and randomness are passed in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptoetl.local.step_functions import distributed_map
from cryptoetl.local.step_functions import states_language as asl
from cryptoetl.local.step_functions.data_flow import StateError, holds, matches, place, select
from cryptoetl.local.step_functions.expressions import IntrinsicFailure, MissingPath, evaluate
from cryptoetl.local.step_functions.frame import Frame, Halted
from cryptoetl.local.step_functions.history import Event, History, Unrecorded, dumps
from cryptoetl.local.step_functions.parser import parse
from cryptoetl.local.step_functions.tasks import CAUSE_LIMIT, NoObjects, Objects, RunJob, TaskFailed, Tasks

__all__ = ["CAUSE_LIMIT", "Interpreter", "Outcome", "TaskFailed"]

NO_OBJECTS = NoObjects()

RecordChild = Callable[[str, Mapping[str, Any]], Callable[[Event], None]]
"""Begins the record of a child execution, given its Map Run's ARN and its input; returns what records its
events."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: `output` if it SUCCEEDED, otherwise `error` and `cause`."""

    status: Literal["SUCCEEDED", "FAILED", "ABORTED"]
    output: Any = None
    error: str | None = None
    cause: str | None = None


def forget(_map_run: str, _input: Mapping[str, Any]) -> Callable[[Event], None]:
    """Record nothing of a child execution."""
    return lambda _event: None


class Interpreter:
    """One execution of a definition. `run` may be called once, `stop` at any time and from any thread.

    `run_job(job_name, arguments)` returns the JobRun of a run that SUCCEEDED, or raises TaskFailed; it is
    called from many threads, as is `objects`. `record` receives each event in the order of their ids; if it
    raises, the run ends with that exception. `record_child` does the same for each child execution. `name` is
    the execution's, `map_runs` the beginning of the ARNs of its Map Runs. Raises UnsupportedDefinition.
    """

    def __init__(  # noqa: PLR0913 - every effect is a keyword
        self,
        definition: Mapping[str, Any],
        *,
        name: str = "execution",
        map_runs: str = "arn:aws:states:local:000000000000:mapRun:machine",
        run_job: RunJob,
        objects: Objects = NO_OBJECTS,
        record: Callable[[Event], None],
        record_child: RecordChild = forget,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._machine = parse(definition)
        self._tasks = Tasks(run_job, objects, sleep, random)
        self._history = History(record, clock)
        self._record_child = record_child
        self._clock = clock
        self._context = {"Execution": {"Name": name}}
        self._map_runs = distributed_map.MapRuns(map_runs, objects, self._child)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Enter no further state. `run` returns when the job runs in progress have ended."""
        self._stopped.set()

    def run(self, input_data: Mapping[str, Any]) -> Outcome:
        """Execute the machine; return when every thread has ended."""
        try:
            return self._execution(self._machine, dict(input_data), self._history)
        except Unrecorded:
            assert self._history.broken is not None
            raise self._history.broken from None

    def _child(self, machine: asl.Machine, input_data: Mapping[str, Any], map_run: str) -> bool:
        """Run a child execution; return whether it succeeded."""
        history = History(self._record_child(map_run, input_data), self._clock)
        return self._execution(machine, input_data, history).status == "SUCCEEDED"

    def _execution(self, machine: asl.Machine, input_data: Mapping[str, Any], history: History) -> Outcome:
        frame = Frame(history, self._stopped, self._context, self._stopped.is_set)
        started = {"input": dumps(input_data), "roleArn": "local"}
        frame.emit("ExecutionStarted", executionStarted=started)
        frame.previous = 0  # as on AWS, the first state does not follow from this event
        try:
            output = self._run(machine, input_data, frame)
        except StateError as failure:
            details = {"error": failure.error, "cause": failure.cause}
            frame.emit("ExecutionFailed", executionFailed=details)
            return Outcome("FAILED", **details)
        except Halted:
            details = {"error": "Stopped", "cause": "The execution was stopped."}
            frame.emit("ExecutionAborted", executionAborted=details)
            return Outcome("ABORTED", **details)
        frame.emit("ExecutionSucceeded", executionSucceeded={"output": dumps(output)})
        return Outcome("SUCCEEDED", output)

    def _run(self, machine: asl.Machine, data: Any, frame: Frame) -> Any:
        """Run states until one ends the machine; return its output. Raises StateError and Halted."""
        state: asl.State | None = machine.states[machine.start_at]
        while state is not None:
            if frame.halted():
                raise Halted
            kind = "MapState" if isinstance(state, asl.DistributedMap) else f"{type(state).__name__}State"
            frame.emit(f"{kind}Entered", stateEntered={"name": state.name, "input": frame.payload(data)})
            try:
                data, target = self._execute(state, data, frame)
            except MissingPath as missing:
                raise StateError(
                    "States.Runtime", f"{state.name}: the path {missing} leads nowhere in the state's data"
                ) from None
            except IntrinsicFailure as failure:
                raise StateError("States.IntrinsicFailure", f"{state.name}: {failure}") from None
            frame.emit(f"{kind}Exited", stateExited={"name": state.name, "output": frame.payload(data)})
            state = machine.states[target] if target is not None else None
        return data

    def _execute(self, state: asl.State, data: Any, frame: Frame) -> tuple[Any, str | None]:
        """Return the state's output and the name of the next state."""
        match state:
            case asl.Task():
                return self._catching(state, data, lambda: self._tasks.run(state, data, frame))
            case asl.Parallel():
                return self._catching(state, data, lambda: self._parallel(state, data, frame))
            case asl.DistributedMap():
                return self._catching(state, data, lambda: self._map(state, data, frame))
            case asl.Choice():
                targets = (target for rule, target in state.rules if holds(rule, data))
                return evaluate(state.output_path, data), next(targets, state.default)
            case asl.Pass():
                return evaluate(state.output, data, frame.context), state.next_state
            case asl.Succeed():
                return data, None
            case asl.Fail():
                raise StateError(state.error, state.cause)

    def _catching(
        self, state: asl.Task | asl.Parallel | asl.DistributedMap, data: Any, execute: Callable[[], Any]
    ) -> tuple[Any, str | None]:
        try:
            return execute(), state.next_state
        except StateError as failure:
            for catcher in state.catch:
                if matches(catcher.errors, failure.error):
                    caught = {"Error": failure.error, "Cause": failure.cause}
                    return place(caught, catcher.field, data), catcher.next_state
            raise

    def _map(self, state: asl.DistributedMap, data: Any, frame: Frame) -> Any:
        output = distributed_map.run(state, data, frame, self._map_runs)
        if frame.halted():
            raise Halted
        return output

    def _parallel(self, state: asl.Parallel, data: Any, frame: Frame) -> Any:
        data = evaluate(state.input_path, data)
        frame.emit("ParallelStateStarted")
        failed = threading.Event()  # an uncaught failure of one branch halts the others
        text = dumps(data)
        frames = [frame.branch(failed.is_set, data, text) for _ in state.branches]
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
            failure = next((error for error in errors if not isinstance(error, Halted)), errors[0])
            if isinstance(failure, StateError):
                frame.emit("ParallelStateFailed")
            raise failure
        frame.emit("ParallelStateSucceeded")
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
