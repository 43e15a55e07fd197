"""How two readings of a stack differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cryptoetl.aws.stack.state import StackState, change_between

NONE = StackState("", "")
STACK = StackState("id-1", "UPDATE_COMPLETE", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("state", [NONE, STACK])
def test_equal_readings_have_no_change(state: StackState) -> None:
    assert change_between(state, replace(state)) is None


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (NONE, STACK, "was created (UPDATE_COMPLETE)"),
        (STACK, NONE, "was deleted"),
        (STACK, replace(STACK, id="id-2"), "was deleted and created again"),
        (STACK, replace(STACK, status="ROLLBACK_COMPLETE"), "went from UPDATE_COMPLETE to ROLLBACK_COMPLETE"),
        (
            STACK,
            replace(STACK, updated=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
            "was updated (2026-02-03 04:05:06 UTC)",
        ),
    ],
)
def test_a_change_is_described_in_words(before: StackState, after: StackState, change: str) -> None:
    assert change_between(before, after) == change


@pytest.mark.parametrize(
    ("status", "exists", "busy", "deleting"),
    [
        ("", False, False, False),
        ("REVIEW_IN_PROGRESS", False, False, False),
        ("DELETE_COMPLETE", False, False, False),
        ("CREATE_IN_PROGRESS", True, True, False),
        ("DELETE_IN_PROGRESS", True, True, True),
        ("ROLLBACK_COMPLETE", True, False, False),
    ],
)
def test_a_status_says_whether_the_stack_exists_and_is_busy(
    status: str, exists: bool, busy: bool, deleting: bool
) -> None:
    state = StackState("id-1", status)
    assert (state.exists, state.busy, state.deleting) == (exists, busy, deleting)
