"""`target.Executions` on Step Functions.

Watching costs one GetExecutionHistory a look: newest events first, back to the last one that is known. Their
ids count from 1 without gaps (Step Functions API, HistoryEvent), so that none is lost, whatever happened
between two looks; and the newest says how the execution stands, which saves DescribeExecution.
ListExecutions, of which AWS allows two a second, is asked only for names and before a start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, repeat
from typing import Any

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.aws.job_runs import JobRuns, left_behind
from cryptoetl.aws.logs import GlueLog
from cryptoetl.aws.session import Session
from cryptoetl.aws.stack import template as stacks
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError, BusyError, NotDeployedError, UsageError
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.status import StepStatus
from cryptoetl.target.executions import Left, Record, RecordStatus
from cryptoetl.util.text import parse_json

FIRST_PAGE, NEXT_PAGE = 1000, 200
"""Events asked for at once: of an execution that is not known yet (the API's maximum), and of what is new."""

SETTLING = 10
"""Seconds in which a stopped execution is given the time to end."""

_ENDS: Mapping[str, RecordStatus] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
_NO_MACHINE = {"StateMachineDoesNotExist", "StateMachineDeleting"}
_NO_EXECUTION = {"ExecutionDoesNotExist", "InvalidArn", *_NO_MACHINE}
_NAME = re.compile(r"[\w.+=@-]{1,80}", re.ASCII)
"""Names of executions that can be followed; the API takes a few more letters."""


class AwsExecutions:
    """Executions of the deployed state machine. Methods raise AwsError."""

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

    def pauses(self) -> Iterator[float]:
        return chain((0.5, 1.0, 2.0, 3.0), repeat(5.0))

    def warm_up(self) -> None:
        pass  # everything is up already

    # --- starting

    def start(self, deployed: Bundle, input: Mapping[str, Any], *, fail: Mapping[str, Step]) -> str:
        self._is_as_deployed(deployed)
        self._nobody_runs(input.get("tickers", {}), deployed)
        moment = self._clock()
        while True:
            # The name comes from us, so that a call that the SDK sends twice starts one execution.
            name = state_machine.execution_name(moment)
            try:
                with translating("the execution was not started"):
                    self._states.start_execution(
                        stateMachineArn=self._machine, name=name, input=json.dumps(input)
                    )
            except AwsError as error:
                cause = error.__cause__
                if isinstance(cause, ClientError) and code(cause) == "ExecutionAlreadyExists":
                    moment += timedelta(milliseconds=1)
                    continue
                raise
            return name

    def _is_as_deployed(self, deployed: Bundle) -> None:
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
                "somebody changed it outside of cryptoetl",
                hint="Nothing was run. To put it back: aws stepfunctions update-state-machine "
                f'--state-machine-arn {self._machine} --definition "$(cryptoetl render machine)"',
            )

    def _nobody_runs(self, tickers: Mapping[str, Any], deployed: Bundle) -> None:
        """Raises BusyError if an execution is running one of them: both would write the same data."""
        for other in self._list(None, "RUNNING"):
            with translating():
                described = self._states.describe_execution(executionArn=self._arn(other))
            running = _tickers(parse_json(described.get("input")), deployed)
            if both := [ticker for ticker in tickers if ticker in running]:
                raise BusyError(
                    f"execution {other} is running {', '.join(both)}",
                    hint=f"Follow it with `cryptoetl status {other} --watch`, or end it with "
                    f"`cryptoetl stop {other}`.",
                )

    def _no_machine(self) -> NotDeployedError:
        return NotDeployedError(
            f"there is no state machine {self._config.pipeline} in {self._session.region}",
            hint="Run `cryptoetl deploy`, or `cryptoetl up` for everything.",
        )

    # --- reading

    def read(self, name: str, after: int) -> Record:
        newest_first: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while not newest_first or newest_first[-1]["id"] > after + 1:
            page = self._page(name, maxResults=NEXT_PAGE if after else FIRST_PAGE, **token)
            # Meanwhile events may have come, which pushes known ones onto the next page.
            known = newest_first[-1]["id"] if newest_first else None
            newest_first += [event for event in page["events"] if known is None or event["id"] < known]
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
        events = [event for event in reversed(newest_first) if event["id"] > after]
        newest = newest_first[0] if newest_first else {}
        status: RecordStatus = _ENDS.get(newest.get("type", ""), "RUNNING")
        return Record(name, status, events, newest["timestamp"] if status != "RUNNING" else None)

    def _page(self, name: str, **arguments: Any) -> Mapping[str, Any]:
        arn = self._arn(name)
        with translating():
            try:
                page: Mapping[str, Any] = self._states.get_execution_history(
                    executionArn=arn, reverseOrder=True, **arguments
                )
            except ClientError as error:
                if code(error) in _NO_EXECUTION:
                    raise _unknown(name) from None
                raise
        return page

    def names(self, limit: int) -> list[str]:
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

    # --- stopping and logs

    def interrupt(self, name: str) -> str:
        return f"Stopped watching. {self.goes_on(name)}"

    def goes_on(self, name: str) -> str:
        return (
            f"Execution {name} goes on in AWS: `cryptoetl status {name} --watch` follows it, "
            f"`cryptoetl stop {name}` ends it."
        )

    def stop(self, name: str, reason: str) -> Sequence[Left]:
        arn = self._arn(name)
        with translating("the execution was not stopped"):
            try:
                self._states.stop_execution(executionArn=arn, error="Stopped", cause=reason)
            except ClientError as error:
                if code(error) in _NO_EXECUTION:
                    raise _unknown(name) from None
                if code(error) != "ValidationException":  # it has ended already
                    raise
        # Read when it has ended: from then on the execution starts nothing more.
        record = self.read(name, 0)
        for _ in range(SETTLING):
            if record.status != "RUNNING":
                break
            self._sleep(1.0)
            record = self.read(name, 0)
        runs = left_behind(record.events)
        return JobRuns(self._session.client("glue"), self._clock, self._sleep).end(runs)

    def log(self, name: str, ticker: str, step: StepStatus) -> GlueLog | None:
        if step.job_run_id is None:
            return None
        groups = stacks.names(self._config)["glue_logs"]
        return GlueLog(self._session.client("logs"), groups, step.job_run_id)

    # --- names

    @cached_property
    def _states(self) -> Any:
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


def _tickers(input: Any, deployed: Bundle) -> Sequence[str]:
    """Which currencies an execution with this input runs; without any, all that are deployed."""
    named = input.get("tickers") if isinstance(input, Mapping) else None
    return list(named) if isinstance(named, Mapping) else state_machine.tickers(deployed.machine)


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"there is no execution {name!r}",
        hint="`cryptoetl status --last 10` lists the latest. AWS forgets an execution 90 days after its end.",
    )
