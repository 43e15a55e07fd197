"""The history of a local execution: events with the keys that boto3's `get_execution_history` returns."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]


class Unrecorded(Exception):
    """This event or an earlier one could not be recorded; `History.broken` is the reason."""


class History:
    """Numbers, timestamps and records events, one at a time, from any thread."""

    def __init__(self, record: Callable[[Event], None], clock: Callable[[], datetime]) -> None:
        self._record = record
        self._clock = clock
        self._lock = threading.Lock()
        self._last_id = 0
        self.broken: BaseException | None = None

    def append(self, event_type: str, previous: int, details: Mapping[str, Mapping[str, Any]]) -> int:
        """Record an event that follows from the event `previous`; return its id. Raises Unrecorded."""
        with self._lock:
            if self.broken is not None:
                raise Unrecorded
            event: Event = {
                "id": self._last_id + 1,
                "previousEventId": previous,
                "timestamp": self._clock(),
                "type": event_type,
                **{f"{name}EventDetails": dict(value) for name, value in details.items()},
            }
            try:
                self._record(event)
            except BaseException as broken:
                self.broken = broken
                raise Unrecorded from broken
            self._last_id += 1
            return self._last_id


def dumps(value: Any) -> str:
    """Return compact JSON, with times in milliseconds, as Step Functions writes those of a JobRun."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else str(value)
