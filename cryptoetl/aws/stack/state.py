"""The state of a CloudFormation stack, and how two readings of it differ. No network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ANNOUNCED = "REVIEW_IN_PROGRESS"
"""A stack without resources, of a change set that was never executed."""
GONE = ("", "DELETE_COMPLETE")
ABSENT = (*GONE, ANNOUNCED)
FAILED_FIRST = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""A first deploy that failed: CloudFormation can only delete such a stack."""
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class StackState:
    """One reading of a stack; `status` is "" if there is none. `updated` is its last update or creation."""

    id: str
    status: str
    updated: datetime | None = None

    @property
    def exists(self) -> bool:
        """Return whether the stack has, or may have, resources."""
        return self.status not in ABSENT

    @property
    def busy(self) -> bool:
        """Return whether CloudFormation is working on the stack."""
        return self.exists and self.status.endswith("IN_PROGRESS")

    @property
    def deleting(self) -> bool:
        """Return whether the stack is being deleted."""
        return self.status == "DELETE_IN_PROGRESS"


@dataclass(frozen=True)
class Deployed:
    """A stack and its template; `template` is None if a deploy has nothing to compare with."""

    state: StackState
    template: Mapping[str, Any] | None


def change_between(before: StackState, after: StackState) -> str | None:
    """Return what happened to the stack, in words that follow its name; None if nothing did."""
    if after == before:
        return None
    if not before.status:
        return f"was created ({after.status})"
    if not after.status:
        return "was deleted"
    if after.id != before.id:
        return "was deleted and created again"
    if after.status != before.status:
        return f"went from {before.status} to {after.status}"
    return f"was updated ({after.updated:%Y-%m-%d %H:%M:%S} UTC)"
