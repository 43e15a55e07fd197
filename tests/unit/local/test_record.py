"""The record of a local execution: written once, read as it was, by this process and by others."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.errors import DamagedState, EnvironmentFault
from cryptoetl.local.executions import _Running
from cryptoetl.local.record import LONG, RecordReader, RecordWriter
from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter
from cryptoetl.state_machine.definition import Branch, execution_input, render
from cryptoetl.target.executions import Record, RecordStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
JOB_RUN = {"Id": "jr_1", "JobRunState": "SUCCEEDED"}


class Execution:
    """An execution of that many currencies, which all succeed, and its record."""

    def __init__(self, folder: Path, currencies: int) -> None:
        tickers = [f"C{number}" for number in range(currencies)]
        self.input = execution_input(dict.fromkeys(tickers, "silver"))
        self.definition = render("crypto", [Branch(ticker) for ticker in tickers])
        self.folder = folder / "e1"
        self.writer = RecordWriter(self.folder, self.input, self.definition, START)
        self.emitted: list[Event] = []
        self.on_event: Callable[[], None] = lambda: None
        self.interpreter = Interpreter(
            self.definition,
            run_job=lambda job_name, arguments: JOB_RUN,
            record=self._record,
            clock=lambda: START,
            sleep=lambda seconds: None,
            random=lambda: 0.0,
        )

    def _record(self, event: Event) -> None:
        self.writer.event(event)
        self.emitted.append(event)
        self.on_event()

    def run(self) -> None:
        self.interpreter.run(self.input)
        self.writer.close()

    def running(self) -> _Running:
        """Run it in a thread, as `cryptoetl run` does."""
        return _Running(self.writer, self.interpreter, self.input, lambda: START, lambda: None, lambda: None)

    @property
    def history(self) -> Path:
        return self.folder / "history.jsonl"


def ended(running: _Running) -> Record:
    """The whole record of an execution once it has ended."""
    wait = threading.Event()
    for _ in range(1000):
        if (record := running.read(0)).status != "RUNNING":
            return record
        wait.wait(0.01)
    raise AssertionError("it did not end")


def test_data_that_all_branches_begin_with_is_written_once_and_read_by_every_event(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 60)
    execution.run()

    read = RecordReader(tmp_path).events("e1", 0)

    assert read == execution.emitted
    begun = [e for e in read if e.get("stateEnteredEventDetails", {}).get("name", "").endswith(" begins")]
    assert len(begun) == 60
    (data,) = {event["stateEnteredEventDetails"]["input"] for event in begun}
    assert len(data) > LONG
    assert execution.history.read_text().count(f'put": {json.dumps(data)}') == 1


def test_a_reader_that_follows_has_the_data_that_it_read_before(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 60)
    following = RecordReader(tmp_path)
    read: list[Event] = []
    execution.on_event = lambda: read.extend(following.events("e1", read[-1]["id"] if read else 0))
    execution.run()

    assert read == execution.emitted
    middle = execution.emitted[len(read) // 2]["id"]
    assert RecordReader(tmp_path).events("e1", middle) == read[middle:]


def test_a_history_grows_with_the_currencies_and_not_with_their_square(tmp_path: Path) -> None:
    sizes = []
    for currencies in (100, 200):
        execution = Execution(tmp_path / str(currencies), currencies)
        execution.run()
        sizes.append(execution.history.stat().st_size)
    assert sizes[1] < 2.1 * sizes[0]


def test_a_reference_to_data_that_is_not_there_is_damage(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 60)
    execution.run()
    lines = execution.history.read_bytes().splitlines(keepends=True)
    execution.history.write_bytes(b"".join(line for line in lines if len(line) < LONG))
    with pytest.raises(DamagedState, match=r"history\.jsonl is damaged"):
        RecordReader(tmp_path).events("e1", 0)


def test_the_process_that_runs_an_execution_reads_what_others_read(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 3)
    running = execution.running()
    record = ended(running)
    reader = RecordReader(tmp_path)
    assert record.events == reader.events("e1", 0)
    assert running.read(7).events == reader.events("e1", 7)
    result = reader.result("e1")
    assert result is not None
    assert (record.status, record.ended) == (result["status"], result["ended"])


def test_a_result_that_cannot_be_written_ends_the_execution_with_that_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RecordWriter, status: RecordStatus, ended: datetime, **details: Mapping[str, Any]) -> None:
        raise EnvironmentFault("no space left on device")

    monkeypatch.setattr(RecordWriter, "result", full)
    with pytest.raises(EnvironmentFault, match="no space left"):
        ended(Execution(tmp_path, 1).running())
