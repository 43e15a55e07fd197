"""The execution that this process runs, in a background thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from cryptoetl.local.record import RecordWriter
from cryptoetl.local.step_functions.interpreter import Interpreter
from cryptoetl.target.executions import Record, RecordStatus

STOP_SECONDS = 2.0
"""How long an interrupted run waits for the job runs in progress, most of which take less than a second."""

STOP_CHECK_SECONDS = 0.2
"""How often a run checks for a stop request from another process."""


class RunningExecution:
    """Runs an interpreter in a thread and records the result; another process may ask it to stop.

    `close` is called when all states have ended, before the result is recorded. `stop_requested` returns the
    reason of a stop request, if there is one.
    """

    def __init__(
        self,
        writer: RecordWriter,
        interpreter: Interpreter,
        *,
        clock: Callable[[], datetime],
        close: Callable[[], None],
        stop_requested: Callable[[], str | None],
    ) -> None:
        self.name = writer.folder.name
        self._writer = writer
        self._interpreter = interpreter
        self._clock = clock
        self._close = close
        self._stop_requested = stop_requested
        self._reason: str | None = None
        self._failure: BaseException | None = None
        self._recording = threading.Lock()
        self._recorded = False
        self._ended = threading.Event()

    def start(self, input_data: Mapping[str, Any]) -> None:
        """Begin the execution; returns at once."""
        threading.Thread(target=self._run, args=(input_data,), name=self.name, daemon=True).start()
        threading.Thread(target=self._await_stop_request, name=f"{self.name} stop", daemon=True).start()

    def read(self, after: int) -> Record:
        """Return what has been recorded. Raises the exception that kept it from being run or recorded."""
        if self._failure is not None:
            raise self._failure
        result = self._writer.ended_with  # first: once there is a result, all events are there
        events = self._writer.events[after:]  # their ids count from 1
        return ended_record(self.name, result, events) if result else Record(self.name, "RUNNING", events)

    def stop(self, reason: str | None = None) -> None:
        """Enter no further state and wait for the job runs in progress, at most STOP_SECONDS.

        With a reason the execution is recorded as ABORTED, even if job runs are still in progress: they end
        with this process, and DuckDB rolls back what is not committed. Without one, a process that ends
        meanwhile releases the record's lock, by which readers see that the execution was interrupted.
        """
        self._reason = self._reason or reason
        self._interpreter.stop()
        with suppress(KeyboardInterrupt):  # a second Ctrl-C ends the wait
            self._ended.wait(STOP_SECONDS)
        if self._reason and not self._ended.is_set():
            self._record("ABORTED", output=None, error="Stopped", cause=self._reason)

    def _run(self, input_data: Mapping[str, Any]) -> None:
        try:
            outcome = self._interpreter.run(input_data)
            self._close()
            # Stopped on request, it is aborted; stopped by the end of this process, it is interrupted.
            status = "INTERRUPTED" if outcome.status == "ABORTED" and not self._reason else outcome.status
            cause = self._reason if outcome.status == "ABORTED" else outcome.cause
            self._record(status, output=outcome.output, error=outcome.error, cause=cause)
        except BaseException as failure:
            self._fail(failure)
        finally:
            self._ended.set()

    def _record(self, status: RecordStatus, **details: Any) -> None:
        """Write the result once: `stop` may have written it while job runs were still in progress."""
        with self._recording:
            if not self._recorded:
                self._writer.result(status, self._clock(), **details)
                self._recorded = True

    def _fail(self, failure: BaseException) -> None:
        with self._recording:
            if not self._recorded:
                self._failure = failure
                self._writer.close()

    def _await_stop_request(self) -> None:
        while not self._ended.wait(STOP_CHECK_SECONDS):
            if reason := self._stop_requested():
                self.stop(reason)
                return


def ended_record(name: str, result: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Record:
    """Return the Record of an execution that has ended with this result."""
    reason = result.get("cause") if result["status"] == "ABORTED" else None
    return Record(name, result["status"], events, result["ended"], reason)
