"""The log of a Glue job run, from CloudWatch Logs.

Since Glue 5.0 a run writes its log while it runs: the script's output to <group>/output, Spark's messages to
<group>/error, in streams whose names begin with the run's ID (AWS Glue Developer Guide, "Logging for AWS Glue
jobs").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.target.executions import LogLine

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import (
        FilteredLogEventTypeDef,
        FilterLogEventsRequestTypeDef,
    )

SHELL_LOGS = "/aws-glue/python-jobs"
"""Groups of Python shell jobs, which ignore a group of one's own, such as the cleaning (AWS Glue Developer
Guide, "Configuring job properties for Python shell jobs in AWS Glue")."""

OVERLAP = 10_000
"""Milliseconds that are read again: CloudWatch does not ingest events strictly in order."""


class GlueLog:
    """`target.LogReader` of the output and error streams of a run. Methods raise AwsError."""

    def __init__(self, client: CloudWatchLogsClient, groups: str, run_id: str) -> None:
        self._client = client
        self._groups = (f"{groups}/output", f"{groups}/error")
        self._run_id = run_id
        self._latest = dict.fromkeys(self._groups, 0)
        self._seen: set[str] = set()

    def read(self) -> Sequence[LogLine]:
        """Return the lines since the last call, in order of time."""
        found = [event for group in self._groups for event in self._events(group)]
        return [
            LogLine(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), line)
            for event in sorted(found, key=lambda event: event["timestamp"])
            for line in event["message"].splitlines()
        ]

    def _events(self, group: str) -> Iterator[FilteredLogEventTypeDef]:
        arguments: FilterLogEventsRequestTypeDef = {
            "logGroupName": group,
            "logStreamNamePrefix": self._run_id,
            "startTime": max(0, self._latest[group] - OVERLAP),
        }
        while True:
            with translating():
                try:
                    page = self._client.filter_log_events(**arguments)
                except ClientError as error:
                    if code(error) == "ResourceNotFoundException":  # nothing was written, or it has expired
                        return
                    raise
            for event in page["events"]:
                if event["eventId"] not in self._seen and "progress-bar" not in event["logStreamName"]:
                    self._seen.add(event["eventId"])
                    self._latest[group] = max(self._latest[group], event["timestamp"])
                    yield event
            if not page.get("nextToken"):
                return
            arguments["nextToken"] = page["nextToken"]
