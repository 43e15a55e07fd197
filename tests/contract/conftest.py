"""The fixture `place`, which runs each test on both targets, with branches and with groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.account import Account
from tests.aws.conftest import no_real_account
from tests.aws.emulator import running
from tests.contract.places import GROUPS, AwsPlace, LocalPlace, Place

__all__ = ["no_real_account"]


@pytest.fixture(params=["local", "local groups", "aws", "aws groups"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    """Yield a project on each target."""
    target, _, grouped = str(request.param).partition(" ")
    settings = GROUPS if grouped else {}
    if target == "local":
        yield LocalPlace(tmp_path, **settings)
        return
    with running(monkeypatch, tmp_path) as emulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
        emulator.connection()
        yield AwsPlace(Account(emulator, tmp_path / "project"), **settings)
