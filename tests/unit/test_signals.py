"""Signals, in the process of the tests: what becomes of them is put back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cryptoetl import interruption

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(interruption, "_noted", False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interruption_that_a_library_swallows_ends_the_next_wait(number: signal.Signals) -> None:
    interruption.heed()
    interruption.sleep(0)
    with suppress(BaseException):  # as the bare `except` in copyreg does, for one
        signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        interruption.sleep(60)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    interruption.heed()
    signal.raise_signal(number)
    interruption.sleep(0)
