"""What the events of a CloudFormation operation say: progress per resource, and the cause of a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from cryptoetl.aws.stack.changes import describe
from cryptoetl.errors import DeployError
from cryptoetl.events import ResourceProgress

_CANCELLED = "cancelled"

_DONE: Mapping[str, Literal["created", "changed", "removed", "kept", "taken back"]] = {
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "changed",
    "DELETE_COMPLETE": "removed",
    "DELETE_SKIPPED": "kept",
    "IMPORT_COMPLETE": "taken back",
}  # fmt: skip


class Operation:
    """The events of one operation on a stack, each of which is counted once; `total` resources, if known."""

    def __init__(self, stack_id: str, total: int | None) -> None:
        self._stack_id = stack_id
        self._total = total
        self._seen: set[str] = set()
        self._done = 0
        self._failures: list[Mapping[str, Any]] = []
        self._kept = False

    def progress(self, events: Iterable[Mapping[str, Any]]) -> Iterator[ResourceProgress]:
        """Yield the progress of each resource whose event is new."""
        for event in events:
            if event["EventId"] in self._seen:
                continue
            self._seen.add(event["EventId"])
            if event["PhysicalResourceId"] != self._stack_id:
                yield self._of_resource(event)

    def _of_resource(self, event: Mapping[str, Any]) -> ResourceProgress:
        status = event["ResourceStatus"]
        reason = str(event.get("ResourceStatusReason") or "")
        what, _ = describe(event["LogicalResourceId"], {"Type": event["ResourceType"]})
        name = event.get("PhysicalResourceId") or event["LogicalResourceId"]
        if status.endswith("_FAILED"):
            self._failures.append(event)
            return ResourceProgress(what, name, "failed", reason, self._done, self._total)
        word = _DONE.get(status)
        if word is None:
            return ResourceProgress(what, name, "begins", reason, self._done, self._total)
        self._done += 1
        self._kept |= word == "kept"
        return ResourceProgress(what, name, word, "", self._done, self._total)

    def failure(self, name: str, status: str) -> DeployError:
        """Return the error of an operation that left the stack `name` with this status."""
        # A resource that was in progress when another failed has an event of its own: cancelled.
        causes = [
            event
            for event in self._failures
            if _CANCELLED not in str(event.get("ResourceStatusReason", "")).lower()
        ]
        first = next(iter(causes or self._failures), None)
        reason = "no reason was given"
        if first is not None:
            what, _ = describe(first["LogicalResourceId"], {"Type": first["ResourceType"]})
            reason = f"{what} {first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'failed')}"
        return DeployError(reason, hint=_aftermath(name, status, kept=self._kept))


def _aftermath(name: str, status: str, *, kept: bool) -> str:
    match status:
        case "ROLLBACK_COMPLETE" if kept:
            return (
                "What had been created was removed again, except what is for data: the next deploy takes "
                "it back."
            )
        case "ROLLBACK_COMPLETE":
            return "What had been created was removed again."
        case "UPDATE_ROLLBACK_COMPLETE":
            return "Everything is as it was before."
        case "DELETE_FAILED":
            return "Some resources still exist; fix the cause and run `cryptoetl destroy` again."
        case "UPDATE_ROLLBACK_FAILED":
            return (
                "The rollback failed as well: fix the cause, then run "
                f"`aws cloudformation continue-update-rollback --stack-name {name}`."
            )
        case _:
            return f"The stack {name} has the status {status}."


def begins(event: Mapping[str, Any], stack_id: str) -> bool:
    """Return whether an operation on the stack begins with this event."""
    return (
        event["PhysicalResourceId"] == stack_id
        and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
        and "User Initiated" in str(event.get("ResourceStatusReason"))
    )


def drift(item: Mapping[str, Any]) -> tuple[str, str]:
    """Return a resource that was changed outside of the stack, and how it differs."""
    what, _ = describe(item["LogicalResourceId"], {"Type": item["ResourceType"]})
    name = f"{what} {item['PhysicalResourceId']}"
    if item["StackResourceDriftStatus"] == "DELETED":
        return name, "was removed outside of cryptoetl"
    paths = [difference["PropertyPath"].lstrip("/") for difference in item.get("PropertyDifferences", ())]
    return name, f"was changed outside of cryptoetl: {', '.join(paths) or 'its properties'}"
