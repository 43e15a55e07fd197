"""Executions of the deployed state machine in this process, and the records of all earlier ones."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import random
from typing import Any

from cryptoetl.bundle import Bundle
from cryptoetl.errors import Interrupted, NotDeployedError, UsageError
from cryptoetl.local.deployment import LocalDeployment
from cryptoetl.local.glue_jobs import GlueJobs
from cryptoetl.local.home import Home
from cryptoetl.local.interpreter import Interpreter
from cryptoetl.local.record import RecordReader, RecordWriter
from cryptoetl.local.worker import Worker
from cryptoetl.state_machine import Step
from cryptoetl.target import Record

STOP_SECONDS = 3.0
"""How long an interrupted run waits for the job runs in progress, most of which take less than a second."""


class LocalExecutions:
    """`target.Executions` by the interpreter; one execution at a time, in a thread."""

    poll_seconds = 0.05

    def __init__(
        self,
        home: Home,
        deployment: LocalDeployment,
        worker: Worker,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._home = home
        self._deployment = deployment
        self._worker = worker
        self._clock = clock
        self._reader = RecordReader(home.executions)
        self._running: _Running | None = None

    def warm_up(self) -> None:
        self._worker.warm_up()

    def start(self, input: Mapping[str, Any], *, fail: Mapping[str, Step]) -> str:
        bundle = self._deployment.current()
        if bundle is None:
            raise NotDeployedError("nothing is deployed yet", hint="Run `cryptoetl deploy` first.")
        modules = self._worker.load(bundle, self._home.deployed / "scripts")
        started = self._clock()
        writer = RecordWriter(self._new_folder(started), input, bundle.machine, started)
        try:
            interpreter = self._interpreter(bundle, modules, writer, fail)
        except BaseException:
            writer.discard()
            raise
        self._running = _Running(writer, interpreter, input, self._clock, self._worker.close)
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

    def _new_folder(self, started: datetime) -> Path:
        """Named by the time in UTC: sorting the names sorts the executions."""
        stamp = f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03}Z"
        return self._home.executions / stamp

    def read(self, name: str, after: int) -> Record:
        if self._running is not None and self._running.name == name:
            self._running.raise_failure()
        # The result is looked for first: once it is there, so are all events.
        result = self._reader.result(name)
        if result is None and not self._reader.exists(name):
            raise UsageError(
                f"there is no execution {name!r}", hint="`cryptoetl status --last 10` lists the latest."
            )
        if result is not None:
            return Record(name, result["status"], self._reader.events(name, after), result["ended"])
        if self._is_running(name):
            return Record(name, "RUNNING", self._reader.events(name, after))
        result = self._reader.result(name) or {"status": "INTERRUPTED", "ended": None}
        return Record(name, result["status"], self._reader.events(name, after), result["ended"])

    def _is_running(self, name: str) -> bool:
        if self._running is not None and self._running.name == name:
            return True
        return self._reader.alive(name)

    def names(self) -> list[str]:
        return self._reader.names()

    def interrupt(self, name: str) -> str:
        if self._running is not None and self._running.name == name:
            self._running.stop()
            return (
                f"Execution {name} is interrupted: what was loaded stays, no table is half-written. "
                "Continue with `cryptoetl run --retry-failed`."
            )
        return f"Execution {name} goes on in its own process. Follow it with `cryptoetl status --watch`."


class _Running:
    """The execution that this process runs."""

    def __init__(
        self,
        writer: RecordWriter,
        interpreter: Interpreter,
        input: Mapping[str, Any],
        clock: Callable[[], datetime],
        close: Callable[[], None],
    ) -> None:
        self.name = writer.folder.name
        self._writer = writer
        self._interpreter = interpreter
        self._clock = clock
        self._close = close
        self._failure: BaseException | None = None
        self._over = threading.Event()
        threading.Thread(target=self._run, args=(input,), name=self.name, daemon=True).start()

    def _run(self, input: Mapping[str, Any]) -> None:
        try:
            outcome = self._interpreter.run(input)
            self._close()
            status = "INTERRUPTED" if outcome.status == "ABORTED" else outcome.status
            self._writer.result(
                status, self._clock(), output=outcome.output, error=outcome.error, cause=outcome.cause
            )
        except BaseException as failure:
            self._failure = failure
            self._writer.close()
        finally:
            self._over.set()

    def raise_failure(self) -> None:
        """Raise what kept the execution from being run or recorded, if anything did."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Enter no further state and wait for the job runs in progress, but not for ever."""
        self._interpreter.stop()
        # Past this, the process ends all the same: DuckDB rolls back what is not committed, and the lock of
        # the record goes with the process, which is how a reader knows.
        with suppress(KeyboardInterrupt):  # a second Ctrl-C: not even so long
            self._over.wait(STOP_SECONDS)
        if not self._over.is_set():
            atexit.register(self._leave)

    def _leave(self) -> None:
        """End the process without tidying up under a thread at work: libraries would complain at length."""
        if not self._over.is_set():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(Interrupted.exit_code)
