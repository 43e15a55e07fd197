"""Progress and failures from the events of a CloudFormation operation."""

from __future__ import annotations

from typing import Any

import pytest

from cryptoetl.aws.stack.events import Operation, drift
from cryptoetl.events import ResourceProgress


def event(logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "EventId": f"{logical_id} {status}",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"crypto-{logical_id}".lower(),
        "ResourceType": "AWS::Glue::Job",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_each_event_is_reported_once_and_finished_resources_are_counted() -> None:
    operation = Operation("stack-id", 2)
    first = [event("A", "CREATE_IN_PROGRESS"), event("A", "CREATE_COMPLETE")]
    assert list(operation.progress(first)) == [
        ResourceProgress("job", "crypto-a", "begins", "", 0, 2),
        ResourceProgress("job", "crypto-a", "created", "", 1, 2),
    ]
    assert list(operation.progress([*first, event("B", "UPDATE_COMPLETE")])) == [
        ResourceProgress("job", "crypto-b", "changed", "", 2, 2)
    ]


def test_events_of_the_stack_itself_are_not_reported() -> None:
    of_stack = event("Stack", "CREATE_IN_PROGRESS") | {"PhysicalResourceId": "stack-id"}
    assert list(Operation("stack-id", None).progress([of_stack])) == []


def test_the_cause_is_the_first_failure_that_is_no_cancellation() -> None:
    operation = Operation("stack-id", None)
    events = [
        event("A", "CREATE_FAILED", "Resource creation cancelled"),
        event("B", "CREATE_FAILED", "Max jobs reached"),
        event("C", "CREATE_FAILED", "Rate exceeded"),
    ]
    assert [progress.status for progress in operation.progress(events)] == ["failed"] * 3
    failure = operation.failure("cryptoetl-crypto", "ROLLBACK_COMPLETE")
    assert failure.message == "job B: Max jobs reached"
    assert failure.hint == "What had been created was removed again."


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", "as it was before"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name cryptoetl-crypto"),
        ("DELETE_FAILED", "run `cryptoetl destroy` again"),
        ("IMPORT_ROLLBACK_COMPLETE", "has the status IMPORT_ROLLBACK_COMPLETE"),
    ],
)
def test_a_failure_says_what_to_do_next(status: str, hint: str) -> None:
    failure = Operation("stack-id", None).failure("cryptoetl-crypto", status)
    assert failure.message == "no reason was given"
    assert hint in (failure.hint or "")


def test_drift_names_the_properties() -> None:
    item = event("A", "") | {"StackResourceDriftStatus": "DELETED"}
    assert drift(item) == ("job crypto-a", "was removed outside of cryptoetl")
    paths = [{"PropertyPath": "/Timeout"}, {"PropertyPath": "/Command/Name"}]
    item |= {"StackResourceDriftStatus": "MODIFIED", "PropertyDifferences": paths}
    assert drift(item) == ("job crypto-a", "was changed outside of cryptoetl: Timeout, Command/Name")
