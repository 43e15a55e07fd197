"""The CloudFormation client of one stack: read it, change it by a change set, follow events, delete it.

A change set is created, compared by the caller with the plan, and executed; then its events are followed to
the end. CloudFormation continues whether or not it is watched, so `follow` can begin at any time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cryptoetl.aws.errors import translating
from cryptoetl.aws.stack import events as stack_events
from cryptoetl.aws.stack.state import GONE, GOOD, StackState
from cryptoetl.errors import AwsError, DeployError
from cryptoetl.events import Observe
from cryptoetl.util.waiting import backoff, poll

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        CreateChangeSetInputTypeDef,
        DescribeStackResourceDriftsInputTypeDef,
    )

Answer = TypeVar("Answer")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 3.0
"""Seconds between two requests for the state of something that is in progress."""


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed: per resource the action, and whether it is replaced."""

    name: str
    stack_id: str
    changes: tuple[Mapping[str, Any], ...]


class Stack:
    """The stack with this name. Methods raise AwsError; those that follow an operation also DeployError.

    A stack that was found is addressed by its id from then on: it may be deleted meanwhile, and a deleted
    stack has only its id (API Reference, ListStackResources and GetTemplate).
    """

    def __init__(self, client: CloudFormationClient, name: str, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep
        self.name = name

    def state(self, stack_id: str | None = None) -> StackState:
        """Return the state of the stack with this name, or with this id."""
        try:
            with translating():
                found = self._client.describe_stacks(StackName=stack_id or self.name)["Stacks"][0]
        except AwsError as error:
            if error.aws_code == "ValidationError" and "does not exist" in error.message:
                return StackState("", "")
            raise
        updated = found.get("LastUpdatedTime") or found["CreationTime"]
        return StackState(found["StackId"], found["StackStatus"], updated)

    def template(self, stack_id: str) -> Mapping[str, Any]:
        """Return the deployed template. Raises DeployError if it is not JSON, as `deploy` writes it."""
        with translating():
            body = self._client.get_template(StackName=stack_id, TemplateStage="Original")["TemplateBody"]
        try:
            template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
        except ValueError:
            raise DeployError(
                f"the stack {self.name} was not made by cryptoetl: its template is not JSON",
                hint="Choose another `pipeline` name.",
            ) from None
        return template

    def resources(self, stack_id: str) -> list[Mapping[str, Any]]:
        """Return LogicalResourceId, PhysicalResourceId, ResourceType and ResourceStatus of each resource."""
        with translating():
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
            return [item for page in pages for item in page["StackResourceSummaries"]]

    def prepare(
        self, template_url: str, tags: Mapping[str, str], *, adopt: bool, stack_id: str | None
    ) -> ChangeSet | None:
        """Create a change set and wait for it; None if it would change nothing.

        It updates the stack with this id, or creates one if that is None. `adopt` imports resources that
        exist already under their names. Raises DeployError if CloudFormation rejects the change set.
        """
        request: CreateChangeSetInputTypeDef = {
            "StackName": stack_id or self.name,
            "ChangeSetName": f"cryptoetl-{uuid.uuid4().hex[:12]}",
            "ChangeSetType": "UPDATE" if stack_id else "CREATE",
            "TemplateURL": template_url,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        if adopt:
            request["ImportExistingResources"] = True
        with translating():
            created = self._client.create_change_set(**request)
            described = self._poll(
                lambda: self._client.describe_change_set(ChangeSetName=created["Id"]),
                lambda answer: answer["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"),
            )
            changes = list(described.get("Changes", ()))
            while token := described.get("NextToken"):
                described = self._client.describe_change_set(ChangeSetName=created["Id"], NextToken=token)
                changes += described.get("Changes", ())
        if described["Status"] == "FAILED":
            reason = str(described.get("StatusReason", ""))
            self.discard(created["Id"])
            if stack_id is None:
                self.forget(created["StackId"])
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return None
            raise DeployError(f"CloudFormation rejects the change set: {reason}")
        return ChangeSet(created["Id"], created["StackId"], tuple(c["ResourceChange"] for c in changes))

    def discard(self, change_set: str) -> None:
        """Delete a change set that will not be executed."""
        with translating():
            self._client.delete_change_set(ChangeSetName=change_set)

    def forget(self, stack_id: str) -> None:
        """Delete a stack without resources: that of a change set that was never executed."""
        with translating():
            self._client.delete_stack(StackName=stack_id)

    def execute(self, change_set: ChangeSet, observe: Observe) -> None:
        """Execute the change set and follow it to its end."""
        token = uuid.uuid4().hex
        with translating():
            self._client.execute_change_set(ChangeSetName=change_set.name, ClientRequestToken=token)
        self.follow(change_set.stack_id, observe, token=token, total=len(change_set.changes))

    def remove(self, stack_id: str, observe: Observe) -> None:
        """Delete the stack and follow that to its end."""
        total = len(self.resources(stack_id))
        token = uuid.uuid4().hex
        with translating():
            self._client.delete_stack(StackName=stack_id, ClientRequestToken=token)
        self.follow(stack_id, observe, token=token, total=total)

    def follow(
        self, stack_id: str, observe: Observe, *, token: str | None = None, total: int | None = None
    ) -> None:
        """Report the progress of an operation until it ends: the one with this token, or the latest.

        Raises DeployError with the first resource that failed, after the rollback has ended.
        """
        operation = stack_events.Operation(stack_id, total)

        def news() -> tuple[StackState, bool]:
            state = self.state(stack_id)  # before the events, so that an ended operation has all of them
            events = self._events(stack_id, token)
            for progress in operation.progress(events):
                observe(progress)
            return state, bool(events)

        def ended(news: tuple[StackState, bool]) -> bool:
            state, begun = news
            return state.status in GONE or (state.exists and not state.busy and (begun or token is None))

        state, _ = self._poll(news, ended)
        if state.status not in GOOD and state.status:
            raise operation.failure(self.name, state.status)

    def _events(self, stack_id: str, token: str | None) -> list[Mapping[str, Any]]:
        """Return the events of one operation, oldest first."""
        found: list[Mapping[str, Any]] = []
        with translating():
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                for event in page["StackEvents"]:
                    if token is not None and event.get("ClientRequestToken") != token:
                        return found[::-1]
                    found.append(event)
                    if token is None and stack_events.begins(event, stack_id):
                        return found[::-1]
        return found[::-1]

    def drift(self) -> Iterator[tuple[str, str]]:
        """Yield the resources that were changed outside of the stack: what they are, and how they differ."""
        with translating():
            detection = self._client.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]
            self._poll(
                lambda: self._client.describe_stack_drift_detection_status(StackDriftDetectionId=detection),
                lambda answer: answer["DetectionStatus"] != "DETECTION_IN_PROGRESS",
            )
            arguments: DescribeStackResourceDriftsInputTypeDef = {
                "StackName": self.name,
                "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
            }
            while True:
                page = self._client.describe_stack_resource_drifts(**arguments)
                yield from map(stack_events.drift, page["StackResourceDrifts"])
                if not page.get("NextToken"):
                    return
                arguments["NextToken"] = page["NextToken"]

    def _poll(self, ask: Callable[[], Answer], ended: Callable[[Answer], bool]) -> Answer:
        return poll(ask, ended, self._sleep, backoff(FIRST_PAUSE, LONGEST_PAUSE))
