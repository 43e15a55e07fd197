"""Groups of currencies: the scripts' module `groups`, their outcomes, and results equal to single runs."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.engine import run_script
from cryptoetl.local.redshift.sink import DuckDBSink
from tests.conftest import DATA
from tests.local.scripts import Lake, arguments, rows, script

STEPS = ("silver", "gold", "redshift")
SCRIPTS = dict(zip(STEPS, ("bronze2silver", "silver2gold", "redshift_upload"), strict=True))
groups = script("groups")
Item = dict[str, str]


def item(ticker: str, begin: str = "silver", drop: str = "N") -> Item:
    """Return a currency of a group."""
    files = {"HIST_FILE": f"{ticker}/history.csv", "TREND_FILE": f"{ticker}/trend.csv"}
    return {"TICKER": ticker, **files, "DROP": drop, "FROM": begin}


class Runs:
    """Runs of groups in a place for outcomes."""

    def __init__(self, place: str) -> None:
        self.place = place

    def arguments(self, group: Sequence[Item], execution: str = "e1", **others: str) -> list[str]:
        given = {"--GROUP": json.dumps(group), "--EXECUTION": execution, "--OUTCOMES": self.place}
        return arguments(given | {f"--{name}": text for name, text in others.items()})

    def uri(self, step: str, first: str, execution: str = "e1") -> str:
        return f"{self.place}/{execution}/{step}/{first}.json"

    def outcome(self, step: str, first: str, execution: str = "e1") -> dict[str, Any]:
        return dict(groups.read_json(self.uri(step, first, execution)))

    def run(
        self, step: str, group: Sequence[Item], work: Callable[[Item], int | None], **others: str
    ) -> dict[str, str]:
        """Run `work` as a script of this step; return the statuses."""
        argv = ["script.py", "--JOB_RUN_ID", "jr_1", *self.arguments(group, **others)]
        groups.each(argv, step, ["TICKER"], work)
        found = self.outcome(step, next(one["TICKER"] for one in group if one))
        assert found["complete"] is True
        return statuses(found)


def statuses(outcome: Mapping[str, Any]) -> dict[str, str]:
    return {ticker: found["status"] for ticker, found in outcome["currencies"].items()}


def nothing(_: Item) -> None:
    """Work that succeeds."""


def broken(*tickers: str) -> Callable[[Item], None]:
    """Return work that fails for these currencies."""

    def work(args: Item) -> None:
        if args["TICKER"] in tickers:
            raise ValueError(f"{args['TICKER']} is bad")

    return work


@pytest.fixture(params=["folder", "bucket"])
def runs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    if request.param == "folder":
        yield Runs((tmp_path / "temp [1] %20" / "outcomes").as_uri())
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="temp")
        yield Runs("s3://temp/outcomes")


@pytest.fixture
def local(tmp_path: Path) -> Runs:
    return Runs((tmp_path / "outcomes").as_uri())


# --- outcomes -----------------------------------------------------------------------------------------


def test_each_currency_has_its_outcome_and_a_failure_does_not_stop_the_others(runs: Runs) -> None:
    def work(args: Item) -> int:
        broken("XMR")(args)
        return 7

    assert runs.run("silver", [item("BTC"), item("XMR"), item("ETH")], work) == {
        "BTC": "SUCCEEDED",
        "XMR": "FAILED",
        "ETH": "SUCCEEDED",
    }
    found = runs.outcome("silver", "BTC")
    assert (found["step"], found["group"], found["job_run"]) == ("silver", "BTC", "jr_1")
    bad, good = found["currencies"]["XMR"], found["currencies"]["ETH"]
    assert (bad["error"], bad["reason"], bad["rows"]) == ("ValueError", "XMR is bad", None)
    assert (good["error"], good["reason"], good["rows"]) == (None, None, 7)
    assert good["started"] <= good["ended"]


def test_a_currency_that_failed_is_left_out_of_the_next_steps(runs: Runs) -> None:
    group = [item("BTC"), item("XMR"), {}, item("ETH")]
    runs.run("silver", group, broken("BTC"))
    assert runs.run("gold", group, broken("ETH")) == {"XMR": "SUCCEEDED", "ETH": "FAILED"}
    assert runs.run("redshift", group, nothing) == {"XMR": "SUCCEEDED"}


def test_currencies_begin_at_their_own_step(runs: Runs) -> None:
    group = [item("BTC", "redshift"), item("XMR", "gold"), item("ETH")]
    assert runs.run("silver", group, nothing) == {"ETH": "SUCCEEDED"}
    assert runs.run("gold", group, broken("XMR")) == {"XMR": "FAILED", "ETH": "SUCCEEDED"}
    assert runs.run("redshift", group, nothing) == {"BTC": "SUCCEEDED", "ETH": "SUCCEEDED"}


def test_a_step_without_currencies_ends_at_once_with_a_complete_outcome(local: Runs) -> None:
    def never(_: Item) -> None:
        pytest.fail("there is nothing to do")

    assert local.run("silver", [item("BTC", "gold")], never) == {}
    local.run("gold", [item("XMR")], never)  # silver left no outcome
    assert local.outcome("gold", "XMR")["currencies"] == {}


DAMAGED = {
    "missing": None,
    "empty": "",
    "half-written": '{"step": "silver", "complete": true, "curren',
    "a list": "[]",
    "without currencies": '{"complete": true}',
    "with other currencies": '{"complete": true, "currencies": {"BTC": null}}',
    "incomplete": '{"complete": false, "currencies": {"BTC": {"status": "SUCCEEDED"}}}',
    "incomplete by its type": '{"complete": "true", "currencies": {"BTC": {"status": "SUCCEEDED"}}}',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_after_a_run_without_a_complete_outcome_no_currency_goes_on(name: str, runs: Runs) -> None:
    text = DAMAGED[name]
    if text is not None:
        groups.write(runs.uri("silver", "BTC"), text.encode())
    assert runs.run("gold", [item("BTC"), item("XMR", "gold")], nothing) == {"XMR": "SUCCEEDED"}


def test_if_every_currency_fails_the_run_succeeds(local: Runs) -> None:
    assert local.run("silver", [item("BTC"), item("XMR")], broken("BTC", "XMR")) == {
        "BTC": "FAILED",
        "XMR": "FAILED",
    }
    assert local.run("gold", [item("BTC"), item("XMR")], nothing) == {}


def test_a_group_that_runs_twice_has_the_result_of_the_second_run(local: Runs) -> None:
    group = [item("BTC"), item("XMR")]
    local.run("silver", group, broken("BTC", "XMR"))
    assert local.run("silver", group, nothing) == {"BTC": "SUCCEEDED", "XMR": "SUCCEEDED"}


def test_while_a_currency_hangs_the_outcome_names_it(local: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "WRITE_SECONDS", 0.01)
    write, seen = groups.write_json, threading.Event()
    written: list[dict[str, Any]] = []

    def watched(uri: str, content: dict[str, Any]) -> None:
        write(uri, content)
        written.append(content)
        if statuses(content) == {"BTC": "SUCCEEDED", "XMR": "RUNNING", "ETH": "PENDING"}:
            seen.set()

    def work(args: Item) -> None:
        assert args["TICKER"] != "XMR" or seen.wait(30)

    monkeypatch.setattr(groups, "write_json", watched)
    group = [item("BTC"), item("XMR"), item("ETH")]
    assert set(local.run("silver", group, work, THREADS="1").values()) == {"SUCCEEDED"}
    assert set(statuses(written[0]).values()) == {"PENDING"}
    assert [content["complete"] for content in written] == [False] * (len(written) - 1) + [True]


def test_a_write_that_fails_meanwhile_fails_nothing_but_the_last_one_does(
    local: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "WRITE_SECONDS", 0.01)
    write, ended = groups.write_json, threading.Event()

    def refused(uri: str, content: dict[str, Any]) -> None:
        if not content["complete"] and "RUNNING" in statuses(content).values():
            ended.set()
            raise OSError("no space left")
        write(uri, content)

    monkeypatch.setattr(groups, "write_json", refused)
    assert local.run("silver", [item("BTC")], lambda _: ended.wait(30) and None) == {"BTC": "SUCCEEDED"}

    monkeypatch.setattr(groups, "write_json", lambda uri, content: 1 / (not content["complete"]))
    with pytest.raises(ZeroDivisionError):
        local.run("silver", [item("BTC")], nothing)


@pytest.mark.parametrize(
    "text", ["{", "{}", "[1]", "[]", "[{}]", '[{"FROM": "gold"}]', '[{"TICKER": "A", "FROM": "x"}]']
)
def test_a_group_that_is_no_array_of_currencies_fails_the_run(text: str, local: Runs) -> None:
    argv = ["script.py", *arguments({"--GROUP": text, "--EXECUTION": "e", "--OUTCOMES": local.place})]
    with pytest.raises(ValueError):
        groups.each(argv, "silver", ["TICKER"], nothing)


def test_an_argument_that_a_currency_lacks_fails_this_currency(local: Runs) -> None:
    group = [item("BTC"), {"TICKER": "XMR"}]
    groups.each(["script.py", *local.arguments(group)], "silver", ["TICKER", "DROP"], nothing)
    found = local.outcome("silver", "BTC")
    assert statuses(found) == {"BTC": "SUCCEEDED", "XMR": "FAILED"}
    assert "--DROP" in found["currencies"]["XMR"]["reason"]


def test_a_long_reason_is_cut_and_an_exit_is_a_failure(local: Runs) -> None:
    def work(args: Item) -> None:
        raise SystemExit("x" * 5000)

    assert local.run("silver", [item("BTC")], work) == {"BTC": "FAILED"}
    assert local.outcome("silver", "BTC")["currencies"]["BTC"]["reason"] == "x" * 2000


def test_currencies_run_side_by_side_within_the_number_of_threads(local: Runs) -> None:
    together = threading.Barrier(3)
    most = 0
    working: set[str] = set()

    def work(args: Item) -> None:
        nonlocal most
        working.add(args["TICKER"])
        most = max(most, len(working))
        together.wait(timeout=30)
        working.discard(args["TICKER"])

    local.run("silver", [item(f"C{number}") for number in range(9)], work, THREADS="3")
    assert most == 3


# --- log ----------------------------------------------------------------------------------------------


def test_each_line_of_a_currency_in_a_group_begins_with_its_ticker(
    local: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    log = groups.logger("a script")

    def work(args: Item) -> None:
        log.info("%s\n%s", "one", "two")
        broken("XMR")(args)

    with caplog.at_level(logging.INFO):
        log.info("alone: %d", 1)
        local.run("silver", [item("BTC"), item("XMR")], work)
        log.info("alone: %d", 2)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "alone: 1"
    assert lines[-1] == "alone: 2"
    assert [line for line in lines if line.startswith("BTC | ")] == ["BTC | one", "BTC | two"]
    of_xmr = [line for line in lines if line.startswith("XMR | ")]
    assert of_xmr[:3] == ["XMR | one", "XMR | two", "XMR | Traceback (most recent call last):"]
    assert of_xmr[-1] == "XMR | ValueError: XMR is bad"
    assert len(lines) == 2 + 2 + len(of_xmr)


# --- the scripts --------------------------------------------------------------------------------------


class Pipeline:
    """The three scripts on one lake, with a warehouse."""

    def __init__(self, lake: Lake, warehouse: duckdb.DuckDBPyConnection) -> None:
        self.lake = lake
        self.warehouse = warehouse
        self.runs = Runs(lake.uri("temp/outcomes"))

    def shared(self, step: str, **others: str) -> list[str]:
        """Return the job arguments of a step: those of a single run without the currency's own."""
        make = {
            "silver": self.lake.silver_arguments,
            "gold": self.lake.gold_arguments,
            "redshift": self.lake.redshift_arguments,
        }[step]
        given = make("NONE")
        pairs = dict(zip(given[::2], given[1::2], strict=True))
        own = {"--TICKER", "--HIST_FILE", "--TREND_FILE", "--DROP"}
        places = {"--RAW": self.lake.uri("raw"), "--SILVER": self.lake.uri("silver")}
        kept = {name: text for name, text in pairs.items() if name not in own}
        return arguments({**places, **kept, **{f"--{name}": text for name, text in others.items()}})

    def single(self, one: Item, step: str, **others: str) -> None:
        given = arguments({f"--{name}": text for name, text in one.items() if name != "FROM"})
        run_script(script(SCRIPTS[step]), [*self.shared(step, **others), *given])

    def group(self, group: Sequence[Item], step: str, execution: str = "e1", **others: str) -> dict[str, str]:
        run_script(
            script(SCRIPTS[step]), [*self.shared(step, **others), *self.runs.arguments(group, execution)]
        )
        return statuses(self.runs.outcome(step, group[0]["TICKER"], execution))

    def result(self, ticker: str) -> dict[str, Any]:
        """Return the sets and the table of a currency, with their types."""
        sets = {
            name: self.lake.table(name)
            for name in (f"silver/{ticker}_hist", f"silver/{ticker}_trend", f"gold/{ticker}")
        }
        found = self.warehouse.execute(f'SELECT * FROM market_data."{ticker.lower()}" ORDER BY date')
        return {
            **{name.replace(ticker, ""): (table.schema, rows(table)) for name, table in sets.items()},
            "table": (found.description, found.fetchall()),
        }


