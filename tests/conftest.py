"""Settings and fixtures for all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A shell ignores SIGINT for background processes, nohup SIGHUP; the commands under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile("few", max_examples=20)
if not os.environ.get("CRYPTOETL_EXHAUSTIVE"):
    settings.load_profile("few")

DATA = Path(__file__).parent / "data"
CACHE = "CRYPTOETL_CACHE"


@pytest.fixture(scope="session", autouse=True)
def no_users_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests from using the user's cache; this one is for fixtures of modules and sessions."""
    os.environ[CACHE] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty cache."""
    monkeypatch.setenv(CACHE, str(tmp_path_factory.mktemp("cache")))


def examples(count: int) -> int:
    """Return the number of examples for a property: a fifth of `count`, all with CRYPTOETL_EXHAUSTIVE."""
    return count if os.environ.get("CRYPTOETL_EXHAUSTIVE") else max(count // 5, 10)
