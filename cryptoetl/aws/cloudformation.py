"""One CloudFormation stack: read it, change it by a change set, follow what happens, take it down.

A change set is created, compared by the caller with what was agreed to, and executed; then its events are
followed to the end. CloudFormation goes on when nobody watches: `follow` can begin at any time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.aws.stack.changes import describe
from cryptoetl.errors import DeployError
from cryptoetl.events import Observe, ResourceProgress

POLL_SECONDS = (0.5, 1.0, 2.0, 3.0)
"""Between two looks: more patient each time, the last one from then on."""

ANNOUNCED = "REVIEW_IN_PROGRESS"
"""A stack with nothing in it, of a change set that was never executed."""
ABSENT = ("", ANNOUNCED, "DELETE_COMPLETE")
FAILED_FIRST = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""A first deploy that failed: CloudFormation can only remove such a stack."""
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")
_CANCELLED = "cancelled"

_DONE: Mapping[str, Literal["created", "changed", "removed", "kept", "taken back"]] = {
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "changed",
    "DELETE_COMPLETE": "removed",
    "DELETE_SKIPPED": "kept",
    "IMPORT_COMPLETE": "taken back",
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """The stack as it stands; `status` is "" if there is none."""

    id: str
    status: str
    outputs: Mapping[str, str]

    @property
    def exists(self) -> bool:
        return self.status not in ABSENT

    @property
    def busy(self) -> bool:
        return self.exists and self.status.endswith("IN_PROGRESS")

    @property
    def going(self) -> bool:
        """Whether it is being removed."""
        return self.status == "DELETE_IN_PROGRESS"


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed: per resource the action, and whether it is replaced."""

    name: str
    stack_id: str
    changes: tuple[Mapping[str, Any], ...]


class Stack:
    """The stack with this name. Methods raise AwsError; `follow` also DeployError.

    What has been found once is asked for by its id: somebody else may remove it meanwhile, and CloudFormation
    knows a removed stack only by that (API Reference, ListStackResources and GetTemplate).
    """

    def __init__(self, client: Any, name: str, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep
        self.name = name

    def state(self, stack_id: str | None = None) -> State:
        try:
            with translating():
                found = self._client.describe_stacks(StackName=stack_id or self.name)["Stacks"][0]
        except Exception as error:
            if _is_missing(error.__cause__):
                return State("", "", {})
            raise
        outputs = {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs") or ()}
        return State(found["StackId"], found["StackStatus"], outputs)

    def template(self, stack_id: str) -> Mapping[str, Any]:
        """The deployed template; it is JSON, as `deploy` writes it."""
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
        """LogicalResourceId, PhysicalResourceId, ResourceType, ResourceStatus of each."""
        with translating():
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
            return [item for page in pages for item in page["StackResourceSummaries"]]

    def prepare(
        self, template_url: str, tags: Mapping[str, str], *, adopt: bool, new: bool
    ) -> ChangeSet | None:
        """Create a change set and wait for it; None if it would change nothing.

        `adopt` takes resources that exist already under their names into the stack.
        """
        name = f"cryptoetl-{uuid.uuid4().hex[:12]}"
        with translating():
            created = self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=name,
                ChangeSetType="CREATE" if new else "UPDATE",
                TemplateURL=template_url,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                **({"ImportExistingResources": True} if adopt else {}),
            )
            pauses = _pauses()
            while True:
                described = self._client.describe_change_set(ChangeSetName=created["Id"])
                if described["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                    break
                self._sleep(next(pauses))
            changes = list(described.get("Changes", ()))
            while token := described.get("NextToken"):
                described = self._client.describe_change_set(ChangeSetName=created["Id"], NextToken=token)
                changes += described.get("Changes", ())
        if described["Status"] == "FAILED":
            reason = str(described.get("StatusReason", ""))
            self.discard(created["Id"])
            if new:
                self.forget(created["StackId"])
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return None
            raise DeployError(f"CloudFormation refuses the change set: {reason}")
        return ChangeSet(created["Id"], created["StackId"], tuple(c["ResourceChange"] for c in changes))

    def discard(self, change_set: str) -> None:
        with translating():
            self._client.delete_change_set(ChangeSetName=change_set)

    def forget(self, stack_id: str) -> None:
        """Delete a stack that has nothing in it: one that is only announced."""
        with translating():
            self._client.delete_stack(StackName=stack_id)

    def execute(self, change_set: ChangeSet, observe: Observe) -> None:
        """Execute it and follow it to its end."""
        token = uuid.uuid4().hex
        with translating():
            self._client.execute_change_set(ChangeSetName=change_set.name, ClientRequestToken=token)
        self.follow(change_set.stack_id, observe, token=token, total=len(change_set.changes))

    def remove(self, stack_id: str, observe: Observe) -> None:
        """Delete the stack and follow it to its end."""
        total = len(self.resources(stack_id))
        token = uuid.uuid4().hex
        with translating():
            self._client.delete_stack(StackName=stack_id, ClientRequestToken=token)
        self.follow(stack_id, observe, token=token, total=total)

    def follow(
        self, stack_id: str, observe: Observe, *, token: str | None = None, total: int | None = None
    ) -> None:
        """Tell of what happens until the operation ends; the latest one if no token names it.

        Raises DeployError with the first resource that failed, after the rollback has ended.
        """
        seen: set[str] = set()
        failures: list[Mapping[str, Any]] = []
        done = 0
        pauses = _pauses()
        while True:
            state = self.state(stack_id)  # before the events: those of the end are there when it has ended
            events = self._events(stack_id, token)
            for event in events:
                if event["EventId"] in seen:
                    continue
                seen.add(event["EventId"])
                if event["PhysicalResourceId"] == stack_id:
                    continue
                progress = _progress(event, done, total)
                done = progress.done
                if progress.status == "failed":
                    failures.append(event)
                observe(progress)
            gone = state.status in ("", "DELETE_COMPLETE")
            if gone or (state.exists and not state.busy and (events or token is None)):
                break
            self._sleep(next(pauses))
        if state.status not in _GOOD and state.status:
            raise _failed(self.name, state.status, failures)

    def _events(self, stack_id: str, token: str | None) -> list[Mapping[str, Any]]:
        """The events of one operation, oldest first."""
        found: list[Mapping[str, Any]] = []
        with translating():
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                for event in page["StackEvents"]:
                    if token is not None and event.get("ClientRequestToken") != token:
                        return found[::-1]
                    found.append(event)
                    if token is None and _begins(event, stack_id):
                        return found[::-1]
        return found[::-1]

    def drift(self) -> Iterator[tuple[str, str]]:
        """Resources that were changed behind the stack's back: what they are, and how they differ."""
        with translating():
            detection = self._client.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]
            pauses = _pauses()
            while True:
                found = self._client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
                if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                    break
                self._sleep(next(pauses))
            arguments: dict[str, Any] = {
                "StackName": self.name,
                "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
            }
            while True:
                page = self._client.describe_stack_resource_drifts(**arguments)
                for item in page["StackResourceDrifts"]:
                    what, _ = describe(item["LogicalResourceId"], {"Type": item["ResourceType"]})
                    yield f"{what} {item['PhysicalResourceId']}", _drifted(item)
                if not page.get("NextToken"):
                    return
                arguments["NextToken"] = page["NextToken"]