@pytest.fixture
def pipeline(lake: Lake, tmp_path: Path) -> Iterator[Pipeline]:
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA market_data")
        glue_runtime.install(DuckDBSink(connection))
        yield Pipeline(lake, connection)


REFERENCE = [(name, drop) for name in ("LTC", "XMR") for drop in ("N", "Y")]


def reference(lake: Lake, prefix: str, count: int) -> list[Item]:
    """Store copies of the reference's currencies, each with and without dropped days."""
    raw, made = DATA / "reference" / "raw", []
    for number in range(count):
        name, drop = REFERENCE[number % len(REFERENCE)]
        ticker = f"{prefix}{number}"
        lake.put_raw(raw / f"{name} hist.csv", raw / f"trend_{name}.csv", ticker, drop=drop == "Y")
        made.append(item(ticker, drop=drop))
    return made


@pytest.mark.parametrize("size", [1, 2, 25])
def test_groups_of_any_size_give_the_sets_and_tables_of_single_runs(size: int, pipeline: Pipeline) -> None:
    single = reference(pipeline.lake, "S", len(REFERENCE))
    grouped = reference(pipeline.lake, "G", max(size, len(REFERENCE)))
    for step in STEPS:
        for one in single:
            pipeline.single(one, step)
        for start in range(0, len(grouped), size):
            batch = grouped[start : start + size]
            assert set(pipeline.group(batch, step).values()) == {"SUCCEEDED"}
    expected = [pipeline.result(one["TICKER"]) for one in single]
    for number, one in enumerate(grouped):
        assert pipeline.result(one["TICKER"]) == expected[number % len(expected)], one


