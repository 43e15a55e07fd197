"""The Glue job runs that an execution leaves behind when it is stopped, and how they are ended.

Step Functions stops them at best effort. Whoever pays for them wants to know: each is stopped by name, and
looked at until Glue says that it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.errors import AwsError
from cryptoetl.target.executions import Left
from cryptoetl.util.text import parse_json

ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}
WAIT = timedelta(minutes=2)
"""How long a stopped run is waited for; most need less than one."""
PAUSE = 3.0
BATCH = 25
"""Runs that one BatchStopJobRun takes (Glue API)."""
CLOCKS = timedelta(seconds=10)
"""How far two clocks of AWS may be apart when a run is found by its start."""

_OVER = {"TaskSucceeded", "TaskFailed", "TaskSubmitFailed", "TaskStartFailed"}


@dataclass(frozen=True)
class Run:
    """A job run that an execution asked for; without an `id` if it did not live to hear of it."""

    job: str
    arguments: Mapping[str, str] = field(hash=False)
    asked: datetime
    id: str | None = None

    def __str__(self) -> str:
        ticker = self.arguments.get("--TICKER")
        return f"{self.job}{f' of {ticker}' if ticker else ''} ({self.id})"


def left_behind(events: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs of which a history does not say that they have ended."""
    runs: dict[int, Run] = {}  # by the id of each one's latest event
    for event in events:
        run = runs.pop(event.get("previousEventId", 0), None)
        if event["type"] == "TaskScheduled":
            asked = parse_json(event["taskScheduledEventDetails"].get("parameters"))
            if isinstance(asked, Mapping) and "JobName" in asked:
                run = Run(asked["JobName"], asked.get("Arguments") or {}, event["timestamp"])
        elif event["type"] == "TaskSubmitted" and run is not None:
            output = parse_json(event["taskSubmittedEventDetails"].get("output"))
            run = replace(run, id=output.get("JobRunId") if isinstance(output, Mapping) else None)
        if run is not None and event["type"] not in _OVER:
            runs[event["id"]] = run
    return list(runs.values())


class JobRuns:
    """Ends job runs. What it may not do is told of each run, not raised."""

    def __init__(self, glue: Any, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
        self._glue = glue
        self._clock = clock
        self._sleep = sleep

    def end(self, runs: Sequence[Run]) -> list[Left]:
        """Stop them and wait until they have ended. Returns those that have not."""
        left: dict[Run, str] = {}
        going: list[Run] = []
        for run in runs:
            try:
                going += [run] if run.id else self._found(run)
            except AwsError as error:
                left[run] = f"it may be running: {error.message}"
        reasons = self._stop(going)
        deadline = self._clock() + WAIT
        while going:
            for run in list(going):
                try:
                    state = self._state(run)
                except AwsError as error:
                    left[run] = reasons.get(run, error.message)
                    going.remove(run)
                    continue
                if state in ENDED:
                    going.remove(run)
                elif self._clock() >= deadline or (run in reasons and state != "STOPPING"):
                    left[run] = reasons.get(run, f"it is still {state} after {WAIT.seconds // 60} minutes")
                    going.remove(run)
            if going:
                self._sleep(PAUSE)
        return [Left(str(run), reason) for run, reason in left.items()]

    def _stop(self, runs: Sequence[Run]) -> dict[Run, str]:
        """Ask Glue to stop them. Returns why it will not, for those that it refuses."""
        refused: dict[Run, str] = {}
        by_job: dict[str, list[Run]] = {}
        for run in runs:
            by_job.setdefault(run.job, []).append(run)
        for job, of_job in by_job.items():
            for batch in (of_job[start : start + BATCH] for start in range(0, len(of_job), BATCH)):
                try:
                    with translating():
                        answer = self._glue.batch_stop_job_run(
                            JobName=job, JobRunIds=[run.id for run in batch]
                        )
                except AwsError as error:
                    refused |= dict.fromkeys(batch, error.message)
                    continue
                errors = {item["JobRunId"]: item["ErrorDetail"] for item in answer.get("Errors", ())}
                refused |= {
                    run: errors[run.id].get("ErrorMessage", "Glue refuses to stop it")
                    for run in batch
                    if run.id in errors
                }
        return refused

    def _state(self, run: Run) -> str:
        with translating():
            try:
                found = self._glue.get_job_run(JobName=run.job, RunId=run.id)
            except ClientError as error:
                if code(error) == "EntityNotFoundException":  # gone with its job
                    return "STOPPED"
                raise
        state: str = found["JobRun"]["JobRunState"]
        return state

    def _found(self, run: Run) -> list[Run]:
        """The run that was asked for, if it was started: its execution ended before it heard of it."""
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
            and found["StartedOn"] >= run.asked - CLOCKS
            and run.arguments.items() <= found.get("Arguments", {}).items()
        ]
