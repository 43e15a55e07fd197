"""The log of a Glue job run, from CloudWatch Logs.

Since Glue 5.0 a run writes as it goes on: what the script prints and logs to <group>/output, what Spark says
to <group>/error, in streams whose names begin with the run's id (AWS Glue Developer Guide, "Logging for AWS
Glue jobs").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.target.executions import LogLine

OVERLAP = 10_000
"""Milliseconds that are read again: CloudWatch does not take in events strictly in their order."""


class GlueLog:
    """`target.LogReader` on the output and error streams of a run. Raises AwsError."""

    def __init__(self, client: Any, groups: str, run_id: str) -> None:
        self._client = client
        self._groups = (f"{groups}/output", f"{groups}/error")
        self._run_id = run_id
        self._latest = dict.fromkeys(self._groups, 0)
        self._seen: set[str] = set()

    def read(self) -> Sequence[LogLine]:
        found = [event for group in self._groups for event in self._events(group)]
        return [
            LogLine(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), line)
            for event in sorted(found, key=lambda event: event["timestamp"])
            for line in event["message"].splitlines()
        ]

    def _events(self, group: str) -> Iterator[Mapping[str, Any]]:
        arguments = {
            "logGroupName": group,
            "logStreamNamePrefix": self._run_id,
            "startTime": max(0, self._latest[group] - OVERLAP),
        }
        while True:
            with translating():
                try:
                    page = self._client.filter_log_events(**arguments)
                except ClientError as error:
                    if code(error) == "ResourceNotFoundException":  # nothing was ever written, or it is past
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
