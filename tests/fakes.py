"""A Target in memory, for tests of the use cases and of the command line.

The state machine is interpreted, so that histories have the real shape; a job run only
succeeds, or fails where a test says so, and the last one of a currency loads its table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

from cryptoetl.errors import BusyError, DeployError, NotDeployedError, UsageError
from cryptoetl.events import Observe
from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter, TaskFailed
from cryptoetl.state_machine.bundle import Bundle, Change, Layout
from cryptoetl.state_machine.comparison import compare
from cryptoetl.state_machine.definition import STEPS, Step
from cryptoetl.state_machine.groups import Start
from cryptoetl.state_machine.status import StepStatus
from cryptoetl.target import Target
from cryptoetl.target.deployment import Part, Plan, Removal, Review
from cryptoetl.target.diagnosis import Diagnosis
from cryptoetl.target.executions import LogLine, Record, StillRunning
from cryptoetl.target.storage import NOTHING, About, StoredFile
from cryptoetl.target.warehouse import QUERY_SECONDS, QueryRows
from cryptoetl.warehouse.facts import TableFacts

LOCATION = "memory:deployed"
START = datetime(2026, 1, 1, tzinfo=UTC)
JOBS: Mapping[str, Step] = dict(zip(("bronze2silver", "silver2gold", "redshift-upload"), STEPS, strict=True))

GOLD = TableFacts(
    rows=3,
    first=date(2024, 1, 1),
    last=date(2024, 1, 3),
    prices=2,
    price_sum=12.5,
    pricema_sum=10.25,
    trends=1,
    trend_sum=40,
    trend_i_sum=120.0,
)
LOADED = replace(
    GOLD,
    columns=(
        ("date", "DATE"),
        ("price", "REAL"),
        ("trend", "INTEGER"),
        ("pricema", "DOUBLE PRECISION"),
        ("trend_i", "DOUBLE PRECISION"),
    ),
)


class FakeStorage:
    """`target.Storage` as a dictionary."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.summaries: dict[str, str] = {}

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        return {key: StoredFile(len(self.files[key])) for key in keys if key in self.files}

    def tags(self, keys: Collection[str]) -> Mapping[str, str]:
        return {key: hashlib.sha256(self.files[key]).hexdigest() for key in keys if key in self.files}

    def sha256(self, key: str) -> str | None:
        return hashlib.sha256(self.files[key]).hexdigest() if key in self.files else None

    def summary(self, key: str) -> str | None:
        return self.summaries.get(key)

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        about: About = NOTHING,
    ) -> None:
        self.files[key] = source.read_bytes()
        if about.summary is not None:
            self.summaries[key] = about.summary
        if about.name is not None:
            self.names[key] = about.name
        half = len(self.files[key]) // 2
        on_bytes(half)
        on_bytes(len(self.files[key]) - half)

    def location(self, key: str) -> str:
        return f"memory:raw/{key}"


class FakeDeployment:
    """`target.Deployment` that keeps the bundle, and counts how often one was applied."""

    def __init__(self) -> None:
        self.bundle: Bundle | None = None
        self.applied = 0
        self.joined = 0
        self.reviewed: Review | None = None

    def layout(self) -> Layout:
        return Layout("memory:raw", "memory:silver", "memory:gold", "memory:temp")

    def current(self) -> Bundle | None:
        return self.bundle

    def compared(self, wanted: Bundle | None) -> tuple[Bundle | None, Sequence[Change]]:
        return self.bundle, () if wanted is None else compare(self.bundle, wanted)

    def join(self, observe: Observe) -> None:
        self.joined += 1

    def plan(self, bundle: Bundle, *, drift: bool) -> Plan:
        return Plan(
            bundle, compare(self.bundle, bundle), LOCATION, review=self.reviewed, basis=self._fingerprint()
        )

    def verify_owner(self) -> None:
        pass

    def _fingerprint(self) -> str | None:
        return self.bundle.digest if self.bundle else None

    def apply(self, plan: Plan, observe: Observe, *, allow_data_removal: bool) -> None:
        if plan.basis != self._fingerprint():
            raise DeployError("what is deployed has changed since the plan was made; nothing was touched")
        self.bundle = plan.bundle
        self.applied += 1

    def removal(self, *, delete_data: bool) -> Removal:
        removed = (Part("bundle", "deployed"),) if self.bundle else ()
        data = (Part("data", "raw"),)
        return Removal(
            LOCATION,
            removed + (data if delete_data else ()),
            () if delete_data else data,
            delete_data,
            basis=self._fingerprint(),
        )

    def remove(self, removal: Removal, observe: Observe) -> None:
        if removal.basis != self._fingerprint():
            raise DeployError("what is deployed has changed since it was listed; nothing was removed")
        self.bundle = None


class FakeWarehouse:
    """`target.Warehouse` as dictionaries of facts."""

    def __init__(self) -> None:
        self.golds: dict[str, TableFacts] = {}
        self.facts: dict[str, TableFacts] = {}
        self.answer = QueryRows(("n",), ((1,),), more=False)
        self.asked: list[tuple[str, int | None]] = []
        self.marked: dict[str, str] = {}
        self.limits: tuple[float, int | None] | None = None

    def load(self, ticker: str) -> None:
        self.golds[ticker] = GOLD
        self.facts[ticker.lower()] = LOADED

    @contextmanager
    def reading(self) -> Iterator[FakeWarehouse]:
        yield self

    def gold(self, ticker: str) -> TableFacts | None:
        return self.golds.get(ticker)

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        return {name: self.facts[name] for name in names if name in self.facts}

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        self.asked.append((sql, limit))
        self.limits = (timeout, memory)
        return self.answer

    def marks(self) -> Mapping[str, str]:
        return self.marked

    def location(self) -> str:
        return "memory:warehouse"


