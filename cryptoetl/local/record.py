"""The record of an execution: executions/<name>/ with its input, definition, history and result.

::

    execution.json        name, input, when it started
    state_machine.json    the definition that it runs
    history.jsonl         one event per line, shaped like Step Functions' GetExecutionHistory; a state's data
                          over 1,000 characters is written once: later events name its event in `sameDataAs`
    result.json           how it ended; absent while it runs, and after a kill
    stop                  the reason for a stop request by another process; absent without one
    alive                 locked as long as the running process exists
    logs/<TICKER>-<step>.log

Only the running process writes, except for `stop`; any process may read at any time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, get_args

from cryptoetl.errors import DamagedState
from cryptoetl.local.home import naming_path, write_atomically
from cryptoetl.target.executions import RecordStatus
from cryptoetl.util.files import load_json

LONG = 1000
"""Characters above which a state's data is written once. Every branch begins with the input of all branches:
written each time, the size of a history would grow with the square of the number of currencies."""

_SAME = "sameDataAs"
_DATA = {"stateEnteredEventDetails": "input", "stateExitedEventDetails": "output"}
"""The fields of events that hold a state's data."""


class RecordWriter:
    """Writes the record of one execution. Raises EnvironmentFault if the file system refuses.

    A record that could not be created completely is removed; otherwise it would pass for the latest
    execution. `events` and `ended_with` hold what has been written, so that the running process need not
    read the files.
    """

    def __init__(
        self, folder: Path, input_data: Mapping[str, Any], definition: Mapping[str, Any], started: datetime
    ) -> None:
        from filelock import FileLock

        self.folder = folder
        # Held as long as the process exists: readers distinguish running executions from killed ones by it.
        self._alive = FileLock(folder / "alive", timeout=0)
        self._history_file = folder / "history.jsonl"
        self._history: IO[bytes] | None = None
        self._long: dict[str, int] = {}
        self.events: list[Mapping[str, Any]] = []
        self.ended_with: Mapping[str, Any] | None = None
        begun = {"name": folder.name, "input": input_data, "started": started.isoformat()}
        try:
            with naming_path(folder):
                (folder / "logs").mkdir(parents=True)
                self._alive.acquire()
            write_atomically(folder / "state_machine.json", _json(definition))
            with naming_path(folder):
                self._history = self._history_file.open("ab", buffering=0)
            write_atomically(folder / "execution.json", _json(begun))  # what makes it an execution
        except BaseException:
            self.discard()
            raise

    def event(self, event: Mapping[str, Any]) -> None:
        """Append an event to the history."""
        assert self._history is not None, "opened with the record"
        with naming_path(self._history_file):
            self._history.write(_line(self._abridged(event)))
        self.events.append(event)

    def _abridged(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the event with a reference in place of long data that an earlier event has."""
        for key, name in _DATA.items():
            details = event.get(key, {})
            if len(text := details.get(name, "")) > LONG:
                first = self._long.setdefault(text, event["id"])
                if first != event["id"]:
                    return {**event, key: {k: v for k, v in details.items() if k != name} | {_SAME: first}}
        return event

    def result(self, status: RecordStatus, ended: datetime, **details: Any) -> None:
        """Write the result and close the record."""
        result = {"status": status, "ended": ended, **details}
        try:
            write_atomically(self.folder / "result.json", _json(result))
            self.ended_with = result
        finally:
            self.close()

    def close(self) -> None:
        """Close the history and release the lock that marks a running execution."""
        if self._history is not None:
            self._history.close()
        self._alive.release()

    def discard(self) -> None:
        """Remove the record of an execution that has not begun."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class _Position:
    """How far a history was read, and the long data in it by the id of its event."""

    last_id: int
    offset: int = 0
    long: dict[int, str] = field(default_factory=dict)

    def complete(self, event: dict[str, Any]) -> None:
        """Put long data back in place of the reference to it."""
        for key, name in _DATA.items():
            if (details := event.get(key)) is not None:
                if _SAME in details:
                    details[name] = self.long[details.pop(_SAME)]
                elif len(text := details.get(name, "")) > LONG:
                    self.long[event["id"]] = text


class RecordReader:
    """Reads records incrementally: each call continues where the previous one for that name stopped."""

    def __init__(self, executions: Path) -> None:
        self._executions = executions
        self._positions: dict[str, _Position] = {}

    def names(self) -> list[str]:
        """Return the names of all executions, newest first: a name begins with the time of the start."""
        found = self._executions.glob("*/execution.json")
        return sorted((path.parent.name for path in found), reverse=True)

    def exists(self, name: str) -> bool:
        """Return whether there is a record of that name."""
        return Path(name).name == name and (self._executions / name / "execution.json").is_file()

    def events(self, name: str, after: int) -> list[dict[str, Any]]:
        """Return the events with an id above `after`, timestamps as datetime. Raises DamagedState."""
        position = self._positions.pop(name, None)
        if position is None or position.last_id != after:
            position = _Position(after)
        events = []
        path = self._executions / name / "history.jsonl"
        try:
            with path.open("rb") as file:
                file.seek(position.offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written
                    position.offset += len(line)
                    event = load_json(line)
                    position.complete(event)
                    if event["id"] > after:
                        event["timestamp"] = datetime.fromisoformat(event["timestamp"])
                        events.append(event)
                        position.last_id = event["id"]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise _damaged(path, error) from error
        self._positions[name] = position
        return events

    def result(self, name: str) -> dict[str, Any] | None:
        """Return how the execution ended; None without a result. Raises DamagedState."""
        path = self._executions / name / "result.json"
        try:
            result: dict[str, Any] = load_json(path.read_bytes())
            if result["status"] not in get_args(RecordStatus):
                raise ValueError(f"the status {result['status']!r} is not known")  # noqa: TRY301
            result["ended"] = datetime.fromisoformat(result["ended"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise _damaged(path, error) from error
        return result

    def request_stop(self, name: str, reason: str) -> None:
        """Ask the process that runs the execution to stop it. Raises EnvironmentFault."""
        write_atomically(self._executions / name / "stop", reason.encode())

    def stop_requested(self, name: str) -> str | None:
        """Return the reason of a stop request; None without one."""
        try:
            return (self._executions / name / "stop").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def alive(self, name: str) -> bool:
        """Return whether the process that runs the execution still exists."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._executions / name / "alive", timeout=0)
        try:
            with lock:
                return False
        except Timeout:
            return True
        except OSError:  # such as a missing folder
            return False


def _damaged(path: Path, error: Exception) -> DamagedState:
    reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return DamagedState(
        f"{path} is damaged ({reason}): the outcome of execution {path.parent.name} is unknown",
        hint="The tables are not affected. `cryptoetl run` starts a new execution; "
        "`cryptoetl status --last 10` lists the others.",
    )


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, default=_iso) + "\n").encode()


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in an execution's record")


_encoder = json.JSONEncoder(ensure_ascii=False, default=_iso)


def _line(event: Mapping[str, Any]) -> bytes:
    return _encoder.encode(event).encode() + b"\n"
