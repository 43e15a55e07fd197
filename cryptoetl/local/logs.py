"""The log of a local job run: executions/<name>/logs/<TICKER>-<step>.log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptoetl.target.executions import LogLine

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")


class FileLog:
    """`target.LogReader` on a file, which may not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._time: datetime | None = None

    def read(self) -> Sequence[LogLine]:
        """Return the complete lines since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text, _, _ = file.read().rpartition(b"\n")  # the last line may still be being written
        except FileNotFoundError:
            return []
        self._offset += len(text) + 1 if text else 0
        return [self._line(line) for line in text.decode(errors="replace").splitlines()]

    def _line(self, line: str) -> LogLine:
        if found := _TIME.match(line):
            self._time = datetime.strptime(found[0], "%Y-%m-%d %H:%M:%S,%f").astimezone()
        return LogLine(self._time, line)
