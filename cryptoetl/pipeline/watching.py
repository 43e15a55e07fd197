"""Status of executions: read their events, and follow a running one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptoetl.errors import AwsError, AwsUnreachable, DamagedState, Interrupted, UsageError
from cryptoetl.events import Observe, Progressed, Warned
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import ExecutionStatus
from cryptoetl.target import Target
from cryptoetl.target.executions import Record
from cryptoetl.util import interruption


def status(target: Target, name: str | None = None) -> ExecutionStatus:
    """Return the status of an execution, the latest by default. Raises UsageError if there is none."""
    return _read(target, name or latest_name(target))


def latest_name(target: Target) -> str:
    """Return the name of the latest execution. Raises UsageError if there is none."""
    if names := target.executions.names(1):
        return names[0]
    raise UsageError(
        "there is no execution yet",
        hint="`cryptoetl up` checks, deploys, uploads and runs; `cryptoetl run` only runs.",
    )


def _read(target: Target, name: str) -> ExecutionStatus:
    fold = Fold(name)
    return _status(target, fold, read_events(target, name, fold))


def _status(target: Target, fold: Fold, record: Record) -> ExecutionStatus:
    folded = fold.status(record.status, record.ended, record.reason)
    return replace(folded, link=target.links.execution(record.name))


def read_events(target: Target, name: str, fold: Fold) -> Record:
    """Read the execution and add its new events to the fold. Raises UsageError if it is unknown."""
    record = target.executions.read(name, fold.last)
    try:
        for event in record.events:
            fold.add(event)
        if record.groups is not None:
            fold.add_groups(record.groups)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedState(
            f"event {fold.last} of execution {name} is damaged ({type(error).__name__}: {error})",
            hint="`cryptoetl run` starts a new execution; `cryptoetl status --last 10` lists the others.",
        ) from error
    return record


def latest(target: Target, count: int, observe: Observe) -> list[ExecutionStatus]:
    """Return the latest executions, newest first; warn of those whose record is damaged."""
    found = []
    for name in target.executions.names(count):
        try:
            found.append(_read(target, name))
        except DamagedState as error:
            observe(Warned(error.message))
    return found


class FollowTimeout(Exception):
    """The execution that is followed did not end within the timeout."""


MAX_FAILURES = 60
"""Failed polls in a row after which following ends: about five minutes on AWS."""


@dataclass(frozen=True)
class Timing:
    """How time passes; tests replace it."""

    sleep: Callable[[float], None] = interruption.sleep
    clock: Callable[[], float] = time.monotonic


REAL_TIME = Timing()


def follow(
    target: Target,
    name: str | None,
    observe: Observe,
    *,
    timeout: float | None = None,
    timing: Timing = REAL_TIME,
) -> ExecutionStatus:
    """Follow an execution, the latest by default, to its end, and report every change.

    Survives a lost connection: missed events are read after it is restored. Raises FollowTimeout after
    `timeout` seconds.
    """
    name = name or latest_name(target)
    fold = Fold(name)
    started, failures = timing.clock(), 0
    for pause in target.executions.pauses():
        try:
            record = read_events(target, name, fold)
        except AwsError as error:
            failures += 1
            if not isinstance(error, AwsUnreachable) or failures > MAX_FAILURES:
                raise _with_background_hint(error, target, name) from error
            if failures == 1:
                observe(Warned(f"{error.message}; trying again"))
            timing.sleep(pause)
            continue
        failures = 0
        current = _status(target, fold, record)
        if record.changed or record.status != "RUNNING":
            observe(Progressed(current))
        if record.status != "RUNNING":
            return current
        if timeout is not None and timing.clock() - started >= timeout:
            raise FollowTimeout(f"the execution had not ended after {timeout:g} seconds (--timeout)")
        timing.sleep(pause)
    raise AssertionError("pauses end")


def watch(
    target: Target, name: str | None, observe: Observe, *, timeout: float | None = None
) -> ExecutionStatus:
    """Follow an execution as `follow` does; an interruption says what becomes of it. Raises Interrupted."""
    name = name or latest_name(target)
    try:
        return follow(target, name, observe, timeout=timeout)
    except KeyboardInterrupt:
        raise Interrupted(target.executions.interrupt(name)) from None


def _with_background_hint(error: AwsError, target: Target, name: str) -> AwsError:
    """Return the error with the hint that the execution continues, if it does."""
    hints = (error.hint, target.executions.background_hint(name))
    return error.replace(hint=" ".join(hint for hint in hints if hint) or None)
