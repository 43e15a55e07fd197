"""Executions as they stand and as they go on: their events, read and folded."""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptoetl.errors import AwsError, AwsUnreachable, DamagedState, UsageError
from cryptoetl.events import Observe, Progressed, Warned
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import ExecutionStatus
from cryptoetl.target import Target
from cryptoetl.target.executions import Record
from cryptoetl.util import interruption


def status(target: Target, name: str | None = None) -> ExecutionStatus:
    """An execution as it stands, the latest by default. Raises UsageError if there is none."""
    return _read(target, name or latest_name(target))


def latest_name(target: Target) -> str:
    """The latest execution's name. Raises UsageError if there is none."""
    if names := target.executions.names(1):
        return names[0]
    raise UsageError("there is no execution yet", hint="Run `cryptoetl up` first.")


def _read(target: Target, name: str) -> ExecutionStatus:
    fold = Fold(name)
    record = look(target, name, fold)
    return fold.status(record.status, record.ended, record.reason)


def look(target: Target, name: str, fold: Fold) -> Record:
    """What has come since the last look, taken in by the fold. Raises UsageError for an unknown execution."""
    record = target.executions.read(name, fold.last)
    try:
        for event in record.events:
            fold.add(event)
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


class NotInTime(Exception):
    """An execution that was followed is not through after its time."""


LOST = 60
"""Looks in a row that may fail before watching is given up: about five minutes on AWS."""


def follow(
    target: Target,
    name: str | None,
    observe: Observe,
    sleep: Callable[[float], None] = interruption.sleep,
    *,
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ExecutionStatus:
    """Watch an execution to its end, telling of every change.

    A connection that is lost is found again: the events that were missed are read then. Raises NotInTime.
    """
    name = name or latest_name(target)
    fold = Fold(name)
    started, failures = clock(), 0
    for pause in target.executions.pauses():
        try:
            record = look(target, name, fold)
        except AwsError as error:
            failures += 1
            if not isinstance(error, AwsUnreachable) or failures > LOST:
                if goes_on := target.executions.goes_on(name):
                    error.hint = f"{error.hint} {goes_on}" if error.hint else goes_on
                raise
            if failures == 1:
                observe(Warned(f"{error.message}; trying again"))
            sleep(pause)
            continue
        failures = 0
        current = fold.status(record.status, record.ended, record.reason)
        if record.events or record.status != "RUNNING":
            observe(Progressed(current))
        if record.status != "RUNNING":
            return current
        if timeout is not None and clock() - started >= timeout:
            raise NotInTime(f"not through after {timeout:g} seconds (--timeout)")
        sleep(pause)
    raise AssertionError("pauses end")
