"""Handling of SIGINT (Ctrl-C), SIGTERM and SIGHUP.

Python raises KeyboardInterrupt at an arbitrary place in the main thread, where a finalizer or a library's
bare `except` may swallow it (Library Reference, signal, Note on Signal Handlers and Exceptions), and Sail
replaces the handler of SIGINT with its own. Therefore the signals are blocked in all threads, and one thread
waits for them. It forwards each to the main thread as SIGUSR1, whose handler no library replaces, and repeats
that until the handler has run: a signal that arrives just before a call that waits does not end it. Child
processes inherit the blocked signals.

A signal that was swallowed is still noticed by `sleep` and `received`, and ends the process after `GRACE`
seconds at the latest.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

EXIT_CODE = 130
GRACE = 4.5
"""Seconds after which an interrupted command ends even if its cleanup has not finished."""

_pending = False
_received = False
_in_grace = False
_graceful = False
_deferring = 0
_deferred = False


def install_handlers() -> None:
    """Handle the signals, except those that are ignored, as under nohup. Call it once, in the main thread.

    Outside of `graceful`, a signal ends the process at once, with a message and `EXIT_CODE`.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = {getattr(signal, name) for name in names if hasattr(signal, name)}
    handled = {number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}
    if hasattr(signal, "sigwait"):
        sys.unraisablehook = _repeat_dropped
        signal.signal(signal.SIGUSR1, _interrupt)
        signal.pthread_sigmask(signal.SIG_BLOCK, handled)
        threading.Thread(target=_wait, args=(handled,), name="signals", daemon=True).start()
    else:  # Windows

        def handle(number: int, frame: FrameType | None) -> None:
            global _pending
            _begin_grace()
            _pending = True
            _interrupt(number, frame)

        for number in handled:
            signal.signal(number, handle)


def _wait(handled: set[signal.Signals]) -> None:
    while True:
        signal.sigwait(handled)
        _begin_grace()
        _forward()


def _forward() -> None:
    """Interrupt the main thread from another one, and wait until its handler has run."""
    global _pending
    _pending, pause = True, 0.1
    while _pending:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        time.sleep(pause)
        pause *= 2


def _begin_grace() -> None:
    """End the process after `GRACE` seconds, or at once if no command is running."""
    global _in_grace
    if not _graceful:
        exit_now()
    if not _in_grace:
        _in_grace = True
        watchdog = threading.Timer(GRACE, exit_now)
        watchdog.daemon = True
        watchdog.start()


def _interrupt(_number: int, frame: FrameType | None) -> None:
    """Interrupt the main thread, in which this handler runs; once for each `_pending`.

    An interruption counts as received from here on, not from its arrival in another thread: `sleep` would
    raise for it before this handler does so again.
    """
    global _deferred, _pending, _received
    if not _pending:
        return
    _pending = False
    _received = True
    if _in_hook(frame):
        _again()
    elif _deferring and not _deferred:
        _deferred = True
    else:
        raise KeyboardInterrupt


def _repeat_dropped(unraisable: sys.UnraisableHookArgs) -> None:
    """Interrupt again if Python dropped an interruption, as in the callback of a weak reference."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _again()
    else:
        sys.__unraisablehook__(unraisable)


def _in_hook(frame: FrameType | None) -> bool:
    """Return whether a frame belongs to the hook, in which an exception would be dropped again."""
    while frame is not None:
        if frame.f_code is _repeat_dropped.__code__:
            return True
        frame = frame.f_back
    return False


def _again() -> None:
    """Interrupt the main thread again, when it has left the place where it could not be interrupted."""
    timer = threading.Timer(0.01, _forward)
    timer.daemon = True
    timer.start()


def exit_now() -> NoReturn:
    """End the process at once, with a message and `EXIT_CODE`."""
    os.write(2, b"interrupted: stopped before it was done\n")
    os._exit(EXIT_CODE)


def received() -> bool:
    """Return whether there was an interruption."""
    return _received


@contextmanager
def graceful() -> Iterator[None]:
    """Let interruptions raise KeyboardInterrupt in the main thread instead of ending the process at once."""
    global _graceful
    _graceful = True
    try:
        yield
    finally:
        _graceful = False


def sleep(seconds: float) -> None:
    """Sleep like time.sleep; raise KeyboardInterrupt also for an earlier interruption."""
    if _received:
        raise KeyboardInterrupt
    time.sleep(seconds)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer an interruption to the end of the block; a second one is not deferred.

    It is for short work that a library would leave incomplete, such as printing a line. Threads other than
    the main one are never interrupted.
    """
    global _deferring, _deferred
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _deferring += 1
    try:
        yield
    finally:
        _deferring -= 1
        if _deferred and not _deferring:
            _deferred = False
            raise KeyboardInterrupt
