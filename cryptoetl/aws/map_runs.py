"""Stopping the child executions of an execution of groups.

A Map Run may outlive the execution that was stopped (Step Functions Developer Guide, "Map Runs"), so that
each child is stopped by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cryptoetl.aws.errors import translating
from cryptoetl.errors import AwsError
from cryptoetl.target.executions import StillRunning
from cryptoetl.util.concurrency import map_in_threads

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

ROUNDS = 5
"""How often the children are listed again: a Map Run may start some while others are being stopped."""


class Children:
    """The child executions of one execution."""

    def __init__(self, states: SFNClient, sleep: Callable[[float], None]) -> None:
        self._states = states
        self._sleep = sleep

    def stop(self, arn: str, reason: str) -> list[StillRunning]:
        """Stop the children of the execution with this ARN; return those that could not be stopped."""
        refused: dict[str, str] = {}

        def stop_one(child: str) -> str | None:
            try:
                with translating():
                    self._states.stop_execution(executionArn=child, error="Stopped", cause=reason)
            except AwsError as error:
                return error.message
            return None

        for _ in range(ROUNDS):
            running = [child for child in self._running(arn) if child not in refused]
            if not running:
                break
            failures = zip(running, map_in_threads(stop_one, running), strict=True)
            refused |= {child: failure for child, failure in failures if failure is not None}
            self._sleep(1.0)
        else:
            late = "it was started while others were being stopped"
            refused |= {child: late for child in self._running(arn) if child not in refused}
        return [StillRunning(f"child execution {child}", why) for child, why in refused.items()]

    def _running(self, arn: str) -> Iterator[str]:
        with translating():
            runs = self._states.get_paginator("list_map_runs").paginate(executionArn=arn)
            for run in (run for page in runs for run in page["mapRuns"]):
                children = self._states.get_paginator("list_executions").paginate(
                    mapRunArn=run["mapRunArn"], statusFilter="RUNNING"
                )
                yield from (child["executionArn"] for page in children for child in page["executions"])
