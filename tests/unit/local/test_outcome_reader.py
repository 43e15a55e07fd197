"""Outcomes of local executions are read while scripts write them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryptoetl.local.home import Home
from cryptoetl.local.outcomes import OutcomeReader
from cryptoetl.state_machine.groups import CurrencyList, Item
from cryptoetl.target.executions import Record

EVENT = {
    "type": "PassStateExited",
    "stateExitedEventDetails": {"name": "This list", "output": '{"list": "lists/e.json"}'},
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    listed = CurrencyList({"BTC": Item("BTC", "h", "t")})
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "e.json").write_bytes(listed.dumps(25))
    folder = tmp_path / "lake" / "temp" / "outcomes" / "e" / "silver"
    folder.mkdir(parents=True)
    (folder / "BTC.json").write_text('{"complete": true}')
    return Home(tmp_path)


def test_a_file_that_is_being_written_may_vanish(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def scan_and_replace(folder: Path) -> Iterator[os.DirEntry[str]]:
        new = Path(folder) / ".BTC.json-1-2"
        new.write_text('{"complete": false}')
        found = list(scan(folder))
        new.replace(Path(folder) / "BTC.json")
        return iter(found)

    monkeypatch.setattr(os, "scandir", scan_and_replace)
    read = OutcomeReader(home, "e").read(Record("e", "RUNNING", [EVENT]), from_start=True)
    assert read is not None
    assert read.outcomes == {("silver", "BTC"): {"complete": False}}