def _pauses() -> Iterator[float]:
    yield from POLL_SECONDS
    while True:
        yield POLL_SECONDS[-1]


def _drifted(item: Mapping[str, Any]) -> str:
    if item["StackResourceDriftStatus"] == "DELETED":
        return "was removed outside of cryptoetl"
    paths = [difference["PropertyPath"].lstrip("/") for difference in item.get("PropertyDifferences", ())]
    return f"was changed outside of cryptoetl: {', '.join(paths) or 'its properties'}"


def _begins(event: Mapping[str, Any], stack_id: str) -> bool:
    return (
        event["PhysicalResourceId"] == stack_id
        and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
        and "User Initiated" in str(event.get("ResourceStatusReason"))
    )


def _progress(event: Mapping[str, Any], done: int, total: int | None) -> ResourceProgress:
    status = event["ResourceStatus"]
    reason = str(event.get("ResourceStatusReason") or "")
    what, _ = describe(event["LogicalResourceId"], {"Type": event["ResourceType"]})
    name = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    if status.endswith("_FAILED"):
        return ResourceProgress(what, name, "failed", reason, done, total)
    word = _DONE.get(status)
    if word is None:
        return ResourceProgress(what, name, "begins", reason, done, total)
    return ResourceProgress(what, name, word, "", done + 1, total)


def _failed(name: str, status: str, failures: list[Mapping[str, Any]]) -> DeployError:
    # Whatever was still being made when the first one failed is reported as failed too: cancelled.
    real = [item for item in failures if _CANCELLED not in str(item.get("ResourceStatusReason", "")).lower()]
    first = next(iter(real or failures), None)
    reason = "no reason was given"
    if first is not None:
        what, _ = describe(first["LogicalResourceId"], {"Type": first["ResourceType"]})
        reason = f"{what} {first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'failed')}"
    match status:
        case "ROLLBACK_COMPLETE":
            after = "What had been created was removed again."
        case "UPDATE_ROLLBACK_COMPLETE":
            after = "Everything is as it was before."
        case "DELETE_FAILED":
            after = "Some resources are still there; mend the cause and run `cryptoetl destroy` again."
        case "UPDATE_ROLLBACK_FAILED":
            after = (
                "It could not be undone either: mend the cause, then "
                f"`aws cloudformation continue-update-rollback --stack-name {name}`."
            )
        case _:
            after = f"The stack {name} reads {status}."
    return DeployError(reason, hint=after)


def _is_missing(error: BaseException | None) -> bool:
    return (
        isinstance(error, ClientError)
        and code(error) == "ValidationError"
        and "does not exist" in str(error.response["Error"].get("Message", ""))
    )
