"""The outcomes of local executions of groups: lake/temp/outcomes/<execution>/."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptoetl.local.home import Home
from cryptoetl.state_machine import groups
from cryptoetl.state_machine.definition import STEPS, Step
from cryptoetl.state_machine.outcomes import FAILURES, GroupRecord
from cryptoetl.target.executions import Record
from cryptoetl.util.files import load_json


class OutcomeReader:
    """Reads the list and the outcomes of one execution; each call returns what is new since the last.

    The execution names its list in an event: none is read before that.
    """

    def __init__(self, home: Home, execution: str) -> None:
        self._folder = home.temp / groups.OUTCOMES / execution
        self._list = groups.ListReader(lambda key: (home.path / key).read_bytes())
        self._seen: dict[Path, tuple[int, int]] = {}
        self._folders: dict[Path, int] = {}

    def read(self, record: Record, *, from_start: bool) -> GroupRecord | None:
        """Return what is new, or everything `from_start`; None if this is no execution of groups.

        `record` has the new events of its history. Raises DamagedState.
        """
        listed = self._list.known(record.events, running=record.status == "RUNNING")
        if listed is None:
            return None
        if from_start:
            self._seen.clear()
            self._folders.clear()
        outcomes: dict[tuple[Step, str], Any] = {
            (step, path.stem): _parsed(path) for step in STEPS for path in self._changed(self._folder / step)
        }
        failures = {path.stem: _parsed(path) for path in self._changed(self._folder / FAILURES)}
        return GroupRecord(*listed, outcomes, failures)

    def _changed(self, folder: Path) -> Iterator[Path]:
        """Yield the files that have changed. Files are replaced, which changes the time of their folder."""
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            return
        if self._folders.get(folder) == changed:
            return
        self._folders[folder] = changed
        # Other files are being written, and vanish when they replace one of these.
        for entry in (entry for entry in os.scandir(folder) if entry.name.endswith(".json")):
            found = entry.stat()
            version = (found.st_mtime_ns, found.st_ino)
            path = Path(entry.path)
            if self._seen.get(path) != version:
                self._seen[path] = version
                yield path


def _parsed(path: Path) -> Any:
    """Return a file's JSON; None if it is damaged."""
    try:
        return load_json(path.read_bytes())
    except (OSError, ValueError):
        return None
