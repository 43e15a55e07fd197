"""Executions of the deployed state machine in this process, and the records of all earlier ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import repeat
from random import random
from typing import Any

from cryptoetl.errors import UsageError
from cryptoetl.local.glue.jobs import GlueJobs
from cryptoetl.local.glue.worker import Worker
from cryptoetl.local.home import Home
from cryptoetl.local.logs import FileLog
from cryptoetl.local.record import RecordReader, RecordWriter
from cryptoetl.local.step_functions.interpreter import Interpreter
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import Step, execution_name
from cryptoetl.state_machine.status import StepStatus
from cryptoetl.target.executions import Left, Record, RecordStatus

STOP_SECONDS = 2.0
"""How long an interrupted run waits for the job runs in progress, most of which take less than a second."""

ASKED_SECONDS = 0.2
"""How often a run looks whether another process asks it to stop."""


class LocalExecutions:
    """`target.Executions` by the interpreter; one execution at a time, in a thread."""

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
        self._running: _Running | None = None

    def pauses(self) -> Iterator[float]:
        return repeat(0.05)

    def warm_up(self) -> None:
        self._worker.warm_up()

    def start(self, deployed: Bundle, input: Mapping[str, Any], *, fail: Mapping[str, Step]) -> str:
        modules = self._worker.load(deployed, self._home.deployed / "scripts")
        started = self._clock()
        folder = self._home.executions / execution_name(started)
        writer = RecordWriter(folder, input, deployed.machine, started)
        try:
            interpreter = self._interpreter(deployed, modules, writer, fail)
        except BaseException:
            writer.discard()
            raise
        asked = partial(self._reader.asked_to_stop, writer.folder.name)
        self._running = _Running(writer, interpreter, input, self._clock, self._worker.close, asked)
        return writer.folder.name

    def _interpreter(
        self, bundle: Bundle, modules: Mapping[str, Any], writer: RecordWriter, fail: Mapping[str, Step]
    ) -> Interpreter:
        return Interpreter(
            bundle.machine,
            run_job=GlueJobs(bundle, modules, writer.folder / "logs", clock=self._clock, fail=fail),
            record=writer.event,
            clock=self._clock,
            sleep=time.sleep,
            random=random,
        )

    def read(self, name: str, after: int) -> Record:
        if self._running is not None and self._running.name == name:
            return self._running.read(after)
        # The result is looked for first: once it is there, so are all events.
        result = self._reader.result(name)
        if result is None and not self._reader.exists(name):
            raise _unknown(name)
        if result is None and self._reader.alive(name):
            return Record(name, "RUNNING", self._reader.events(name, after))
        result = result or self._reader.result(name) or {"status": "INTERRUPTED", "ended": None}
        return _ended(name, result, self._reader.events(name, after))

    def names(self, limit: int) -> list[str]:
        return self._reader.names()[:limit]

    def interrupt(self, name: str) -> str:
        if self._running is not None and self._running.name == name:
            self._running.stop()
            return (
                f"Execution {name} is interrupted: what was loaded stays, no table is half-written. "
                "Continue with `cryptoetl run --retry-failed`."
            )
        return f"Execution {name} goes on in its own process. Follow it with `cryptoetl status --watch`."

    def goes_on(self, name: str) -> str | None:
        return None

    def stop(self, name: str, reason: str) -> Sequence[Left]:
        if self._running is not None and self._running.name == name:
            self._running.stop(reason)
            return ()
        if not self._reader.exists(name):
            raise _unknown(name)
        if self._reader.result(name) is not None or not self._reader.alive(name):
            return ()
        self._reader.ask_to_stop(name, reason)
        for _ in range(round(4 * STOP_SECONDS / ASKED_SECONDS)):
            if self._reader.result(name) is not None or not self._reader.alive(name):
                return ()
            self._sleep(ASKED_SECONDS)
        return (Left(f"execution {name}", "the process that runs it does not answer"),)

    def log(self, name: str, ticker: str, step: StepStatus) -> FileLog | None:
        path = self._home.executions / name / "logs" / f"{ticker}-{step.step}.log"
        return None if step.status == "PENDING" else FileLog(path)


def _ended(name: str, result: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Record:
    reason = result.get("cause") if result["status"] == "ABORTED" else None
    return Record(name, result["status"], events, result["ended"], reason)


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"there is no execution {name!r}", hint="`cryptoetl status --last 10` lists the latest."
    )


class _Running:
    """The execution that this process runs; any process may ask for its end."""

    def __init__(
        self,
        writer: RecordWriter,
        interpreter: Interpreter,
        input: Mapping[str, Any],
        clock: Callable[[], datetime],
        close: Callable[[], None],
        asked_to_stop: Callable[[], str | None],
    ) -> None:
        self.name = writer.folder.name
        self._writer = writer
        self._interpreter = interpreter
        self._clock = clock
        self._close = close
        self._asked_to_stop = asked_to_stop
        self._reason: str | None = None
        self._failure: BaseException | None = None
        self._recording = threading.Lock()
        self._recorded = False
        self._over = threading.Event()
        threading.Thread(target=self._run, args=(input,), name=self.name, daemon=True).start()
        threading.Thread(target=self._listen, name=f"{self.name} stop", daemon=True).start()

    def _run(self, input: Mapping[str, Any]) -> None:
        try:
            outcome = self._interpreter.run(input)
            self._close()
            # What is stopped on request is aborted; what just stops, with its process, is interrupted.
            status = "INTERRUPTED" if outcome.status == "ABORTED" and not self._reason else outcome.status
            cause = self._reason if outcome.status == "ABORTED" else outcome.cause
            self._record(status, output=outcome.output, error=outcome.error, cause=cause)
        except BaseException as failure:
            self._fail(failure)
        finally:
            self._over.set()

    def _record(self, status: RecordStatus, **details: Any) -> None:
        """Write the result, once: of a run that does not stop it is written while its threads still work."""
        with self._recording:
            if not self._recorded:
                self._writer.result(status, self._clock(), **details)
                self._recorded = True

    def _fail(self, failure: BaseException) -> None:
        with self._recording:
            if not self._recorded:
                self._failure = failure
                self._writer.close()

    def _listen(self) -> None:
        while not self._over.wait(ASKED_SECONDS):
            if reason := self._asked_to_stop():
                self.stop(reason)
                return

    def read(self, after: int) -> Record:
        """Return what has been recorded. Raises what kept the execution from being run or recorded."""
        if self._failure is not None:
            raise self._failure
        result = self._writer.ended_with  # first: once it is there, so are all events
        events = self._writer.events[after:]  # their ids count from 1
        return _ended(self.name, result, events) if result else Record(self.name, "RUNNING", events)

    def stop(self, reason: str | None = None) -> None:
        """Enter no further state and wait for the job runs in progress, but not for ever.

        With a reason the execution is aborted, and recorded so even if job runs go on: they end with this
        process, unseen, and DuckDB rolls back what is not committed.
        """
        self._reason = self._reason or reason
        self._interpreter.stop()
        # Past this, the process ends all the same, and the lock of the record goes with it, which is how a
        # reader knows.
        with suppress(KeyboardInterrupt):  # a second Ctrl-C: not even so long
            self._over.wait(STOP_SECONDS)
        if self._reason and not self._over.is_set():
            self._record("ABORTED", output=None, error="Stopped", cause=self._reason)
