"""Ctrl-C and the other signals that ask a program to end; none gets lost, and none breaks a line.

Python raises KeyboardInterrupt wherever the main thread happens to be. If that is a finalizer, or a library's
bare `except`, the exception ends there (Library Reference, signal, Note on Signal Handlers and Exceptions).
So each signal is noted down as well, and whoever waits looks at the note.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_noted = False
_holding = 0
_held_back = False


def heed() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt; what is ignored stays so, as by nohup."""

    def interrupt(*_: object) -> None:
        global _noted, _held_back
        _noted = True
        if _holding and not _held_back:
            _held_back = True
        else:
            raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def sleep(seconds: float) -> None:
    """As time.sleep, for work that an interruption ends; raises KeyboardInterrupt also if one came before."""
    if _noted:
        raise KeyboardInterrupt
    time.sleep(seconds)


@contextmanager
def held_back() -> Iterator[None]:
    """Inside, an interruption waits for the end of the block; a second one does not.

    For short work that a library leaves in pieces, such as a line being printed. Other threads than the main
    one are never interrupted.
    """
    global _holding, _held_back
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _holding += 1
    try:
        yield
    finally:
        _holding -= 1
        if _held_back and not _holding:
            _held_back = False
            raise KeyboardInterrupt
