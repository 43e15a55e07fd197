"""Ctrl-C and the other signals that ask a program to end; none of them gets lost.

Python raises KeyboardInterrupt wherever the main thread happens to be. If that is a finalizer, or a library's
bare `except`, the exception ends there (Library Reference, signal, Note on Signal Handlers and Exceptions).
So each signal is noted down as well, and whoever waits looks at the note.
"""

from __future__ import annotations

import signal
import time

_noted = False


def heed() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt; what is ignored stays so, as by nohup."""

    def interrupt(*_: object) -> None:
        global _noted
        _noted = True
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
