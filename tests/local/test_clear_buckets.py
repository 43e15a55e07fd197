"""The Clean step deletes the sets that a run will write again, and nothing of other currencies."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cryptoetl.local.glue.engine import run_script
from tests.local.scripts import ROOT, arguments, script

clear_buckets = script("clear_buckets")
SETS = [
    f"{place}/{name}"
    for ticker in ("BTC", "BTC2", "BT", "XMR")
    for place, name in (
        ("silver", f"{ticker}_hist"),
        ("silver", f"{ticker}_trend"),
        ("gold", ticker),
        ("raw", ticker),
    )
]
BAD_TICKERS = {
    "not JSON": ("{", r"TICKERS is not JSON: .*"),
    "a list": ('["BTC"]', "TICKERS is not an object of tickers"),
    "null": ("null", "TICKERS is not an object of tickers"),
    "an empty name": ('{"": {}}', "TICKERS: '' is not a ticker: a letter, then .*"),
    "a path": ('{"../BTC": {}}', "TICKERS: '../BTC' is not a ticker: a letter, then .*"),
    "a folder above": ('{"..": {}}', "TICKERS: '..' is not a ticker: a letter, then .*"),
    "a newline": ('{"BTC\\n": {}}', r"TICKERS: 'BTC\\n' is not a ticker: a letter, then .*"),
    "too long a name": (
        '{"ABCDEFGHIJKLMNOP": {}}',
        "TICKERS: 'ABCDEFGHIJKLMNOP' is not a ticker: .* at most 15",
    ),
    "a step alone": ('{"BTC": "silver"}', 'TICKERS: BTC needs {"from": "silver", "gold" or "redshift"}'),
    "an unknown step": (
        '{"BTC": {"from": "raw"}}',
        'TICKERS: BTC needs {"from": "silver", "gold" or "redshift"}',
    ),
    "a null step": ('{"BTC": {"from": null}}', 'TICKERS: BTC needs {"from": "silver", "gold" or "redshift"}'),
}


class Folders:
    """A lake in folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in SETS:
            for part in ("part-0.parquet", "nested/part-1.parquet"):
                path = folder / name / part
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"rows")

    def uri(self, place: str) -> str:
        return (self._folder / place).as_uri()

    def sets(self) -> set[str]:
        """Return the sets that still have a file."""
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        return {"/".join(path.relative_to(self._folder).parts[:2]) for path in files}


class Buckets:
    """The same lake in S3."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")
        for place in ("raw", "silver", "gold"):
            self._s3.create_bucket(
                Bucket=f"crypto-{place}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        for name in SETS:
            place, _, key = name.partition("/")
            for part in ("part-0.parquet", "nested/part-1.parquet"):
                self._s3.put_object(Bucket=f"crypto-{place}", Key=f"lake/{key}/{part}", Body=b"rows")

    def uri(self, place: str) -> str:
        return f"s3://crypto-{place}/lake"

    def sets(self) -> set[str]:
        return {
            f"{place}/{item['Key'].split('/')[1]}"
            for place in ("raw", "silver", "gold")
            for item in self._s3.list_objects_v2(Bucket=f"crypto-{place}").get("Contents", [])
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.fixture(params=["folders", "buckets"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Folders | Buckets:
    if request.param == "folders":
        return Folders(tmp_path / "a [lake] %20")
    request.getfixturevalue("aws")
    return Buckets()


def clean(store: Folders | Buckets, tickers: str) -> None:
    options = {"--SILVER": store.uri("silver"), "--GOLD": store.uri("gold"), "--TICKERS": tickers}
    run_script(clear_buckets, arguments(options))


@pytest.mark.parametrize(
    ("start", "cleared"),
    [
        ({"from": "silver"}, {"silver/BTC_hist", "silver/BTC_trend", "gold/BTC"}),
        ({}, {"silver/BTC_hist", "silver/BTC_trend", "gold/BTC"}),
        ({"from": "gold"}, {"gold/BTC"}),
        ({"from": "redshift"}, set()),
    ],
)
def test_the_sets_of_a_currencys_first_step_and_later_ones_are_deleted(
    start: dict[str, str], cleared: set[str], store: Folders | Buckets
) -> None:
    clean(store, json.dumps({"BTC": start}))
    assert store.sets() == set(SETS) - cleared


def test_several_currencies_each_from_their_own_step(store: Folders | Buckets) -> None:
    clean(store, '{"BTC2": {"from": "gold"}, "XMR": {}, "BT": {"from": "redshift"}}')
    assert store.sets() == set(SETS) - {"gold/BTC2", "silver/XMR_hist", "silver/XMR_trend", "gold/XMR"}


def test_an_empty_lake_is_not_an_error(store: Folders | Buckets) -> None:
    for _ in range(2):
        clean(store, '{"BTC": {}, "NEW": {}}')
    clean(store, "{}")
    assert store.sets() == set(SETS) - {"silver/BTC_hist", "silver/BTC_trend", "gold/BTC"}


@pytest.mark.parametrize("name", BAD_TICKERS)
def test_invalid_tickers_delete_nothing(name: str, store: Folders | Buckets) -> None:
    tickers, message = BAD_TICKERS[name]
    with pytest.raises(ValueError, match=f"^{message.replace('{', '[{]')}$"):
        clean(store, tickers)
    assert store.sets() == set(SETS)


def test_an_invalid_currency_keeps_valid_ones_from_being_deleted(store: Folders | Buckets) -> None:
    with pytest.raises(ValueError, match="XMR needs"):
        clean(store, '{"BTC": {}, "XMR": {"from": "bronze"}}')
    assert store.sets() == set(SETS)


def test_a_uri_that_is_neither_s3_nor_a_folder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^hdfs://gold/BTC/ is neither s3:// nor file://$"):
        clear_buckets.clear("hdfs://gold/BTC/", None)


@pytest.mark.usefixtures("aws")
class TestBuckets:
    def fill(self, count: int) -> Any:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="gold", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for number in range(count):
            s3.put_object(Bucket="gold", Key=f"BTC/part-{number:05}.parquet", Body=b"")
        s3.put_object(Bucket="gold", Key="BTC2/part-0.parquet", Body=b"")
        return s3

    def test_more_objects_than_fit_into_one_request_are_all_deleted(self) -> None:
        s3 = self.fill(1001)
        assert clear_buckets.clear("s3://gold/BTC/", s3) == 1001
        assert [item["Key"] for item in s3.list_objects_v2(Bucket="gold")["Contents"]] == [
            "BTC2/part-0.parquet"
        ]

    def test_an_object_that_cannot_be_deleted_fails_the_job_by_name(self) -> None:
        s3 = self.fill(3)

        def refuse(parsed: dict[str, Any], **_: Any) -> None:
            parsed["Errors"] = [
                {"Key": "BTC/part-00001.parquet", "Code": "AccessDenied", "Message": "Access Denied"}
            ]

        s3.meta.events.register("after-call.s3.DeleteObjects", refuse)
        with pytest.raises(RuntimeError) as failure:
            clear_buckets.clear("s3://gold/BTC/", s3)
        assert str(failure.value) == (
            "s3://gold/BTC/part-00001.parquet was not deleted: Access Denied (AccessDenied)"
        )


def test_the_script_is_valid_in_the_python_version_of_a_glue_python_shell() -> None:
    source = (ROOT / "glue_scripts" / "clear_buckets.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 9))
