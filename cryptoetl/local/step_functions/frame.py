"""One thread of an execution: its latest event, its data, and whether it has to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cryptoetl.local.step_functions.data_flow import payload
from cryptoetl.local.step_functions.history import History, Unrecorded


class Halted(Exception):
    """The execution, or the Parallel state around this branch, has ended: enter no further state."""


@dataclass
class Frame:
    """A thread of an execution that writes to `history`; `stopped` ends all threads of all executions.

    The JSON of the latest data is kept, because a state's input is the output of the one before it, and all
    branches have the same input.
    """

    history: History
    stopped: threading.Event
    context: Mapping[str, Any]
    """The context object, `$$`."""
    halted: Callable[[], bool]
    previous: int = 0
    data: Any = None
    json: str = field(default="null", repr=False)

    def payload(self, data: Any) -> str:
        """Return a state's data as JSON. Raises StateError above the payload limit."""
        if data is not self.data:
            self.json, self.data = payload(data), data
        return self.json

    def branch(self, halted: Callable[[], bool], data: Any, json: str) -> Frame:
        """Return the frame of a branch that begins after this frame's latest event."""
        return replace(self, halted=lambda: halted() or self.halted(), data=data, json=json)

    def emit(self, event_type: str, **details: Mapping[str, Any]) -> None:
        """Record an event after the previous one. Raises Unrecorded."""
        try:
            self.previous = self.history.append(event_type, self.previous, details)
        except Unrecorded:
            self.stopped.set()
            raise
