"""DuckDB statements that end when their time is up or the user interrupts them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from math import inf
from typing import TYPE_CHECKING, TypeVar

from cryptoetl.errors import Interrupted

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

GRACE = 3.0
"""Seconds within which an interrupted statement should end."""


def run(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], T], timeout: float, grace: float = GRACE
) -> T:
    """Run `work` on the connection in a separate thread and return its result.

    In the main thread, DuckDB could miss a Ctrl-C. Raises Interrupted when the interrupted statement has
    ended, TimeoutError when it has been stopped after `timeout` seconds, and whatever `work` raises. Some
    functions cannot be interrupted: after `grace` seconds more, TimeoutError is raised while the thread still
    runs; it ends with the process.
    """
    outcome: Future[T] = Future()

    def call() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=call, name="query", daemon=True).start()
    try:
        if wait([outcome], timeout).done:
            return outcome.result()
        _interrupt(connection, outcome, grace)
    except KeyboardInterrupt:
        _interrupt(connection, outcome, inf)
        raise Interrupted("the statement was stopped") from None
    raise TimeoutError


def _interrupt(connection: duckdb.DuckDBPyConnection, outcome: Future[T], seconds: float) -> None:
    """Interrupt repeatedly: DuckDB ignores an interruption that comes before the statement has begun."""
    end = time.monotonic() + seconds
    while not outcome.done() and time.monotonic() < end:
        connection.interrupt()
        wait([outcome], timeout=0.1)
