"""`target.Executions` on Step Functions.

Each poll of an execution is one GetExecutionHistory: newest events first, back to the last known one. Event
ids count from 1 without gaps (Step Functions API, HistoryEvent), so no event is missed, however many arrived
between two polls; the newest event shows the execution's status, which saves DescribeExecution.
ListExecutions, limited to two calls a second, is called only for names and before a start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.aws.job_runs import JobRuns, left_behind
from cryptoetl.aws.logs import SHELL_LOGS, GlueLog
from cryptoetl.aws.map_runs import Children
from cryptoetl.aws.outcomes import Lists, OutcomeReader
from cryptoetl.aws.session import Session
from cryptoetl.aws.stack import template as stacks
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError, BusyError, NotDeployedError, UsageError
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine import groups
from cryptoetl.state_machine.bundle import GROUP_JOBS, Bundle
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.groups import Start
from cryptoetl.state_machine.status import StepStatus
from cryptoetl.target.executions import Record, RecordStatus, StillRunning
from cryptoetl.util.text import parse_json

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import GetExecutionHistoryOutputTypeDef, HistoryEventTypeDef

FIRST_PAGE, NEXT_PAGE = 1000, 200
"""Events per page: for the first read of an execution (the API's maximum), and for later ones."""

SETTLING = 10
"""Seconds that a stopped execution may take to end."""

_ENDS: Mapping[str, RecordStatus] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
_NO_MACHINE = {"StateMachineDoesNotExist", "StateMachineDeleting"}
_NO_EXECUTION = {"ExecutionDoesNotExist", "InvalidArn", *_NO_MACHINE}
_NAME = re.compile(r"[\w.+=@-]{1,80}", re.ASCII)
"""Names of executions; the API allows a few more characters."""


class AwsExecutions:
    """`target.Executions` of the deployed state machine. Methods raise AwsError."""

    def __init__(
        self,
        config: Config,
        session: Session,
        *,
        sleep: Callable[[float], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self._session = session
        self._sleep = sleep
        self._clock = clock
        self._outcomes: dict[str, OutcomeReader] = {}

    def pauses(self) -> Iterator[float]:
        """Yield the seconds between two polls, endlessly."""
        return chain((0.5, 1.0, 2.0, 3.0), repeat(5.0))

    def warm_up(self) -> None:
        """Do nothing: AWS needs no preparation."""

    def start(self, deployed: Bundle, start: Start, *, fail: Mapping[str, Step]) -> str:
        """Start an execution and return its name. `fail` is for the local target.

        Raises NotDeployedError if the state machine was changed after the deploy, BusyError if another
        execution runs one of the currencies.
        """
        self._require_unchanged(deployed)
        self._require_idle(start.steps, deployed)
        moment = self._clock()
        while True:
            # With a name, StartExecution is idempotent: a retry by the SDK starts no second execution.
            name = state_machine.execution_name(moment)
            input_data, listed = deployed.start(start, name)
            if listed is not None:
                self._lists.write(groups.execution_key(name), listed.dumps(deployed.size))
            try:
                with translating("the execution was not started"):
                    self._states.start_execution(
                        stateMachineArn=self._machine, name=name, input=json.dumps(input_data)
                    )
            except AwsError as error:
                if error.aws_code != "ExecutionAlreadyExists":
                    raise
                moment += timedelta(milliseconds=1)
            else:
                return name

    def _require_unchanged(self, deployed: Bundle) -> None:
        with translating():
            try:
                found = self._states.describe_state_machine(stateMachineArn=self._machine)
            except ClientError as error:
                if code(error) in _NO_MACHINE:
                    raise self._no_machine() from None
                raise
        if parse_json(found["definition"]) != deployed.machine:
            raise NotDeployedError(
                f"the state machine {self._config.pipeline} is not the one that was deployed: "
                "it was changed outside of cryptoetl",
                hint="Nothing was run. To restore it: aws stepfunctions update-state-machine "
                f'--state-machine-arn {self._machine} --definition "$(cryptoetl render machine)"',
            )

    def _require_idle(self, tickers: Mapping[str, Any], deployed: Bundle) -> None:
        """Raise BusyError if another execution runs one of the currencies and writes the same data."""
        for other in self._list(None, "RUNNING"):
            with translating():
                described = self._states.describe_execution(executionArn=self._arn(other))
            running = self._tickers(parse_json(described.get("input")), deployed)
            if both := [ticker for ticker in tickers if ticker in running]:
                raise BusyError(
                    f"execution {other} is running {', '.join(both)}",
                    hint=f"Follow it with `cryptoetl status {other} --watch`, or stop it with "
                    f"`cryptoetl stop {other}`.",
                )

    def _no_machine(self) -> NotDeployedError:
        return NotDeployedError(
            f"there is no state machine {self._config.pipeline} in {self._session.region}",
            hint="Run `cryptoetl deploy`, or `cryptoetl up` for everything.",
        )

    def _tickers(self, input_data: Any, deployed: Bundle) -> Collection[str]:
        """Return the currencies that an execution with this input runs: by default all that are deployed."""
        match input_data:
            case {"tickers": Mapping() as named}:
                return named
            case {"list": str(key)} if (content := self._lists.read(key)) is not None:
                return groups.loads(content, key)[0].items
            case _:
                return deployed.tickers

    def read(self, name: str, after: int) -> Record:
        """Return the execution with its events above this id. Raises UsageError if it is unknown."""
        record = self._read(name, after)
        known = self._outcomes.setdefault(name, OutcomeReader(self._config, self._session, name))
        return replace(record, groups=known.read(record, from_start=after == 0))

    def _read(self, name: str, after: int) -> Record:
        newest_first: list[HistoryEventTypeDef] = []
        token = ""
        while not newest_first or newest_first[-1]["id"] > after + 1:
            page = self._page(name, NEXT_PAGE if after else FIRST_PAGE, token)
            # New events may have arrived, which moves known ones to the next page.
            known = newest_first[-1]["id"] if newest_first else None
            newest_first += [event for event in page["events"] if known is None or event["id"] < known]
            token = page.get("nextToken", "")
            if not token:
                break
        events = [event for event in reversed(newest_first) if event["id"] > after]
        status: RecordStatus = _ENDS.get(newest_first[0]["type"], "RUNNING") if newest_first else "RUNNING"
        ended = newest_first[0]["timestamp"] if status != "RUNNING" else None
        return Record(name, status, cast("Sequence[Mapping[str, Any]]", events), ended)

    def _page(self, name: str, size: int, token: str) -> GetExecutionHistoryOutputTypeDef:
        arn = self._arn(name)
        with translating():
            try:
                if token:
                    return self._states.get_execution_history(
                        executionArn=arn, reverseOrder=True, maxResults=size, nextToken=token
                    )
                return self._states.get_execution_history(
                    executionArn=arn, reverseOrder=True, maxResults=size
                )
            except ClientError as error:
                if code(error) in _NO_EXECUTION:
                    raise _unknown(name) from None
                raise

    def names(self, limit: int) -> list[str]:
        """Return the names of the latest executions, newest first; none without a state machine."""
        return self._list(limit)

    def _list(self, limit: int | None, status: str | None = None) -> list[str]:
        arguments: dict[str, Any] = {"stateMachineArn": self._machine}
        arguments |= {"statusFilter": status} if status else {}
        names: list[str] = []
        with translating():
            try:
                while True:
                    rest = 1000 if limit is None else min(limit - len(names), 1000)
                    page = self._states.list_executions(**arguments, maxResults=rest)
                    names += [execution["name"] for execution in page["executions"]]
                    if not page.get("nextToken") or (limit is not None and len(names) >= limit):
                        return names[:limit]
                    arguments["nextToken"] = page["nextToken"]
            except ClientError as error:
                if code(error) in _NO_MACHINE:
                    return []
                raise

    def interrupt(self, name: str) -> str:
        """Leave the execution running and return a message about that."""
        return f"Stopped watching. {self.background_hint(name)}"

    def background_hint(self, name: str) -> str:
        """Return how to follow or stop the execution, which outlives this process."""
        return (
            f"Execution {name} continues in AWS: `cryptoetl status {name} --watch` follows it, "
            f"`cryptoetl stop {name}` stops it."
        )

    def stop(self, name: str, reason: str) -> Sequence[StillRunning]:
        """Stop the execution and its job runs; return those that could not be stopped."""
        arn = self._arn(name)
        with translating("the execution was not stopped"):
            try:
                self._states.stop_execution(executionArn=arn, error="Stopped", cause=reason)
            except ClientError as error:
                if code(error) in _NO_EXECUTION:
                    raise _unknown(name) from None
                if code(error) != "ValidationException":  # it has already ended
                    raise
        # Read after its end: until then the execution may still start job runs.
        record = self._read(name, 0)
        for _ in range(SETTLING):
            if record.status != "RUNNING":
                break
            self._sleep(1.0)
            record = self._read(name, 0)
        job_runs = JobRuns(self._session.client("glue"), self._clock, self._sleep)
        if groups.list_of(record.events) is None:
            return job_runs.end(left_behind(record.events))
        children = Children(self._states, self._sleep).stop(arn, reason)
        of_groups = (f"{self._config.pipeline}-{job}" for job in GROUP_JOBS)
        return [
            *children,
            *job_runs.end([*left_behind(record.events), *job_runs.of_execution(name, of_groups)]),
        ]

    def log(self, name: str, ticker: str, step: StepStatus) -> GlueLog | None:
        """Return the log of the step's job run; None if it has started none."""
        if step.job_run_id is None:
            return None
        groups = SHELL_LOGS if step.step == "clean" else stacks.names(self._config)["glue_logs"]
        return GlueLog(self._session.client("logs"), groups, step.job_run_id)

    @cached_property
    def _lists(self) -> Lists:
        return Lists(self._config, self._session)

    @cached_property
    def _states(self) -> SFNClient:
        return self._session.client("stepfunctions")

    @cached_property
    def _machine(self) -> str:
        identity = self._session.identity
        return (
            f"arn:{identity.partition}:states:{self._session.region}:{identity.account}"
            f":stateMachine:{self._config.pipeline}"
        )

    def _arn(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise _unknown(name)
        return self._machine.replace(":stateMachine:", ":execution:") + f":{name}"


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"there is no execution {name!r}",
        hint="`cryptoetl status --last 10` lists the latest. AWS deletes an execution 90 days after its end.",
    )
