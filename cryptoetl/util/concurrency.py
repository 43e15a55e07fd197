"""Several small pieces of work at once, and what they tell in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 8
"""Pieces at the same time: what a client's pool of connections (10) carries."""

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")


def side_by_side(work: Callable[[Argument], Answer], arguments: Sequence[Argument]) -> Iterator[Answer]:
    """What `work` returns, in the order of the arguments. After a failure, which is raised, none is begun."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(work, argument) for argument in arguments]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def in_turn(tell: Callable[[Argument], None]) -> Callable[[Argument], None]:
    """The same, for several threads: never two calls at once."""
    turn = threading.RLock()

    def one(argument: Argument) -> None:
        with turn:
            tell(argument)

    return one
