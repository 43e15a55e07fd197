"""The interpreter runs the machine of groups as Step Functions does."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cryptoetl.errors import UnsupportedDefinition
from cryptoetl.local.step_functions.history import Event
from cryptoetl.local.step_functions.interpreter import Interpreter, Outcome, TaskFailed
from cryptoetl.state_machine import groups
from cryptoetl.state_machine.groups import CurrencyList, Item, Settings

LIST = "lists/deployed/1/currencies.json"
MACHINE = groups.render("crypto", Settings(size=2, concurrent=3, list_key=LIST, lists="lists", temp="temp"))
ALL_LOADED = {"verdict": "LOADED", "loaded": 5, "failed": 0, "currencies": 5}


def items(*tickers: str) -> dict[str, Item]:
    return {ticker: Item(ticker, f"{ticker}/history.csv", f"{ticker}/trend.csv") for ticker in tickers}


class Memory:
    """Objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def get(self, bucket: str, key: str) -> bytes:
        try:
            return self.objects[bucket, key]
        except KeyError:
            raise FileNotFoundError(f"s3://{bucket}/{key}") from None

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.objects[bucket, key] = content


class Bench:
    """An execution named `today` of five currencies in groups of two, whose jobs do what `jobs` says."""

    def __init__(self, jobs: Callable[[str, Mapping[str, str]], None] = lambda *_: None) -> None:
        self.memory = Memory()
        content = CurrencyList(items("A", "B", "C", "D", "E")).dumps(2)
        self.memory.put("lists", LIST, content)
        self.memory.put("temp", "outcomes/today/verdict.json", json.dumps(ALL_LOADED).encode())
        self.calls: list[tuple[str, Mapping[str, str]]] = []
        self.events: list[Event] = []
        self.children: list[list[Event]] = []
        self._jobs = jobs
        self._lock = threading.Lock()
        self.interpreter = Interpreter(
            MACHINE,
            name="today",
            run_job=self._run,
            objects=self.memory,
            record=self.events.append,
            record_child=self._child,
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            sleep=lambda _: None,
            random=lambda: 0.0,
        )

    def _run(self, job: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        with self._lock:
            self.calls.append((job.removeprefix("crypto-"), arguments))
        self._jobs(job.removeprefix("crypto-"), arguments)
        return {"Id": "jr_1", "JobRunState": "SUCCEEDED"}

    def _child(self, _map_run: str, _input: Mapping[str, Any]) -> Callable[[Event], None]:
        events: list[Event] = []
        self.children.append(events)
        return events.append

    def run(self, input_data: Mapping[str, Any] | None = None) -> Outcome:
        return self.interpreter.run(input_data or {})

    def groups(self, job: str) -> list[list[str]]:
        """The tickers of each run of a job."""
        runs = [json.loads(arguments["--GROUP"]) for name, arguments in self.calls if name == job]
        return sorted([item["TICKER"] for item in group if item] for group in runs)


def failing(
    job: str, ticker: str, error: str = "States.TaskFailed"
) -> Callable[[str, Mapping[str, str]], None]:
    def jobs(name: str, arguments: Mapping[str, str]) -> None:
        if name == job and ticker in arguments.get("--GROUP", ""):
            raise TaskFailed(error, '{"Id":"jr_2","ErrorMessage":"the worker was lost"}')

    return jobs


def test_each_step_runs_once_per_group_and_the_verdict_is_the_output() -> None:
    bench = Bench()
    assert bench.run() == Outcome("SUCCEEDED", ALL_LOADED)
    for job in ("bronze2silver", "silver2gold", "redshift-upload"):
        assert bench.groups(job) == [["A", "B"], ["C", "D"], ["E"]]
    assert bench.calls[0] == ("clear-buckets", {"--LIST": LIST, "--CHANGED_OF": "-"})
    assert bench.calls[-1] == ("summarize", {"--LIST": LIST, "--EXECUTION": "today"})
    silver = json.loads(
        next(a["--GROUP"] for job, a in bench.calls if job == "bronze2silver" and '"A"' in a["--GROUP"])
    )
    assert silver[0] == items("A")["A"].arguments()


def test_the_parent_has_only_the_start_and_the_end_of_the_map_run() -> None:
    bench = Bench()
    bench.run()
    types = [event["type"] for event in bench.events]
    begin, end = types.index("MapStateEntered"), types.index("MapStateExited")
    assert types[begin : end + 1] == [
        "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded",
        "MapStateExited",
    ]  # fmt: skip
    assert [events[-1]["type"] for events in bench.children] == ["ExecutionSucceeded"] * 3


def test_a_group_whose_run_dies_is_noted_and_stops_no_other() -> None:
    bench = Bench(failing("silver2gold", '"C"'))
    assert bench.run().status == "SUCCEEDED"
    assert bench.groups("redshift-upload") == [["A", "B"], ["E"]]
    note = json.loads(bench.memory.get("temp", "outcomes/today/failures/C.json"))
    assert note == {
        "execution": "today",
        "ticker": "C",
        "step": "gold",
        "error": "States.TaskFailed",
        "cause": '{"Id":"jr_2","ErrorMessage":"the worker was lost"}',
    }


def test_a_throttled_start_of_a_group_is_tried_again() -> None:
    refusals = iter([True, True])

    def jobs(name: str, _arguments: Mapping[str, str]) -> None:
        if name == "bronze2silver" and next(refusals, False):
            raise TaskFailed("Glue.ThrottlingException", "Rate exceeded")

    bench = Bench(jobs)
    assert bench.run().status == "SUCCEEDED"
    assert len(bench.groups("bronze2silver")) == 5
    assert bench.groups("silver2gold") == [["A", "B"], ["C", "D"], ["E"]]


def test_a_list_of_its_own_replaces_the_deployed_one() -> None:
    bench = Bench()
    bench.memory.put("lists", "lists/executions/today.json", CurrencyList(items("C")).dumps(2))
    assert bench.run({"list": "lists/executions/today.json"}).status == "SUCCEEDED"
    assert bench.groups("bronze2silver") == [["C"]]


def test_what_changed_is_decided_by_the_cleaning_job() -> None:
    def jobs(name: str, arguments: Mapping[str, str]) -> None:
        if name == "clear-buckets":
            assert arguments == {"--LIST": "lists/executions/today.json", "--CHANGED_OF": LIST}
            bench.memory.put("lists", arguments["--LIST"], CurrencyList(items("B", "E")).dumps(2))

    bench = Bench(jobs)
    assert bench.run({"changed": True}).status == "SUCCEEDED"
    assert bench.groups("redshift-upload") == [["B", "E"]]


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ({"verdict": "PARTLY LOADED", "loaded": 1, "failed": 4}, "SUCCEEDED"),
        ({"verdict": "FAILED", "loaded": 0, "failed": 5}, "FAILED"),
        ({"verdict": "NOTHING TO DO", "loaded": 0, "failed": 0}, "SUCCEEDED"),
    ],
)
def test_an_execution_fails_if_every_currency_that_ran_failed(verdict: dict[str, Any], status: str) -> None:
    bench = Bench()
    bench.memory.put("temp", "outcomes/today/verdict.json", json.dumps(verdict).encode())
    assert bench.run().status == status


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"currencies":{}}', b"[]"])
def test_a_list_that_cannot_be_read_fails_the_execution_and_starts_no_group(content: bytes | None) -> None:
    bench = Bench()
    bench.memory.objects.pop(("lists", LIST))
    if content is not None:
        bench.memory.put("lists", LIST, content)
    outcome = bench.run()
    assert (outcome.status, outcome.error) == ("FAILED", "PipelineFailure")
    assert bench.groups("bronze2silver") == []
    failed = next(event for event in bench.events if event["type"] == "MapRunFailed")
    assert failed["mapRunFailedEventDetails"]["error"] == "States.ItemReaderFailed"


