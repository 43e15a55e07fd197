"""Stopping the Glue job runs of an execution that was stopped.

Step Functions stops them on a best-effort basis only, and each costs money while it runs: so each is stopped
by its ID and polled until Glue reports its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.errors import AwsError
from cryptoetl.target.executions import StillRunning
from cryptoetl.util.text import parse_json

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}
WAIT = timedelta(minutes=2)
"""How long a stopped run may take to end; most need less than a minute."""
PAUSE = 3.0
"""Seconds between two polls."""
BATCH = 25
"""Runs of one BatchStopJobRun (Glue API)."""
CLOCK_SKEW = timedelta(seconds=10)
"""Largest difference between two services' clocks when a run is found by its start."""

_FINAL = {"TaskSucceeded", "TaskFailed", "TaskSubmitFailed", "TaskStartFailed"}


@dataclass(frozen=True)
class Run:
    """A job run that an execution requested; `id` is None if the execution ended before Glue returned it."""

    job: str
    arguments: Mapping[str, str] = field(hash=False)
    requested: datetime
    id: str | None = None

    def __str__(self) -> str:
        ticker = self.arguments.get("--TICKER") or first_of(self.arguments.get("--GROUP"))
        return f"{self.job}{f' of {ticker}' if ticker else ''} ({self.id})"


def left_behind(events: Iterable[Mapping[str, Any]]) -> list[Run]:
    """Return the runs that have not ended according to the history of an execution."""
    runs: dict[int, Run] = {}  # by the id of each one's latest event
    for event in events:
        run = runs.pop(event.get("previousEventId", 0), None)
        if event["type"] == "TaskScheduled":
            request = parse_json(event["taskScheduledEventDetails"].get("parameters"))
            if isinstance(request, Mapping) and "JobName" in request:
                run = Run(request["JobName"], request.get("Arguments") or {}, event["timestamp"])
        elif event["type"] == "TaskSubmitted" and run is not None:
            output = parse_json(event["taskSubmittedEventDetails"].get("output"))
            run = replace(run, id=output.get("JobRunId") if isinstance(output, Mapping) else None)
        if run is not None and event["type"] not in _FINAL:
            runs[event["id"]] = run
    return list(runs.values())


def first_of(group: str | None) -> str | None:
    """Return the first ticker of a group as a script receives it, with words for the others."""
    items = parse_json(group)
    tickers = [item["TICKER"] for item in items if item] if isinstance(items, list) else []
    match len(tickers):
        case 0:
            return None
        case 1:
            return str(tickers[0])
        case count:
            return f"{tickers[0]} and {count - 1} more"


class JobRuns:
    """Stops job runs. What AWS refuses is reported for each run, not raised."""

    def __init__(
        self, glue: GlueClient, clock: Callable[[], datetime], sleep: Callable[[float], None]
    ) -> None:
        self._glue = glue
        self._clock = clock
        self._sleep = sleep

    def end(self, runs: Sequence[Run]) -> list[StillRunning]:
        """Stop the runs and wait until they have ended. Return those that have not, and why."""
        running: list[Run] = []
        failures: dict[Run, str] = {}
        for run in runs:
            try:
                running += [run] if run.id else self._find(run)
            except AwsError as error:
                failures[run] = f"it may be running: {error.message}"
        failures |= self._wait(running, self._stop(running))
        return [StillRunning(str(run), reason) for run, reason in failures.items()]

    def of_execution(self, execution: str, jobs: Iterable[str]) -> list[Run]:
        """Return the runs of these jobs that have `--EXECUTION` in their arguments and have not ended.

        The history of an execution of groups does not have them: its children start them.
        """
        with translating():
            return [
                Run(job, found.get("Arguments", {}), found["StartedOn"], found["Id"])
                for job in jobs
                for page in self._glue.get_paginator("get_job_runs").paginate(JobName=job)
                for found in page["JobRuns"]
                if found["JobRunState"] not in ENDED
                and found.get("Arguments", {}).get("--EXECUTION") == execution
            ]

    def _stop(self, runs: Sequence[Run]) -> dict[Run, str]:
        """Ask Glue to stop the runs. Return the reason for each that it refuses to stop."""
        refused: dict[Run, str] = {}
        by_job: dict[str, list[Run]] = {}
        for run in runs:
            by_job.setdefault(run.job, []).append(run)
        for job, of_job in by_job.items():
            for start in range(0, len(of_job), BATCH):
                refused |= self._stop_batch(job, of_job[start : start + BATCH])
        return refused

    def _stop_batch(self, job: str, runs: Sequence[Run]) -> dict[Run, str]:
        try:
            with translating():
                answer = self._glue.batch_stop_job_run(JobName=job, JobRunIds=[run.id or "" for run in runs])
        except AwsError as error:
            return dict.fromkeys(runs, error.message)
        errors = {item.get("JobRunId"): item.get("ErrorDetail", {}) for item in answer.get("Errors", ())}
        return {
            run: errors[run.id].get("ErrorMessage", "Glue refuses to stop it")
            for run in runs
            if run.id in errors
        }

    def _wait(self, runs: Sequence[Run], refused: Mapping[Run, str]) -> dict[Run, str]:
        """Poll the runs until each has ended, will not end, or `WAIT` is over. Return why each still runs."""
        failures: dict[Run, str] = {}
        deadline = self._clock() + WAIT
        running = list(runs)
        while running:
            for run in list(running):
                try:
                    state = self._state(run)
                except AwsError as error:
                    failures[run] = refused.get(run, error.message)
                else:
                    will_end = run not in refused or state == "STOPPING"
                    if state not in ENDED and will_end and self._clock() < deadline:
                        continue
                    if state not in ENDED:
                        late = f"it is still {state} after {WAIT.seconds // 60} minutes"
                        failures[run] = refused.get(run, late)
                running.remove(run)
            if running:
                self._sleep(PAUSE)
        return failures

    def _state(self, run: Run) -> str:
        with translating():
            try:
                found = self._glue.get_job_run(JobName=run.job, RunId=run.id or "")
            except ClientError as error:
                if code(error) == "EntityNotFoundException":  # deleted with its job
                    return "STOPPED"
                raise
        return found["JobRun"].get("JobRunState", "")

    def _find(self, run: Run) -> list[Run]:
        """Return the run with its ID, found by job, arguments and start; nothing if it was not started."""
        with translating():
            try:
                page = self._glue.get_job_runs(JobName=run.job, MaxResults=200)
            except ClientError as error:
                if code(error) == "EntityNotFoundException":
                    return []
                raise
        return [
            replace(run, id=found["Id"])
            for found in page["JobRuns"]
            if found["JobRunState"] not in ENDED
            and found["StartedOn"] >= run.requested - CLOCK_SKEW
            and run.arguments.items() <= found.get("Arguments", {}).items()
        ]
