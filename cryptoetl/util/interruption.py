"""Ctrl-C, SIGTERM and SIGHUP: none is lost, none breaks a printed line, none waits longer than `GRACE`.

Python raises KeyboardInterrupt wherever the main thread happens to be, where a finalizer or a library's bare
`except` may swallow it (Library Reference, signal, Note on Signal Handlers and Exceptions), and Sail replaces
the handler of SIGINT with its own. So the signals are blocked in all threads, and one thread waits for them.
It forwards each to the main thread as SIGUSR1, whose handler no library replaces. Child processes inherit
the blocked signals.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

EXIT_CODE = 130
GRACE = 4.5
"""Seconds after which a command that was interrupted ends even if it is not done tidying up."""

_noted = False
_in_grace = False
_orderly = False
_holding = 0
_held_back = False


def listen() -> None:
    """Take over the signals, except those that are ignored, as under nohup. Call it once, in the main thread.

    Until `orderly`, each ends the process at once, with a message and `EXIT_CODE`.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = {getattr(signal, name) for name in names if hasattr(signal, name)}
    taken = {number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}
    if hasattr(signal, "sigwait"):
        sys.unraisablehook = _swallowed
        signal.signal(signal.SIGUSR1, _interrupt)
        signal.pthread_sigmask(signal.SIG_BLOCK, taken)
        threading.Thread(target=_wait, args=(taken,), name="signals", daemon=True).start()
    else:  # Windows

        def handle(*_: object) -> None:
            _begin_grace()
            _interrupt()

        for number in taken:
            signal.signal(number, handle)


def _wait(taken: set[signal.Signals]) -> None:
    while True:
        signal.sigwait(taken)
        _begin_grace()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def _begin_grace() -> None:
    """End the process when `GRACE` is over, or now if no command is running."""
    global _in_grace
    if not _orderly:
        leave()
    if not _in_grace:
        _in_grace = True
        watchdog = threading.Timer(GRACE, leave)
        watchdog.daemon = True
        watchdog.start()


def _interrupt(*_: object) -> None:
    """Interrupt the main thread, in which this handler runs.

    An interruption counts as noted from here on, not from its arrival in another thread: `sleep` would raise
    for it before this handler does so again.
    """
    global _held_back, _noted
    _noted = True
    if _holding and not _held_back:
        _held_back = True
    else:
        raise KeyboardInterrupt


def _swallowed(unraisable: sys.UnraisableHookArgs) -> None:
    """Interrupt once more where Python drops an interruption, as in the callback of a weak reference."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        signal.raise_signal(signal.SIGUSR1)
    else:
        sys.__unraisablehook__(unraisable)


def leave() -> NoReturn:
    """End the process at once."""
    os.write(2, b"interrupted: stopped before it was done\n")
    os._exit(EXIT_CODE)


def noted() -> bool:
    """Return whether an interruption has come."""
    return _noted


@contextmanager
def orderly() -> Iterator[None]:
    """Let interruptions raise KeyboardInterrupt in the main thread instead of ending the process at once."""
    global _orderly
    _orderly = True
    try:
        yield
    finally:
        _orderly = False


def sleep(seconds: float) -> None:
    """Sleep like time.sleep; raise KeyboardInterrupt also if an interruption came before."""
    if _noted:
        raise KeyboardInterrupt
    time.sleep(seconds)


@contextmanager
def held_back() -> Iterator[None]:
    """Delay an interruption to the end of the block; a second one is not delayed.

    For short work that a library would leave in pieces, such as printing a line. Threads other than the main
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