@pytest.mark.parametrize("content", [None, b"{"])
def test_a_verdict_that_cannot_be_read_fails_the_execution(content: bytes | None) -> None:
    bench = Bench()
    bench.memory.objects.pop(("temp", "outcomes/today/verdict.json"))
    if content is not None:
        bench.memory.put("temp", "outcomes/today/verdict.json", content)
    assert bench.run().error == "PipelineFailure"


def test_stop_begins_no_further_group_and_lets_job_runs_end() -> None:
    def jobs(name: str, _arguments: Mapping[str, str]) -> None:
        if name == "bronze2silver":
            bench.interpreter.stop()

    bench = Bench(jobs)
    assert bench.run().status == "ABORTED"
    assert bench.groups("silver2gold") == []
    assert "summarize" not in [job for job, _ in bench.calls]


def test_a_large_currency_has_a_group_of_its_own() -> None:
    listed = items("A", "B", "C")
    listed["B"] = Item("B", "B/history.csv", "B/trend.csv", large=True)
    found = CurrencyList(listed, {"X": "its file is broken"})
    assert found.groups(3) == [["B"], ["A", "C"]]
    assert json.loads(found.dumps(3))["currencies"][1:3] == [{}, {}]
    bench = Bench()
    bench.memory.put("lists", LIST, found.dumps(2))
    bench.run()
    assert bench.groups("redshift-upload") == [["A", "C"], ["B"]]


def test_a_list_is_read_as_it_was_written() -> None:
    listed = {"A": Item("A", "A/history.csv", "A/trend.csv", True, "gold")}
    found = CurrencyList(listed, {"X": "its file is broken"})
    assert groups.loads(found.dumps(25), "a key") == (found, 25)


Change = Callable[[dict[str, Any]], object]
REFUSALS: list[tuple[Change, str]] = [
    (lambda m: m.update(ItemSelector={}), "the field 'ItemSelector'"),
    (lambda m: m.update(ResultWriter={}), "the field 'ResultWriter'"),
    (lambda m: m.update(Retry=[]), "the field 'Retry'"),
    (lambda m: m.update(ToleratedFailurePercentage=5), "a Map whose ToleratedFailurePercentage is 5"),
    (lambda m: m.pop("ResultPath"), "a Map whose ResultPath is 'absent'"),
    (lambda m: m["ItemReader"]["ReaderConfig"].update(InputType="CSV"), "a Map whose InputType is 'CSV'"),
    (lambda m: m["ItemReader"]["ReaderConfig"].update(MaxItems=5), "the field 'MaxItems'"),
    (lambda m: m["ItemBatcher"].update(MaxInputBytesPerBatch=5), "the field 'MaxInputBytesPerBatch'"),
    (lambda m: m["ItemProcessor"]["ProcessorConfig"].update(Mode="INLINE"), "a Map whose Mode is 'INLINE'"),
    (
        lambda m: m["ItemProcessor"]["ProcessorConfig"].update(ExecutionType="EXPRESS"),
        "a Map whose ExecutionType is 'EXPRESS'",
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSALS)
def test_an_unsupported_map_is_refused_by_name(change: Change, message: str) -> None:
    definition = copy.deepcopy(MACHINE)
    change(definition["States"]["Every group"])
    with pytest.raises(UnsupportedDefinition) as refusal:
        Interpreter(
            definition,
            run_job=lambda *_: {},
            record=lambda _: None,
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            sleep=lambda _: None,
            random=lambda: 0.0,
        )
    assert str(refusal.value).startswith(f"Every group: {message}")


def test_the_definition_stays_small() -> None:
    assert len(json.dumps(MACHINE)) < 20_000
