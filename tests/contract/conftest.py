"""The fixture `place`, which runs each test on both targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.account import Account
from tests.aws.conftest import no_real_account
from tests.aws.emulator import running
from tests.contract.places import AwsPlace, LocalPlace, Place

__all__ = ["no_real_account"]


@pytest.fixture(params=["local", "aws"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    """Yield a project on each target."""
    if request.param == "local":
        yield LocalPlace(tmp_path)
        return
    with running(monkeypatch, tmp_path) as emulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
        emulator.connection()
        yield AwsPlace(Account(emulator, tmp_path / "project"))
