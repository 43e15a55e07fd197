"""Glue job runs on the local machine: the deployed script on the embedded engine.

A run returns or raises what Step Functions' `glue:startJobRun.sync` would: the JobRun as a dict, or
States.TaskFailed with the JobRun as JSON in its cause. It raises nothing else, so that a failure concerns one
currency only.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import traceback
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptoetl.local.step_functions.interpreter import TaskFailed
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import STEPS, Step

Script = Callable[[list[str]], None]

_log: ContextVar[Path | None] = ContextVar("log of the job run", default=None)
_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")


class GlueJobs:
    """Runs the jobs of one bundle. Many threads may call it; at most two jobs per processor run at a time."""

    def __init__(
        self,
        bundle: Bundle,
        modules: Mapping[str, ModuleType],
        logs: Path,
        *,
        clock: Callable[[], datetime],
        fail: Mapping[str, Step],
    ) -> None:
        self._jobs = {job.name: job for job in bundle.jobs}
        self._modules = modules
        self._logs = logs
        self._clock = clock
        self._fail = fail
        self._slots = threading.Semaphore((os.cpu_count() or 2) * 2)

    def __call__(self, job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Run a job and return its JobRun. Raises TaskFailed."""
        job = self._jobs.get(job_name)
        if job is None:
            raise TaskFailed("Glue.EntityNotFoundException", f"the job {job_name} is not deployed")
        ticker = arguments.get("--TICKER")
        step = dict(zip(("bronze2silver", "silver2gold", "redshift_upload"), STEPS, strict=True)).get(
            Path(job.script).stem
        )
        run: dict[str, Any] = {
            "Id": f"jr_{uuid.uuid4().hex}",
            "JobName": job_name,
            "Arguments": dict(arguments),
        }
        log = self._logs / (f"{ticker}-{step}.log" if ticker else "clean.log")
        argv = [job.script]
        for name, value in {**job.arguments, **arguments}.items():
            argv += [name, value]
        with self._slots:
            started = self._clock()
            error = None
            token = _log.set(log)
            try:
                if ticker is not None and self._fail.get(ticker) == step:
                    raise RuntimeError(f"failed on purpose (--fail {ticker}:{step})")  # noqa: TRY301
                self._modules[job.script].main(argv)
            except (Exception, SystemExit) as failure:
                error = f"{type(failure).__name__}: {failure}"
                _append(log, traceback.format_exc())
            finally:
                _log.reset(token)
            ended = self._clock()
        run |= {
            "StartedOn": int(started.timestamp() * 1000),
            "CompletedOn": int(ended.timestamp() * 1000),
            "ExecutionTime": int((ended - started).total_seconds()),
            "JobRunState": "FAILED" if error else "SUCCEEDED",
        }
        if error:
            raise TaskFailed("States.TaskFailed", json.dumps(run | {"ErrorMessage": error}))
        return run


class JobLogHandler(logging.Handler):
    """Writes log records to the file of the job run that runs in the same thread."""

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record to the current job run's log."""
        if (log := _log.get()) is not None:
            _append(log, _FORMAT.format(record) + "\n")


def _append(log: Path, text: str) -> None:
    """Append to a log. Errors are ignored: the execution's record has the outcome of the run as well."""
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return
