"""The same commands, results, messages and exit codes on both targets, through the real command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.places import Place, ended, wait_for
from tests.local.cli import by_ticker, statuses, write_history

FAILS = "if 'XMR' in argv:\n        raise ValueError('the silver set of XMR is not to be joined')"


@pytest.fixture
def ready(place: Place) -> Place:
    """Return a place where everything is uploaded and deployed."""
    for command in (["deploy", "--yes"], ["upload"]):
        outcome = place(*command)
        assert outcome.code == 0, outcome.err
    return place


def shape(node: Any) -> Any:
    """Return the keys and types of JSON without its values."""
    match node:
        case dict():
            return {key: shape(item) for key, item in node.items()}
        case list():
            return [shape(item) for item in node]
        case _:
            return "null" if node is None else type(node).__name__


# --- before a run -------------------------------------------------------------------------------------


def test_a_run_needs_a_deploy(place: Place) -> None:
    outcome = place("run")
    assert outcome.code == 2
    assert "nothing is deployed yet" in outcome.err
    assert "cryptoetl deploy" in outcome.err


def test_tables_are_missing_until_something_is_deployed_and_loaded(place: Place) -> None:
    refused = place("verify")
    assert refused.code == 2
    assert "error: nothing is deployed yet\nRun `cryptoetl deploy`, or `cryptoetl up`" in refused.err
    assert place("deploy", "--yes").code == 0
    missing = place("verify", "--json")
    assert missing.code == 1
    assert [table["problems"] for table in missing.data["tables"]] == [["the table is missing"]] * 2
    empty = place("preview", "BTC")
    assert empty.code == 2
    assert "error: market_data.btc has no rows yet\nRun `cryptoetl run` or `cryptoetl up`." in empty.err


def test_there_is_no_status_before_the_first_run(ready: Place) -> None:
    for command in (["status"], ["stop"], ["logs", "BTC"]):
        outcome = ready(*command)
        assert outcome.code == 2
        assert "there is no execution yet" in outcome.err


def test_an_unknown_currency_is_refused_before_anything_starts(ready: Place) -> None:
    outcome = ready("run", "--tickers", "DOGE")
    assert outcome.code == 2
    assert "DOGE: not deployed" in outcome.err
    assert ready("status").code == 2


def test_an_unknown_execution_is_named(ready: Place) -> None:
    for command in (["status", "nowhere"], ["stop", "nowhere"], ["logs", "BTC", "--execution", "no/where"]):
        outcome = ready(*command)
        assert outcome.code == 2
        assert "there is no execution" in outcome.err


# --- upload -------------------------------------------------------------------------------------------


def test_a_dry_run_lists_what_an_upload_copies_and_a_second_upload_copies_nothing(place: Place) -> None:
    assert place("deploy", "--yes").code == 0
    actions: list[list[str]] = []
    for arguments in (["--dry-run"], [], ["--dry-run"], []):
        outcome = place("upload", "--json", *arguments)
        assert outcome.code == 0
        actions.append([file["action"] for file in outcome.data["files"]])
        if len(actions) == 1:
            assert place.raw("BTC/history.csv") is None
    assert actions == [["to upload"] * 4, ["uploaded"] * 4, ["unchanged"] * 4, ["unchanged"] * 4]
    assert place.raw("BTC/source/history") == (place.project.folder / "BTC.csv").read_bytes()
    plain = place.raw("BTC/history.csv")
    assert plain is not None
    assert plain.startswith(b"Date,Price\n2024-01-01,100.0\n")


def test_only_what_changed_is_uploaded(ready: Place) -> None:
    write_history(ready.project.folder / "XMR.csv", 31)
    files = ready("upload", "--json").data["files"]
    assert [(f["ticker"], f["kind"]) for f in files if f["action"] == "uploaded"] == [("XMR", "history")]


def test_a_run_warns_of_files_that_are_not_uploaded_yet(ready: Place) -> None:
    write_history(ready.project.folder / "XMR.csv", 31)
    outcome = ready("run", "--tickers", "XMR")
    assert outcome.code == 0
    assert "XMR: its history file is changed since its upload" in outcome.err
    assert len(ready.table("XMR")) == 31  # 30 days as uploaded, and a weekly value after them


# --- runs ---------------------------------------------------------------------------------------------


def test_every_currency_is_loaded(ready: Place) -> None:
    outcome = ready("run", "--json")
    assert outcome.code == 0, outcome.err
    assert statuses(outcome.data["execution"]) == {"BTC": "LOADED", "XMR": "LOADED"}
    status = ready("status", "--json")
    assert status.code == 0
    assert status.data == outcome.data["execution"]
    assert len(ready.table("BTC")) == len(ready.table("XMR")) > 30
    (listed,) = ready("status", "--last", "3", "--json").data["executions"]
    assert listed["name"] == status.data["name"]


def test_one_fails_the_other_loads_and_the_retry_resumes_where_it_failed(ready: Place) -> None:
    ready.tamper("gold", FAILS)
    outcome = ready("run", "--json")
    assert outcome.code == 1
    currencies = by_ticker(outcome.data["execution"])
    assert outcome.data["execution"]["status"] == "SUCCEEDED"
    assert (currencies["BTC"]["status"], currencies["XMR"]["status"]) == ("LOADED", "FAILED")
    assert currencies["XMR"]["step"] == "gold"
    assert currencies["XMR"]["reason"] == "the silver set of XMR is not to be joined"
    assert (len(ready.table("BTC")) > 0, ready.table("XMR")) == (True, [])
    status = ready("status")
    assert status.code == 1
    assert "XMR FAILED at gold: the silver set of XMR is not to be joined" in status.out
    assert "not to be joined" in ready("logs", "XMR", "--errors").out

    ready.restore()
    retried = ready("run", "--retry-failed", "--json")
    assert retried.code == 0, retried.err
    again = by_ticker(retried.data["execution"])
    assert again["BTC"]["status"] == "SKIPPED"
    assert again["XMR"]["status"] == "LOADED"
    assert [step["status"] for step in again["XMR"]["steps"]] == ["PENDING", "SUCCEEDED", "SUCCEEDED"]
    assert ready.table("XMR") != []
    nothing = ready("run", "--retry-failed")
    assert nothing.code == 0
    assert "Nothing to retry" in nothing.out


def test_all_fail(ready: Place) -> None:
    ready.tamper("silver", "raise ValueError('no day is good')")
    outcome = ready("run", "--json")
    assert outcome.code == 1
    assert outcome.data["execution"]["status"] == "FAILED"
    assert statuses(outcome.data["execution"]) == {"BTC": "FAILED", "XMR": "FAILED"}


def test_an_earlier_execution_can_be_retried(ready: Place) -> None:
    ready.tamper("gold", FAILS)
    failed = ready("run", "--json").data["execution"]["name"]
    ready.restore()
    assert ready("run", "--tickers", "BTC").code == 0
    outcome = ready("run", "--retry-failed", "--execution", failed, "--json")
    assert outcome.code == 0
    assert statuses(outcome.data["execution"]) == {"BTC": "SKIPPED", "XMR": "LOADED"}


def test_only_what_has_changed_runs(ready: Place) -> None:
    assert ready("run", "--changed", "--json").data["unchanged"] == []
    nothing = ready("run", "--changed")
    assert nothing.code == 0, nothing.err
    assert "Nothing to run: all 2 currencies are unchanged" in nothing.out
    write_history(ready.project.folder / "XMR.csv", 40)
    assert ready("upload").code == 0
    outcome = ready("run", "--changed", "--json")
    assert outcome.code == 0, outcome.err
    assert statuses(outcome.data["execution"]) == {"BTC": "SKIPPED", "XMR": "LOADED"}
    assert outcome.data["unchanged"] == ["BTC"]
    assert "1 of 2 currencies is unchanged" in outcome.err
    assert len(ready.table("XMR")) > 39


def test_what_failed_has_changed_whatever_its_files(ready: Place) -> None:
    assert ready("run").code == 0
    ready.tamper("gold", FAILS)
    assert ready("run", "--tickers", "XMR").code == 1
    ready.restore()
    outcome = ready("run", "--changed", "--json")
    assert statuses(outcome.data["execution"]) == {"BTC": "SKIPPED", "XMR": "LOADED"}


def test_the_log_of_a_currency_is_merged_in_time(ready: Place) -> None:
    assert ready("run").code == 0
    lines = ready("logs", "BTC", "--json").data["lines"]
    steps = [line["step"] for line in lines]
    assert list(dict.fromkeys(steps)) == ["silver", "gold", "redshift"]
    assert {line["step"] for line in ready("logs", "btc", "--step", "gold", "--json").data["lines"]} == {
        "gold"
    }
    followed = ready("logs", "BTC", "--follow", "--json")
    assert [line["text"] for line in followed.lines] == [line["text"] for line in lines]
    assert ready("logs", "BTC", "--errors", "--json").data["lines"] == []
    unknown = ready("logs", "DOGE")
    assert unknown.code == 2
    assert "DOGE is not in execution" in unknown.err


# --- stopping -----------------------------------------------------------------------------------------


def test_a_stop_in_the_middle_keeps_what_had_finished_and_leaves_no_job_running(ready: Place) -> None:
    ready.hold("XMR", "gold")
    run = ready.project.start("run")
    wait_for(lambda: _at_gold(ready), "XMR at gold")
    stopped = ready("stop", "--json")
    assert stopped.code == 0, stopped.err
    assert stopped.data["left"] == []
    execution = stopped.data["execution"]
    assert execution["status"] == "ABORTED"
    assert execution["reason"] == "stopped with `cryptoetl stop`"
    assert statuses(execution)["XMR"] == "ABORTED"
    assert by_ticker(execution)["XMR"]["step"] == "gold"
    assert ready.running_jobs() == 0
    assert ended(run).code == 1
    status = ready("status", "--json")
    assert status.code == 1
    assert status.data == execution
    again = ready("stop")
    assert again.code == 0


def _at_gold(place: Place) -> bool:
    outcome = place("status", "--json")
    if outcome.code == 2:
        return False
    currencies = by_ticker(outcome.data)
    return "XMR" in currencies and currencies["XMR"]["step"] == "gold"


def test_an_execution_is_stopped_at_its_timeout(ready: Place) -> None:
    ready.hold("XMR", "gold")
    outcome = ready("run", "--timeout", "3s", "--json")
    assert outcome.code == 1
    assert outcome.data["execution"]["status"] == "ABORTED"
    assert "had not ended after 3 seconds (--timeout)" in outcome.data["execution"]["reason"]
    assert outcome.data["left"] == []
    assert ready.running_jobs() == 0
    assert statuses(outcome.data["execution"])["XMR"] == "ABORTED"


# --- JSON ---------------------------------------------------------------------------------------------

SHAPES: dict[str, Any] = {}


def test_the_json_of_a_failed_run_has_the_same_shape_everywhere(ready: Place) -> None:
    ready.tamper("gold", FAILS)
    ready("run")
    found = shape(ready("status", "--json").data)
    for currency in found["currencies"]:
        for step in currency["steps"]:
            # Reported by one target only: the cost of a run, and the whole message.
            assert {step.pop("dpu_seconds"), step.pop("cause")} <= {"float", "str", "null"}
            step.pop("job_run_id")
    assert found.pop("link") in ("str", "null")  # only AWS has a page of it
    found["clean"].pop("dpu_seconds")
    found["clean"].pop("job_run_id")
    assert SHAPES.setdefault("status", found) == found


COMMANDS = {
    "init": ["init", "--force"],
    "check": ["check"],
    "deploy": ["deploy", "--yes"],
    "upload": ["upload"],
    "run": ["run", "--tickers", "BTC"],
    "up": ["up"],
    "status": ["status"],
    "executions": ["status", "--last", "3"],
    "stop": ["stop"],
    "logs": ["logs", "BTC"],
    "verify": ["verify"],
    "query": ["query", "SELECT count(*) AS days FROM market_data.btc"],
    "preview": ["preview", "BTC", "--days", "5"],
    "error": ["status", "nowhere"],
    "destroy": ["destroy", "--yes"],
}
"""By name of the object that each prints, in an order in which they can run."""


def test_every_command_prints_an_object_that_fits_its_schema(place: Place) -> None:
    printed = {}
    for name, arguments in COMMANDS.items():
        outcome = place(*arguments, "--json")
        data = outcome.data  # is validated
        assert outcome.code == {"init": 2, "error": 2}.get(name, 0), outcome.err
        printed[name] = data["schema"]
    assert printed == {name: f"cryptoetl.{name}/1" for name in COMMANDS}


def test_a_command_that_follows_prints_objects_line_by_line(ready: Place) -> None:
    assert ready("run").code == 0
    *changes, last = ready("status", "--watch", "--json").lines
    assert [(c["step"], c["status"]) for c in changes if c["ticker"] == "XMR"] == [
        ("silver", "SUCCEEDED"),
        ("gold", "SUCCEEDED"),
        ("redshift", "SUCCEEDED"),
    ]
    assert {change["schema"] for change in changes} == {"cryptoetl.step/1"}
    assert last == ready("status", "--json").data
    lines = ready("logs", "XMR", "--follow", "--json").lines
    assert {line["schema"] for line in lines} == {"cryptoetl.log-line/1"}
