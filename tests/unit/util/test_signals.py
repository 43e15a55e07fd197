"""Signal handling in the tests' own process; every test restores the handlers."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from types import FrameType
from typing import Any

import pytest

from cryptoetl.errors import Interrupted
from cryptoetl.events import Warned
from cryptoetl.output.terminal import Terminal
from cryptoetl.util import interruption

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signals as on Windows: handled in the main thread, not in a thread that would outlive the test."""
    monkeypatch.delattr(signal, "sigwait")
    monkeypatch.setattr(interruption, "GRACE", 3600)
    for name in ("_received", "_in_grace", "_deferred"):
        monkeypatch.setattr(interruption, name, False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with interruption.graceful():
        yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interruption_that_a_library_swallows_ends_the_next_wait(number: signal.Signals) -> None:
    interruption.install_handlers()
    interruption.sleep(0)
    with suppress(BaseException):  # as the bare `except` in copyreg does, for one
        signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        interruption.sleep(60)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    interruption.install_handlers()
    signal.raise_signal(number)
    interruption.sleep(0)


def test_a_deferred_interruption_is_raised_at_the_end_and_a_second_one_at_once() -> None:
    interruption.install_handlers()
    done = []

    @interruption.deferred()
    def work(*numbers: signal.Signals) -> None:
        with interruption.deferred():
            for number in numbers:
                signal.raise_signal(number)
        done.append(numbers)

    for numbers in ([signal.SIGINT], [signal.SIGTERM, signal.SIGINT]):
        with pytest.raises(KeyboardInterrupt):
            work(*numbers)
    assert done == [(signal.SIGINT,)]


def test_another_thread_defers_nothing() -> None:
    interruption.install_handlers()
    inside, done = threading.Event(), threading.Event()

    def defer() -> None:
        with interruption.deferred():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=defer)
    thread.start()
    inside.wait(10)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    done.set()
    thread.join()


def interrupted_at(moment: int, work: Callable[[], None]) -> bool:
    """Run `work` with a SIGINT before its line number `moment`; return whether it has so many lines."""
    passed = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal passed
        passed += event in ("call", "line")
        if passed == moment:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    gc.disable()  # Hypothesis has a callback of the collector, in which an exception would be lost
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        gc.enable()
    return False


def test_an_interruption_at_any_line_of_code_breaks_doubles_or_loses_no_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interruption.install_handlers()
    for moment in count(1):
        stderr = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stderr)
        terminal = Terminal()
        interrupted = interrupted_at(moment, lambda terminal=terminal: terminal.observe(Warned("late")))  # type: ignore[misc]
        terminal.error(Interrupted("stopped"))
        assert stderr.getvalue().removeprefix("warning: late\n") == "interrupted: stopped\n", moment
        if not interrupted:
            break
    assert moment > 100


SLOW_DELIVERY = """
import os, signal, time
from cryptoetl.util import interruption

kill = signal.pthread_kill

def later(*arguments):
    time.sleep(0.5)
    kill(*arguments)

signal.pthread_kill = later
interruption.install_handlers()
with interruption.graceful():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            interruption.sleep(0.01)
    except KeyboardInterrupt:
        time.sleep(1)
        print("once")
"""


DROPPED = """
import os, signal, time
from cryptoetl.util import interruption

class Noisy:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)  # interrupted here, where Python drops the exception

interruption.install_handlers()
with interruption.graceful():
    try:
        Noisy()
        time.sleep(60)
    except KeyboardInterrupt:
        print("once")
"""


LOST = """
import os, signal, time
from cryptoetl.util import interruption

kill, calls = signal.pthread_kill, []

def lost_once(*arguments):
    calls.append(arguments)
    if len(calls) != 1:  # as if the first had come just before a call that waits
        kill(*arguments)

signal.pthread_kill = lost_once
interruption.install_handlers()
with interruption.graceful():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(1)
        print("once")
"""


@pytest.mark.parametrize(
    "program", [SLOW_DELIVERY, DROPPED, LOST], ids=["delivered late", "dropped by Python", "without effect"]
)
def test_one_signal_interrupts_once(program: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=os.environ
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "once\n", "")
