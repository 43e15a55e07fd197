"""Distributed Map: child executions, one per batch of the items in a JSON object of S3.

Each child is an execution with a history of its own. The parent's history has only the start and the end of
the Map Run (Step Functions Developer Guide, "Using Map state in Distributed mode").
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cryptoetl.local.step_functions import states_language as asl
from cryptoetl.local.step_functions.data_flow import StateError
from cryptoetl.local.step_functions.expressions import evaluate
from cryptoetl.local.step_functions.frame import Frame
from cryptoetl.local.step_functions.tasks import Objects

CHILDREN = 10_000
"""Most child executions of one Map Run (Step Functions quotas)."""

THREADS = 64
"""Most children that run at the same time in this process; most wait for a free slot for their job."""

RunChild = Callable[[asl.Machine, Mapping[str, Any], str], bool]
"""Runs a child execution, given its machine, its input and the ARN of the Map Run; returns whether it
succeeded."""


@dataclass(frozen=True)
class MapRuns:
    """What a Map Run needs of its execution; `prefix` begins the ARNs of its Map Runs."""

    prefix: str
    objects: Objects
    run_child: RunChild


def run(state: asl.DistributedMap, data: Any, frame: Frame, needs: MapRuns) -> Any:
    """Run the children and return the state's output, which is its input. Raises StateError."""
    frame.emit("MapStateStarted", mapStateStarted={"length": 0})
    arn = f"{needs.prefix}/{state.label}:{uuid.uuid4()}"
    frame.emit("MapRunStarted", mapRunStarted={"mapRunArn": arn})
    try:
        inputs = list(_inputs(state, data, needs.objects, frame))
    except StateError as failure:
        frame.emit("MapRunFailed", mapRunFailed={"error": failure.error, "cause": failure.cause})
        frame.emit("MapStateFailed")
        raise
    _run_all(inputs, state, frame, lambda child: needs.run_child(state.processor, child, arn))
    frame.emit("MapRunSucceeded")
    frame.emit("MapStateSucceeded")
    return data


def _inputs(state: asl.DistributedMap, data: Any, objects: Objects, frame: Frame) -> Iterator[dict[str, Any]]:
    """Yield the input of each child. Raises StateError."""
    key = evaluate(state.key, data, frame.context)
    try:
        items = _at(json.loads(objects.get(state.bucket, key)), state.pointer)
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = f"{key} cannot be read: {type(error).__name__}: {error}"
        raise StateError("States.ItemReaderFailed", reason) from error
    size = state.batch_size
    if len(items) > CHILDREN * size:
        raise StateError("States.ExceedToleratedFailureThreshold", f"more than {CHILDREN} child executions")
    batch_input = evaluate(state.batch_input, data, frame.context)
    for start in range(0, len(items), size):
        yield {"BatchInput": batch_input, "Items": items[start : start + size]}


def _at(document: Any, pointer: str) -> Sequence[Any]:
    """Return the list at a JSON pointer (RFC 6901). Raises LookupError, TypeError and ValueError."""
    for part in pointer.split("/")[1:]:
        document = document[part]
    if not isinstance(document, list):
        raise ValueError(f"there is no list at {pointer}")  # noqa: TRY004 - a wrong value in the file
    return document


def _run_all(
    inputs: Sequence[dict[str, Any]],
    state: asl.DistributedMap,
    frame: Frame,
    run_child: Callable[[dict[str, Any]], bool],
) -> None:
    """Run the children side by side; those that have not begun when the execution ends are left out."""

    def begin(child: dict[str, Any]) -> bool:
        return not frame.halted() and run_child(child)

    limit = min(state.max_concurrency or THREADS, THREADS)
    with ThreadPoolExecutor(limit, thread_name_prefix=state.label) as pool:
        futures = [pool.submit(begin, child) for child in inputs]
        try:
            for future in futures:
                future.result()
        except BaseException:
            frame.stopped.set()
            raise
