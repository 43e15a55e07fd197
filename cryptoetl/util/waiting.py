"""Wait for something that can only be found out by asking again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

Answer = TypeVar("Answer")


def backoff(first: float, longest: float, factor: float = 2.0) -> Iterator[float]:
    """Yield pauses in seconds without end: each `factor` times the one before it, up to `longest`."""
    pause = first
    while True:
        yield pause
        pause = min(pause * factor, longest)


def poll(
    ask: Callable[[], Answer],
    ended: Callable[[Answer], bool],
    sleep: Callable[[float], None],
    pauses: Iterator[float],
) -> Answer:
    """Return the first answer that `ended` accepts; sleep for the next of `pauses` after each other one."""
    while not ended(answer := ask()):
        sleep(next(pauses))
    return answer