class FakeExecutions:
    """`target.Executions` whose events are complete after `start`, and are read `page` at a time.

    `broken` maps a ticker to the step that fails and its message. With `interrupted`, reading is where the
    user presses Ctrl-C.
    """

    def __init__(self, deployment: FakeDeployment, warehouse: FakeWarehouse) -> None:
        self._deployment = deployment
        self._warehouse = warehouse
        self._events: dict[str, list[Event]] = {}
        self._ends: dict[str, Any] = {}
        self._seconds = 0
        self.inputs: list[Mapping[str, Any]] = []
        self.broken: dict[str, tuple[Step, str]] = {}
        self.interrupted = False
        self.page = 1_000
        self.warmed_up = False
        self.pause = 0.0
        self.stopped: list[tuple[str, str]] = []
        self.left: list[StillRunning] = []
        self.logs: dict[tuple[str, str], list[LogLine]] = {}

    def _clock(self) -> datetime:
        self._seconds += 1
        return START + timedelta(seconds=self._seconds)

    def pauses(self) -> Iterator[float]:
        return repeat(self.pause)

    def warm_up(self) -> None:
        self.warmed_up = True

    def start(self, deployed: Bundle, start: Start, *, fail: Mapping[str, Step]) -> str:
        bundle = self._deployment.current()
        if bundle is None:
            raise NotDeployedError("nothing is deployed yet")
        name = f"execution-{len(self._events) + 1}"
        events = self._events[name] = []
        input_data, _ = bundle.start(start, name)
        self.inputs.append(input_data)
        outcome = Interpreter(
            bundle.machine,
            run_job=lambda job, arguments: self._run_job(job, arguments, fail),
            record=events.append,
            clock=self._clock,
            sleep=lambda seconds: None,
            random=lambda: 0.0,
        ).run(input_data)
        self._ends[name] = outcome.status, events[-1]["timestamp"]
        return name

    def _run_job(self, job: str, arguments: Mapping[str, str], fail: Mapping[str, Step]) -> Mapping[str, Any]:
        step = JOBS.get(job.partition("-")[2])
        ticker = arguments.get("--TICKER", "")
        run = {"Id": f"jr_{job}_{ticker}", "JobName": job, "JobRunState": "SUCCEEDED"}
        broken_at, message = self.broken.get(ticker, (fail.get(ticker), "failed on purpose"))
        if step is not None and step == broken_at:
            raise TaskFailed(
                "States.TaskFailed", json.dumps({**run, "JobRunState": "FAILED", "ErrorMessage": message})
            )
        if step == STEPS[-1]:
            self._warehouse.load(ticker)
        return run

    def read(self, name: str, after: int) -> Record:
        if name not in self._events:
            raise UsageError(f"there is no execution {name!r}")
        if self.interrupted:
            raise KeyboardInterrupt
        page: Sequence[Event] = self._events[name][after : after + self.page]
        status, ended = self._ends[name]
        if after + self.page < len(self._events[name]):
            return Record(name, "RUNNING", page)
        return Record(name, status, page, ended)

    def names(self, limit: int = 1000) -> list[str]:
        return list(reversed(self._events))[:limit]

    def interrupt(self, name: str) -> str:
        return f"{name} is interrupted"

    def background_hint(self, name: str) -> str | None:
        return f"{name} continues"

    def stop(self, name: str, reason: str) -> Sequence[StillRunning]:
        self.stopped.append((name, reason))
        return self.left

    def log(self, name: str, ticker: str, step: StepStatus) -> FakeLog | None:
        lines = self.logs.get((ticker, step.step))
        return FakeLog(lines) if lines is not None and step.status != "PENDING" else None


class FakeLog:
    """`target.LogReader` that gives its lines at the first reading."""

    def __init__(self, lines: list[LogLine]) -> None:
        self._lines = lines

    def read(self) -> list[LogLine]:
        lines, self._lines = self._lines, []
        return lines


class Fakes:
    """The four parts, and the target that they make. With `busy`, another process holds it."""

    def __init__(self) -> None:
        self.storage = FakeStorage()
        self.deployment = FakeDeployment()
        self.warehouse = FakeWarehouse()
        self.executions = FakeExecutions(self.deployment, self.warehouse)
        self.guarded: list[str] = []
        self.busy = False
        self.diagnoses: list[Diagnosis] = []
        self.target = Target(
            "local",
            self.storage,
            self.deployment,
            self.executions,
            self.warehouse,
            self._exclusive,
            lambda connect: iter(self.diagnoses),
        )

    @contextmanager
    def _exclusive(self, what: str) -> Iterator[None]:
        if self.busy:  # by another process, or by this one: a use case must not wait for itself
            raise BusyError(f"{what}: another process is at work")
        self.guarded.append(what)
        self.busy = True
        try:
            yield
        finally:
            self.busy = False
