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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptoetl.local.glue.runtime import get_resolved_options
from cryptoetl.local.step_functions.interpreter import TaskFailed
from cryptoetl.state_machine.bundle import SCRIPTS, Bundle
from cryptoetl.state_machine.definition import STEPS, Step
from cryptoetl.util.text import parse_json

Script = Callable[[list[str]], None]

_log: ContextVar[Path | None] = ContextVar("log of the job run", default=None)
_failing: ContextVar[Mapping[str, str]] = ContextVar("reasons why currencies fail on purpose", default={})  # noqa: B039
_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")


STEP_OF = dict(zip(("bronze2silver", "silver2gold", "redshift_upload"), STEPS, strict=True))


def resolved_options(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """Return the options of a job run, as `getResolvedOptions`.

    A currency's work begins with it, alone or in a group; that of one that `--fail` names ends here. Raises
    RuntimeError for it.
    """
    resolved = get_resolved_options(args, options)
    if reason := _failing.get().get(resolved.get("TICKER", "")):
        raise RuntimeError(reason)
    return resolved


class Slots:
    """Permits for the threads of all job runs: two per processor."""

    def __init__(self) -> None:
        self.most = (os.cpu_count() or 2) * 2
        self._free = self.most
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Wait for `count` permits, at most `most`, and keep them."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


class GlueJobs:
    """Runs the jobs of one bundle. Many threads may call it; two currencies per processor at a time."""

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
        self._slots = Slots()

    def __call__(self, job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Run a job and return its JobRun. Raises TaskFailed."""
        job = self._jobs.get(job_name)
        if job is None:
            raise TaskFailed("Glue.EntityNotFoundException", f"the job {job_name} is not deployed")
        step = STEP_OF.get(Path(job.script).stem)
        run: dict[str, Any] = {
            "Id": f"jr_{uuid.uuid4().hex}",
            "JobName": job_name,
            "Arguments": dict(arguments),
        }
        tickers = tickers_of(arguments)
        log = self._logs / (f"{tickers[0]}-{step}.log" if step and tickers else f"{_stage(job.script)}.log")
        threads = max(1, min(len(tickers), self._slots.most))
        argv = [job.script]
        own = {"--JOB_RUN_ID": run["Id"], "--THREADS": str(threads)}
        for name, value in {**job.arguments, **own, **arguments}.items():
            argv += [name, value]
        failing = {t: f"failed on purpose (--fail {t}:{step})" for t in tickers if self._fail.get(t) == step}
        with self._slots.taken(threads):
            started = self._clock()
            error = None
            tokens = _log.set(log), _failing.set(failing)
            try:
                self._modules[job.script].main(argv)
            except (Exception, SystemExit) as failure:
                error = f"{type(failure).__name__}: {failure}"
                _append(log, traceback.format_exc())
            finally:
                _log.reset(tokens[0])
                _failing.reset(tokens[1])
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


def tickers_of(arguments: Mapping[str, str]) -> list[str]:
    """Return the currencies of a job run: its one, or those of its group; none if it has none."""
    if "--GROUP" not in arguments:
        return [arguments["--TICKER"]] if "--TICKER" in arguments else []
    group = parse_json(arguments["--GROUP"])
    items = group if isinstance(group, list) else []
    return [item["TICKER"] for item in items if isinstance(item, dict) and "TICKER" in item]


def _stage(script: str) -> str:
    """Return the name of the log of a script that is no step of a currency."""
    return "clean" if script == SCRIPTS["clear-buckets"] else Path(script).stem


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
