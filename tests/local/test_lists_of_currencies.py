"""Clean and the summary of executions that read a list of currencies."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cryptoetl.local.glue.engine import run_script
from tests.local.scripts import ROOT, arguments, script

clear_buckets, summarize, groups = script("clear_buckets"), script("summarize"), script("groups")
OLD, NEW = "a" * 16, "b" * 16


class Lake:
    """Places in a folder or in a bucket, written and listed by their keys."""

    def __init__(self, root: str) -> None:
        self.root = root

    def uri(self, key: str) -> str:
        return f"{self.root}/{key}"

    def put(self, *keys: str, content: Any = "rows") -> None:
        for key in keys:
            groups.write(self.uri(key), content.encode() if isinstance(content, str) else content)

    def put_json(self, key: str, content: Any) -> None:
        groups.write_json(self.uri(key), content)

    def json(self, key: str) -> Any:
        return groups.read_json(self.uri(key))

    def keys(self, *places: str) -> set[str]:
        start = len(self.uri(""))
        return {
            groups.unquote(uri)[start:] if uri.startswith("s3:") else uri[start:]
            for place in places
            for uri in groups.list_uris(self.uri(f"{place}/"))
        }

    def clear(self, key: str, changed_of: str = "-", **others: str) -> None:
        places = {f"--{name.upper()}": self.uri(name) for name in ("silver", "gold", "raw", "lists")}
        given = {"--LIST": key, "--CHANGED_OF": changed_of, **{f"--{n}": text for n, text in others.items()}}
        run_script(clear_buckets, arguments({**places, **given}))

    def summarize(self, key: str = "e.json") -> Mapping[str, Any]:
        places = {"--LISTS": self.uri("lists"), "--OUTCOMES": self.uri("outcomes")}
        run_script(summarize, arguments({**places, "--LIST": key, "--EXECUTION": "e"}))
        return dict(self.json("outcomes/e/verdict.json"))


@pytest.fixture(params=["folder", "bucket"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    if request.param == "folder":
        yield Lake((tmp_path / "lake").as_uri())
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="lake")
        yield Lake("s3://lake")


def item(ticker: str, begin: str = "silver", drop: str = "N") -> dict[str, str]:
    files = {"HIST_FILE": f"{ticker}/history.csv", "TREND_FILE": f"{ticker}/trend.csv"}
    return {"TICKER": ticker, **files, "DROP": drop, "FROM": begin}


def listed(*items: Mapping[str, str], **others: Any) -> dict[str, Any]:
    return {"size": 2, "currencies": list(items), "refused": {}, "skipped": [], **others}


def filled(lake: Lake, *tickers: str) -> set[str]:
    """Write sets and marks of these currencies; return their keys in silver and gold."""
    for ticker in tickers:
        lake.put(f"silver/{ticker}_hist/part", f"silver/{ticker}_trend/nested/part", f"gold/{ticker}/part")
        lake.put(f"silver/_made/{ticker}/mark", f"gold/_loaded/{ticker}/mark", f"raw/{ticker}/history.csv")
    return lake.keys("silver", "gold")


# --- clean --------------------------------------------------------------------------------------------


def test_the_sets_and_marks_of_a_list_are_deleted_as_its_steps_need_it(lake: Lake) -> None:
    before = filled(lake, "BTC", "BTC2", "XMR", "ETH")
    lake.put_json("lists/e.json", listed(item("BTC"), {}, item("XMR", "gold"), item("ETH", "redshift")))
    lake.clear("e.json")
    gone = {
        *("silver/BTC_hist/part", "silver/BTC_trend/nested/part", "silver/_made/BTC/mark", "gold/BTC/part"),
        *("gold/_loaded/BTC/mark", "gold/XMR/part", "gold/_loaded/XMR/mark", "gold/_loaded/ETH/mark"),
    }
    assert lake.keys("silver", "gold") == before - gone
    assert len(lake.keys("raw")) == 4
    lake.clear("e.json")
    assert lake.keys("silver", "gold") == before - gone


def test_a_list_for_a_branch_deletes_the_same_marks(lake: Lake) -> None:
    before = filled(lake, "BTC", "XMR")
    tickers = {"BTC": {}, "XMR": {"from": "redshift"}}
    places = {"--SILVER": lake.uri("silver"), "--GOLD": lake.uri("gold")}
    run_script(clear_buckets, arguments({**places, "--TICKERS": json.dumps(tickers)}))
    left = {key for key in before if "XMR" in key} - {"gold/_loaded/XMR/mark"}
    assert lake.keys("silver", "gold") == left


BAD_LISTS = {
    "missing": None,
    "not JSON": "{",
    "an array": "[]",
    "without currencies": "{}",
    "a currency without a ticker": '{"currencies": [{"FROM": "gold"}]}',
    "a path for a ticker": '{"currencies": [{"TICKER": "../raw"}]}',
    "an unknown step": '{"currencies": [{"TICKER": "BTC", "FROM": "raw"}]}',
    "a number": '{"currencies": [7]}',
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_list_that_cannot_be_read_deletes_nothing(name: str, lake: Lake) -> None:
    before = filled(lake, "BTC")
    content = BAD_LISTS[name]
    if content is not None:
        lake.put("lists/e.json", content=content)
    with pytest.raises(ValueError, match=r"lists/e\.json (is missing|is not a list of currencies)"):
        lake.clear("e.json")
    assert lake.keys("silver", "gold") == before


def loaded(lake: Lake, *items: Mapping[str, str], scripts: str = OLD) -> None:
    """Mark currencies as loaded from the raw files that are there, as the scripts do."""
    for one in items:
        raw = [lake.uri(f"raw/{one[name]}") for name in ("HIST_FILE", "TREND_FILE")]
        mark = groups.mark_of({**one, "SCRIPTS": scripts}, *raw)
        groups.mark(lake.uri(f"gold/_loaded/{one['TICKER']}/"), mark)


def test_only_currencies_that_are_not_marked_with_what_is_there_are_in_the_list(lake: Lake) -> None:
    large, same = item("LARGE"), item("SAME")
    changed, dropped, fresh, gone = (item(ticker) for ticker in ("FILE", "DROP", "FRESH", "GONE"))
    tickers = ("LARGE", "SAME", "FILE", "DROP", "FRESH", "GONE", "ALSO")
    for ticker in tickers:
        lake.put(f"raw/{ticker}/history.csv", f"raw/{ticker}/trend.csv", content=ticker)
    other = item("ALSO")
    loaded(lake, large, same, changed, dropped, gone, other)
    lake.put("raw/FILE/trend.csv", content="new")
    groups.delete(lake.uri("raw/GONE/trend.csv"))
    everything = listed(
        large, {}, other, {}, same, changed, item("DROP", drop="Y"), fresh, gone, refused={"BAD": "empty"}
    )
    lake.put_json("lists/all.json", everything)

    lake.clear("new.json", "all.json", SCRIPTS=OLD)

    assert lake.json("lists/new.json") == {
        **everything,
        "currencies": [changed, item("DROP", drop="Y"), fresh, gone],
        "skipped": ["LARGE", "ALSO", "SAME"],
    }
    assert sorted(key.split("/")[2] for key in lake.keys("gold")) == ["ALSO", "LARGE", "SAME"]

    lake.put("raw/LARGE/history.csv", content="new")
    lake.clear("new.json", "all.json", SCRIPTS=OLD)
    assert lake.json("lists/new.json")["currencies"][:2] == [large, {}]
    lake.clear("new.json", "all.json", SCRIPTS=NEW)
    assert lake.json("lists/new.json")["currencies"] == everything["currencies"]
    lake.clear("new.json", "all.json")
    assert lake.json("lists/new.json")["currencies"] == everything["currencies"]


def test_nothing_changed_is_an_empty_list(lake: Lake) -> None:
    lake.put("raw/BTC/history.csv", "raw/BTC/trend.csv")
    loaded(lake, item("BTC"))
    lake.put_json("lists/all.json", listed(item("BTC")))
    lake.clear("new.json", "all.json", SCRIPTS=OLD)
    assert lake.json("lists/new.json") == listed(skipped=["BTC"])


def test_a_mark_is_the_digest_of_both_tags_the_setting_and_the_scripts(lake: Lake) -> None:
    lake.put("raw/BTC/history.csv", "raw/BTC/trend.csv", content="x")
    algorithm = hashlib.md5 if lake.root.startswith("s3:") else hashlib.sha256
    one = algorithm(b"x").hexdigest()
    expected = hashlib.sha256(f"{one}\n{one}".encode()).hexdigest()[:16]
    loaded(lake, item("BTC", drop="Y"))
    assert lake.keys("gold") == {f"gold/_loaded/BTC/{expected}-Y-{OLD}"}


def test_thousands_of_sets_are_deleted_with_one_listing_of_the_bucket() -> None:
    calls: list[str] = []

    keys = [f"C{number}/part" for number in range(2500)]

    class Bucket:
        def get_paginator(self, _: str) -> Bucket:
            return self

        def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
            for start in range(0, len(keys), 1000):
                calls.append("list")
                yield {"Contents": [{"Key": key} for key in keys[start : start + 1000]]}

        def delete_objects(self, Delete: Mapping[str, Sequence[Any]], **_: Any) -> dict[str, Any]:
            calls.append(f"delete {len(Delete['Objects'])}")
            return {}

    chosen = {f"C{number}" for number in range(2400)}
    assert clear_buckets.clear_all("s3://gold", chosen, Bucket()) == 2400
    assert sorted(calls) == ["delete 1000", "delete 1000", "delete 400", "list", "list", "list"]


# --- summary ------------------------------------------------------------------------------------------


def outcome(step: str, complete: Any = True, **currencies: str) -> dict[str, Any]:
    found = {ticker: {"status": status} for ticker, status in currencies.items()}
    return {"step": step, "group": next(iter(currencies)), "complete": complete, "currencies": found}


def verdict(word: str, loaded: int, failed: int) -> dict[str, Any]:
    return {"verdict": word, "loaded": loaded, "failed": failed, "currencies": loaded + failed}


def test_the_summary_has_all_outcomes_and_failures(lake: Lake) -> None:
    lake.put_json("lists/e.json", listed(item("BTC"), item("XMR"), item("ETH"), refused={"BAD": "empty"}))
    documents = [
        outcome("silver", BTC="SUCCEEDED", XMR="FAILED"),
        outcome("silver", ETH="SUCCEEDED"),
        outcome("gold", BTC="SUCCEEDED"),
        outcome("redshift", BTC="SUCCEEDED"),
    ]
    for found in documents:
        lake.put_json(f"outcomes/e/{found['step']}/{found['group']}.json", found)
    note = {"step": "gold", "ticker": "ETH", "error": "States.TaskFailed", "cause": "{}"}
    lake.put_json("outcomes/e/failures/ETH.json", note)
    lake.put("outcomes/e/gold/ETH.json", content="{")
    lake.put_json("outcomes/e2/redshift/ETH.json", outcome("redshift", ETH="SUCCEEDED"))
    for _ in range(2):
        assert lake.summarize() == verdict("PARTLY LOADED", 1, 3)
        summary = lake.json("outcomes/e/summary.json")
        assert summary["failures"] == [note]
        assert sorted(summary["outcomes"], key=str) == sorted(documents, key=str)


REDSHIFT = outcome("redshift", BTC="SUCCEEDED", XMR="SUCCEEDED")
NOTE = {"step": "redshift", "ticker": "BTC", "error": "States.Timeout", "cause": ""}


@pytest.mark.parametrize(
    ("found", "note", "expected"),
    [
        (REDSHIFT, None, verdict("LOADED", 2, 0)),
        ({**REDSHIFT, "complete": False}, None, verdict("FAILED", 0, 2)),
        ({**REDSHIFT, "complete": "true"}, None, verdict("FAILED", 0, 2)),
        ({**REDSHIFT, "currencies": {"BTC": "SUCCEEDED"}}, None, verdict("FAILED", 0, 2)),
        (outcome("redshift", BTC="RUNNING", XMR="SUCCEEDED"), None, verdict("PARTLY LOADED", 1, 1)),
        (outcome("gold", BTC="SUCCEEDED", XMR="SUCCEEDED"), None, verdict("FAILED", 0, 2)),
        (outcome("redshift", BTC="SUCCEEDED", OTHER="SUCCEEDED"), None, verdict("PARTLY LOADED", 1, 1)),
        (REDSHIFT, NOTE, verdict("FAILED", 0, 2)),
        (REDSHIFT, {**NOTE, "ticker": "ETH"}, verdict("LOADED", 2, 0)),
        (None, None, verdict("FAILED", 0, 2)),
    ],
)
def test_a_currency_is_loaded_only_by_a_complete_outcome_of_the_last_step(
    found: Any, note: Any, expected: Mapping[str, Any], tmp_path: Path
) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.put_json("lists/e.json", listed(item("BTC"), item("XMR"), {}))
    if found is not None:
        lake.put_json("outcomes/e/redshift/BTC.json", found)
    if note is not None:
        lake.put_json("outcomes/e/failures/x.json", note)
    assert lake.summarize() == expected


def test_an_execution_without_currencies_has_nothing_to_do(lake: Lake) -> None:
    lake.put_json("lists/e.json", listed())
    assert lake.summarize() == verdict("NOTHING TO DO", 0, 0)
    assert lake.json("outcomes/e/summary.json") == {"outcomes": [], "failures": []}
    lake.put_json("lists/e.json", listed(refused={"BTC": "empty"}))
    assert lake.summarize() == verdict("FAILED", 0, 1)


@pytest.mark.parametrize("name", ["clear_buckets", "summarize"])
def test_a_script_for_a_python_shell_is_valid_in_its_version_and_imports_nothing_beside_it(name: str) -> None:
    source = (ROOT / "glue_scripts" / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    beside = {path.stem for path in (ROOT / "glue_scripts").glob("*.py")}
    assert not imported & beside
