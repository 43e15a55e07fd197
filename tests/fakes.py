"""A Target in memory: real state machines run by the real interpreter, with nothing behind the jobs.

What the use cases are given in unit tests. Its rooms can be looked into: `storage.files`, `deployment.applied`,
`executions.inputs`, `warehouse.tables`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptoetl.bundle import Bundle, Layout
from cryptoetl.config import Config
from cryptoetl.errors import UsageError
from cryptoetl.local.history import Event
from cryptoetl.local.interpreter import Interpreter, TaskFailed
from cryptoetl.state_machine import Step
from cryptoetl.target import QueryRows, Record, RecordStatus, TableFacts, Target

START = datetime(2026, 1, 1, tzinfo=UTC)
JOBS: dict[str, Step] = {"bronze2silver": "silver", "silver2gold": "gold", "redshift-upload": "redshift"}
COLUMNS = (
    ("date", "DATE"),
    ("price", "FLOAT"),
    ("trend", "INTEGER"),
    ("pricema", "DOUBLE"),
    ("trend_i", "DOUBLE"),
)
FACTS = TableFacts(30, date(2024, 1, 1), date(2024, 1, 30), 29, 2900.0, 3000.0, 4, 100, 250.0, COLUMNS)
"""A table of thirty days, one of them without a price."""


class FakeStorage:
    """Raw files by key."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.puts: list[str] = []

    def digest(self, key: str) -> str | None:
        return hashlib.sha256(self.files[key]).hexdigest() if key in self.files else None

    def put(self, key: str, source: Path, on_bytes: Callable[[int], None]) -> None:
        content = source.read_bytes()
        half = len(content) // 2
        for part in (half, len(content) - half):
            on_bytes(part)
        self.files[key] = content
        self.puts.append(key)

    def location(self, key: str) -> str:
        return f"memory://raw/{key}"


class FakeDeployment:
    """Holds one bundle; `applied` counts."""

    def __init__(self) -> None:
        self.bundle: Bundle | None = None
        self.applied = 0

    def layout(self) -> Layout:
        return Layout("memory://raw", "memory://silver", "memory://gold", "memory://temp")

    def current(self) -> Bundle | None:
        return self.bundle

    def apply(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.applied += 1

    def location(self) -> str:
        return "memory://deployed"


class FakeExecutions:
    """Runs the deployed machine when it is started; then each `read` lets `page` more of its events happen.

    `failing`: ticker → the step that fails. `break_off`: reading raises KeyboardInterrupt after this event.
    """

    poll_seconds = 0.0

    def __init__(self, deployment: FakeDeployment) -> None:
        self._deployment = deployment
        self._histories: dict[str, list[Event]] = {}
        self._ends: dict[str, RecordStatus] = {}
        self._happened: dict[str, int] = {}
        self.inputs: list[Mapping[str, Any]] = []
        self.failing: dict[str, Step] = {}
        self.page = 10
        self.break_off: int | None = None
        self.warmed_up = False

    def warm_up(self) -> None:
        self.warmed_up = True

    def start(self, input: Mapping[str, Any], *, fail: Mapping[str, Step]) -> str:
        bundle = self._deployment.bundle
        assert bundle is not None
        failing = {**self.failing, **fail}

        def run_job(job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
            step = JOBS.get(job_name.partition("-")[2])
            if step and failing.get(arguments["--TICKER"]) == step:
                message = f"ValueError: {step} of {arguments['--TICKER']} is broken"
                raise TaskFailed("States.TaskFailed", json.dumps({"ErrorMessage": message}))
            return {"JobRunState": "SUCCEEDED"}

        events: list[Event] = []
        outcome = Interpreter(
            bundle.machine,
            run_job=run_job,
            record=events.append,
            clock=lambda: START + timedelta(seconds=len(events)),
            sleep=lambda seconds: None,
            random=lambda: 0.0,
        ).run(input)
        name = f"e{len(self.inputs) + 1}"
        self.inputs.append(input)
        self._histories[name] = events
        self._ends[name] = outcome.status
        self._happened[name] = 0
        return name

    def read(self, name: str, after: int) -> Record:
        if name not in self._histories:
            raise UsageError(f"there is no execution {name!r}")
        if self.break_off is not None and after >= self.break_off:
            raise KeyboardInterrupt
        events = self._histories[name]
        count = self._happened[name] = min(self._happened[name] + self.page, len(events))
        status = self._ends[name] if count == len(events) else "RUNNING"
        return Record(name, status, [event for event in events[:count] if event["id"] > after])

    def names(self) -> list[str]:
        return sorted(self._histories, key=lambda name: int(name[1:]), reverse=True)

    def interrupt(self, name: str) -> str:
        return f"Execution {name} goes on."


class FakeWarehouse:
    """Every gold set is `FACTS`, and so is every table that is not in `tables`; None is a missing one."""

    def __init__(self) -> None:
        self.golds: dict[str, TableFacts | None] = {}
        self.tables: dict[str, TableFacts | None] = {}

    @contextmanager
    def reading(self) -> Iterator[FakeWarehouse]:
        yield self

    def gold(self, ticker: str) -> TableFacts | None:
        return self.golds.get(ticker, FACTS)

    def table(self, name: str) -> TableFacts | None:
        return self.tables.get(name, FACTS)

    def query(self, sql: str, limit: int | None) -> QueryRows:
        return QueryRows(("sql", "limit"), ((sql, limit),), more=False)

    def location(self) -> str:
        return "memory://warehouse"


class FakeTarget:
    """The rooms of a target, each under its own name; `target` is what the use cases take."""

    def __init__(self) -> None:
        self.storage = FakeStorage()
        self.deployment = FakeDeployment()
        self.executions = FakeExecutions(self.deployment)
        self.warehouse = FakeWarehouse()
        self.held: list[str] = []
        self.target = Target(
            "local", self.storage, self.deployment, self.executions, self.warehouse, self._exclusive
        )

    def _exclusive(self, work: str) -> nullcontext[None]:
        self.held.append(work)
        return nullcontext()


HISTORY = "Date,Price\n01/01/2024,1.5\n01/02/2024,2.5\n"
TREND = "Week,interest\n2024-01-07,10\n"


def made(folder: Path, *tickers: str) -> Config:
    """A configuration of currencies with good files in `folder`, `<ticker>.csv` and `<ticker>_trend.csv`."""
    currencies = []
    for ticker in tickers:
        history, trend = folder / f"{ticker}.csv", folder / f"{ticker}_trend.csv"
        history.write_text(HISTORY, encoding="utf-8")
        trend.write_text(TREND, encoding="utf-8")
        currencies.append({"ticker": ticker, "history": str(history), "trend": str(trend)})
    return Config.model_validate({"currencies": currencies})
