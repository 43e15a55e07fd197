"""The record of a local execution, written by one process and read by that one and by others."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.errors import DamagedState, EnvironmentFault
from cryptoetl.local.record import LONG, RecordReader, RecordWriter
from cryptoetl.local.running import RunningExecution
from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter
from cryptoetl.state_machine.definition import Branch, execution_input, render
from cryptoetl.target.executions import Record, RecordStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
JOB_RUN = {"Id": "jr_1", "JobRunState": "SUCCEEDED"}


class Execution:
    """An execution of `currencies` currencies, which all succeed, and its record."""

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

    def start(self) -> RunningExecution:
        """Run it in a thread, as `cryptoetl run` does."""
        running = RunningExecution(
            self.writer,
            self.interpreter,
            clock=lambda: START,
            close=lambda: None,
            stop_requested=lambda: None,
        )
        running.start(self.input)
        return running

    @property
    def history(self) -> Path:
        return self.folder / "history.jsonl"


def ended(running: RunningExecution) -> Record:
    """Wait for the end of an execution and return its whole record."""
    wait = threading.Event()
    for _ in range(1000):
        if (record := running.read(0)).status != "RUNNING":
            return record
        wait.wait(0.01)
    raise AssertionError("it did not end")


def test_data_that_all_branches_begin_with_is_written_once_and_read_for_every_event(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 60)
    execution.run()

    read = RecordReader(tmp_path).events("e1", 0)

    assert read == execution.emitted
    begun = [e for e in read if e.get("stateEnteredEventDetails", {}).get("name", "").endswith(" begins")]
    assert len(begun) == 60
    (data,) = {event["stateEnteredEventDetails"]["input"] for event in begun}
    assert len(data) > LONG
    assert execution.history.read_text().count(f'put": {json.dumps(data)}') == 1


def test_an_incremental_reader_resolves_references_to_events_it_read_before(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 60)
    following = RecordReader(tmp_path)
    read: list[Event] = []
    execution.on_event = lambda: read.extend(following.events("e1", read[-1]["id"] if read else 0))
    execution.run()

    assert read == execution.emitted
    middle = execution.emitted[len(read) // 2]["id"]
    assert RecordReader(tmp_path).events("e1", middle) == read[middle:]


def test_the_size_of_a_history_is_linear_in_the_number_of_currencies(tmp_path: Path) -> None:
    sizes = []
    for currencies in (100, 200):
        execution = Execution(tmp_path / str(currencies), currencies)
        execution.run()
        sizes.append(execution.history.stat().st_size)
    assert sizes[1] < 2.1 * sizes[0]


def test_a_dangling_reference_is_reported_as_damage(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 60)
    execution.run()
    lines = execution.history.read_bytes().splitlines(keepends=True)
    execution.history.write_bytes(b"".join(line for line in lines if len(line) < LONG))
    with pytest.raises(DamagedState, match=r"history\.jsonl is damaged"):
        RecordReader(tmp_path).events("e1", 0)


def test_the_running_process_reads_the_same_events_as_other_processes(tmp_path: Path) -> None:
    execution = Execution(tmp_path, 3)
    running = execution.start()
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
        ended(Execution(tmp_path, 1).start())