def test_a_broken_file_fails_its_currency_with_the_message_of_a_single_run(pipeline: Pipeline) -> None:
    good, bad = reference(pipeline.lake, "C", 2)
    pipeline.lake.write_raw(bad["HIST_FILE"], "Date,Price\n2024-01-01,1\n2024-01-02,x\n")
    with pytest.raises(ValueError) as refusal:
        pipeline.single(bad, "silver")

    for _ in range(2):  # the second time is a repeated run
        assert pipeline.group([bad, good], "silver") == {"C1": "FAILED", "C0": "SUCCEEDED"}
        assert pipeline.group([bad, good], "gold") == {"C0": "SUCCEEDED"}
        assert pipeline.group([bad, good], "redshift") == {"C0": "SUCCEEDED"}
    entry = pipeline.runs.outcome("silver", "C1")["currencies"]["C1"]
    assert (entry["error"], entry["reason"]) == ("ValueError", str(refusal.value))
    loaded = pipeline.runs.outcome("redshift", "C1")["currencies"]["C0"]
    assert loaded["rows"] == len(pipeline.result("C0")["table"][1])
    found = pipeline.warehouse.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert found == [("c0",)]


# --- marks --------------------------------------------------------------------------------------------


def test_a_table_is_marked_with_the_files_and_scripts_that_it_was_made_of(pipeline: Pipeline) -> None:
    (one,) = reference(pipeline.lake, "C", 1)
    loaded = pipeline.lake.folder / "gold" / "_loaded" / "C0"

    def run(scripts: str, *steps: str) -> list[str]:
        for step in steps:
            pipeline.group([{**one, "FROM": steps[0]}], step, SCRIPTS=scripts)
        return [path.name for path in loaded.iterdir()]

    files = [groups.tag(pipeline.lake.uri(f"raw/{one[name]}")) for name in ("HIST_FILE", "TREND_FILE")]
    expected = groups.hashlib.sha256("\n".join(files).encode()).hexdigest()[:16]
    assert run("a" * 16, *STEPS) == [f"{expected}-N-{'a' * 16}"]

    pipeline.lake.write_raw(one["HIST_FILE"], "Date,Price\n2024-01-01,1\n")
    assert run("a" * 16, "redshift") == [f"{expected}-N-{'a' * 16}"]  # gold is still that of the old file
    (other,) = run("a" * 16, *STEPS)
    assert other.partition("-")[0] != expected

    assert run("b" * 16, "redshift") == []  # silver was made by other scripts


def test_without_a_digest_of_the_scripts_nothing_is_marked(pipeline: Pipeline) -> None:
    (one,) = reference(pipeline.lake, "C", 1)
    for step in STEPS:
        pipeline.single(one, step)
    assert not list(pipeline.lake.folder.rglob("_made"))
    assert not list(pipeline.lake.folder.rglob("_loaded"))


def test_a_mark_in_a_bucket_replaces_earlier_ones(runs: Runs) -> None:
    folder = f"{runs.place}/_made/BTC/"
    groups.write(f"{runs.place}/_made/BTC2/other", b"")
    for name in ("one", "two"):
        groups.mark(folder, name)
        assert groups.marked(folder) == name
    groups.write(f"{folder}three", b"")
    assert groups.marked(folder) is None
    groups.mark(folder, None)
    assert groups.list_uris(folder) == []
    assert groups.marked(f"{runs.place}/_made/BTC2/") == "other"
    assert groups.tag(f"{runs.place}/missing") == ""
    assert len(groups.tag(f"{runs.place}/_made/BTC2/other")) in (32, 64)


def test_a_place_that_is_neither_s3_nor_a_folder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^hdfs://x is neither s3:// nor file://$"):
        groups.read_json("hdfs://x")
