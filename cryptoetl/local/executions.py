"""Executions of the deployed state machine: the one in this process, and the records of all others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import repeat
from random import random
from typing import Any

from cryptoetl.errors import UsageError
from cryptoetl.local.glue.jobs import GlueJobs
from cryptoetl.local.glue.worker import Worker
from cryptoetl.local.home import Home, write_atomically
from cryptoetl.local.logs import FileLog
from cryptoetl.local.objects import HomeObjects
from cryptoetl.local.outcomes import OutcomeReader
from cryptoetl.local.record import RecordReader, RecordWriter
from cryptoetl.local.running import STOP_CHECK_SECONDS, STOP_SECONDS, RunningExecution, ended_record
from cryptoetl.local.step_functions.interpreter import Interpreter
from cryptoetl.state_machine import groups
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import Step, execution_name
from cryptoetl.state_machine.groups import Start
from cryptoetl.state_machine.status import StepStatus
from cryptoetl.target.executions import Record, StillRunning


class LocalExecutions:
    """`target.Executions` on the interpreter; runs one execution at a time, in a thread."""

    def __init__(
        self,
        home: Home,
        worker: Worker,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._home = home
        self._worker = worker
        self._clock = clock
        self._reader = RecordReader(home.executions)
        self._running: RunningExecution | None = None
        self._outcomes: dict[str, OutcomeReader] = {}

    def pauses(self) -> Iterator[float]:
        """Return the seconds between two reads of an execution that is followed."""
        return repeat(0.05)

    def warm_up(self) -> None:
        """Start the engine in the background."""
        self._worker.warm_up()

    def start(self, deployed: Bundle, start: Start, *, fail: Mapping[str, Step]) -> str:
        """Start an execution in this process and return its name. Raises what `Worker.load` raises."""
        modules = self._worker.load(deployed, self._home.deployed / "scripts")
        started = self._clock()
        folder = self._home.executions / execution_name(started)
        input_data, listed = deployed.start(start, folder.name)
        if listed is not None:
            write_atomically(self._home.path / groups.execution_key(folder.name), listed.dumps(deployed.size))
        writer = RecordWriter(folder, input_data, deployed.machine, started)
        try:
            interpreter = self._interpreter(deployed, modules, writer, fail)
        except BaseException:
            writer.discard()
            raise
        self._running = RunningExecution(
            writer,
            interpreter,
            clock=self._clock,
            close=self._worker.close,
            stop_requested=partial(self._reader.stop_requested, folder.name),
        )
        self._running.start(input_data)
        return folder.name

    def _interpreter(
        self, bundle: Bundle, modules: Mapping[str, Any], writer: RecordWriter, fail: Mapping[str, Step]
    ) -> Interpreter:
        return Interpreter(
            bundle.machine,
            name=writer.folder.name,
            objects=HomeObjects(self._home),
            run_job=GlueJobs(bundle, modules, writer.folder / "logs", clock=self._clock, fail=fail),
            record=writer.event,
            clock=self._clock,
            sleep=time.sleep,
            random=random,
        )

    def read(self, name: str, after: int) -> Record:
        """Return the execution with its events after that id. Raises UsageError if it is unknown."""
        record = self._read(name, after)
        written = self._outcomes.setdefault(name, OutcomeReader(self._home, name))
        return replace(record, groups=written.read(record, from_start=after == 0))

    def _read(self, name: str, after: int) -> Record:
        if self._running is not None and self._running.name == name:
            return self._running.read(after)
        # The result is read first: once there is one, all events are there.
        result = self._reader.result(name)
        if result is None and not self._reader.exists(name):
            raise _unknown(name)
        if result is None and self._reader.alive(name):
            return Record(name, "RUNNING", self._reader.events(name, after))
        result = result or self._reader.result(name) or {"status": "INTERRUPTED", "ended": None}
        return ended_record(name, result, self._reader.events(name, after))

    def names(self, limit: int) -> list[str]:
        """Return the latest executions, newest first."""
        return self._reader.names()[:limit]

    def interrupt(self, name: str) -> str:
        """Stop an execution that runs in this process; return a message for the user."""
        if self._running is not None and self._running.name == name:
            self._running.stop()
            return (
                f"Execution {name} is interrupted: what was loaded stays, no table is half-written. "
                "Continue with `cryptoetl run --retry-failed`."
            )
        return f"Execution {name} goes on in its own process. Follow it with `cryptoetl status --watch`."

    def background_hint(self, name: str) -> str | None:
        """Return None: an execution ends with the process that follows it."""
        return None

    def stop(self, name: str, reason: str) -> Sequence[StillRunning]:
        """Stop an execution, by a request if another process runs it; return what still runs."""
        if self._running is not None and self._running.name == name:
            self._running.stop(reason)
            return ()
        if not self._reader.exists(name):
            raise _unknown(name)
        if self._reader.result(name) is not None or not self._reader.alive(name):
            return ()
        self._reader.request_stop(name, reason)
        for _ in range(round(4 * STOP_SECONDS / STOP_CHECK_SECONDS)):
            if self._reader.result(name) is not None or not self._reader.alive(name):
                return ()
            self._sleep(STOP_CHECK_SECONDS)
        return (StillRunning(f"execution {name}", "the process that runs it does not answer"),)

    def log(self, name: str, ticker: str, step: StepStatus) -> FileLog | None:
        """Return the log of a currency's step or of the cleaning; None before it has started."""
        of = "clean" if step.step == "clean" else f"{ticker}-{step.step}"
        path = self._home.executions / name / "logs" / f"{of}.log"
        return None if step.status == "PENDING" else FileLog(path)


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"there is no execution {name!r}", hint="`cryptoetl status --last 10` lists the latest."
    )
