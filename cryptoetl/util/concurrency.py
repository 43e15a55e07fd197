"""Small tasks in a thread pool, and functions that several threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

MAX_THREADS = 8
"""Tasks at the same time; fewer than the connections of a boto3 client's pool (10)."""

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def map_in_threads(task: Callable[[Argument], Result], arguments: Sequence[Argument]) -> Iterator[Result]:
    """Yield the results of `task` in the order of the arguments.

    Raises the first failure, after which no further task is begun.
    """
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        futures = [pool.submit(task, argument) for argument in arguments]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def serialized(callback: Callable[[Argument], None]) -> Callable[[Argument], None]:
    """Return the callback for use by several threads, called by one at a time."""
    lock = threading.RLock()

    def call(argument: Argument) -> None:
        with lock:
            callback(argument)

    return call


def once(ask: Callable[[], Result]) -> Callable[[], Result]:
    """Return a function that asks when it is first called, and then repeats the answer or the exception.

    Other threads wait for the first one.
    """
    answer: Future[Result] = Future()
    lock = threading.Lock()

    def call() -> Result:
        with lock:
            if not answer.done():
                try:
                    answer.set_result(ask())
                except Exception as error:
                    answer.set_exception(error)
        return answer.result()

    return call
