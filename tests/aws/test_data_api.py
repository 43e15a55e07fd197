"""Statements through the Redshift Data API: polling, pages, values, failures, cancelling."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from cryptoetl.aws import data_api
from cryptoetl.aws.data_api import DataApi, Place
from cryptoetl.errors import AwsError, Interrupted, QueryError
from tests.aws.redshift_data import FakeRedshiftData, Result

PLACE: Place = {"WorkgroupName": "my-etl-workgroup", "Database": "crypto"}


class Clock:
    """A clock that advances only in `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake() -> FakeRedshiftData:
    return FakeRedshiftData()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(fake: FakeRedshiftData, clock: Clock) -> DataApi:
    return DataApi(fake.client(), PLACE, sleep=clock.sleep, clock=clock)


def numbers(count: int, **options: Any) -> Result:
    return Result([("n", "int4")], [[{"longValue": n}] for n in range(count)], **options)


def test_a_statement_runs_in_the_configured_place_without_a_password(
    fake: FakeRedshiftData, api: DataApi
) -> None:
    api.run("SELECT 1")
    (statement,) = fake.statements.values()
    request = dict(statement.request)
    assert request.pop("ClientToken"), "from the SDK, so that a retried request is not a second statement"
    assert request == {"Sql": "SELECT 1", "StatementName": "cryptoetl", **PLACE}


def test_pages_are_fetched_as_they_are_read(fake: FakeRedshiftData, api: DataApi) -> None:
    fake.results["SELECT n"] = numbers(7)
    assert [n for (n,) in api.run("SELECT n").rows()] == list(range(7))
    assert fake.calls.count("GetStatementResult") == 4
    rows = api.run("SELECT n").rows()
    assert [next(rows), next(rows), next(rows)] == [(0,), (1,), (2,)]
    assert fake.calls.count("GetStatementResult") == 4 + 2


def test_a_long_statement_is_polled_less_and_less_often(
    fake: FakeRedshiftData, api: DataApi, clock: Clock
) -> None:
    fake.results["SELECT n"] = numbers(1, polls=30)
    assert list(api.run("SELECT n").rows()) == [(0,)]
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[0] == data_api.FIRST_WAIT
    assert clock.slept[-1] == data_api.LONGEST_WAIT


def test_a_statement_without_rows_has_no_result_to_fetch(fake: FakeRedshiftData, api: DataApi) -> None:
    answer = api.run("GRANT x")
    assert (answer.columns, list(answer.rows())) == ((), [])
    assert "GetStatementResult" not in fake.calls


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("date", {"stringValue": "2024-02-29"}, date(2024, 2, 29)),
        ("timestamp", {"stringValue": "2024-02-29 12:30:01.5"}, datetime(2024, 2, 29, 12, 30, 1, 500_000)),  # noqa: DTZ001 - the type has no time zone
        ("time", {"stringValue": "12:30:01"}, time(12, 30, 1)),
        (
            "numeric",
            {"stringValue": "12345678901234567890.123456789"},
            Decimal("12345678901234567890.123456789"),
        ),
        ("int8", {"longValue": 2**53 + 1}, 2**53 + 1),
        ("float8", {"doubleValue": 0.1}, 0.1),
        ("float4", {"doubleValue": 6.1}, 6.1),
        ("bool", {"booleanValue": False}, False),
        ("varchar", {"stringValue": "Ünïcode – 比特币 🚀\n\"'"}, "Ünïcode – 比特币 🚀\n\"'"),
        ("varchar", {"stringValue": ""}, ""),
        ("varchar", {"stringValue": "2024-02-29"}, "2024-02-29"),
        ("date", {"stringValue": "infinity"}, "infinity"),
        ("date", {"isNull": True}, None),
        ("varbyte", {"blobValue": b"\x00\xff"}, b"\x00\xff"),
    ],
)
def test_a_value_has_its_python_type(
    kind: str, value: dict[str, Any], expected: object, fake: FakeRedshiftData, api: DataApi
) -> None:
    fake.results["SELECT x"] = Result([("x", kind)], [[value]])
    ((found,),) = api.run("SELECT x").rows()
    assert found == expected
    assert found.__class__ is expected.__class__


def test_a_failed_statement_raises_its_reason(fake: FakeRedshiftData, api: DataApi) -> None:
    fake.results["SELECT x"] = Result(
        status="FAILED", error='ERROR: relation "x" does not exist\n  Position: 8'
    )
    with pytest.raises(QueryError) as failure:
        api.run("SELECT x")
    assert failure.value.message == 'Redshift: relation "x" does not exist Position: 8'


def test_a_denied_read_hints_at_the_grants(fake: FakeRedshiftData, api: DataApi) -> None:
    fake.results["SELECT x"] = Result(
        status="FAILED", error="ERROR: permission denied for schema market_data"
    )
    with pytest.raises(QueryError) as failure:
        api.run("SELECT x")
    assert "aws.redshift.grants" in (failure.value.hint or "")


def test_a_statement_that_was_cancelled_elsewhere_is_reported_as_cancelled(
    fake: FakeRedshiftData, api: DataApi
) -> None:
    fake.results["SELECT x"] = Result(status="ABORTED", error="Query cancelled on user's request")
    with pytest.raises(QueryError, match="the statement was cancelled in Redshift: Query cancelled"):
        api.run("SELECT x")


def test_a_batch_is_split_by_forty_and_raises_the_reason_of_the_part_that_failed(
    fake: FakeRedshiftData, api: DataApi
) -> None:
    api.run_all([f"S{n}" for n in range(90)])
    assert [len(statement.sql) for statement in fake.statements.values()] == [40, 40, 10]
    fake.results["S2"] = Result(status="FAILED", error="ERROR: no")
    with pytest.raises(QueryError, match=r"^Redshift: no$"):
        api.run_all(["S1", "S2", "S3"])


def test_a_statement_that_takes_too_long_is_cancelled(fake: FakeRedshiftData, clock: Clock) -> None:
    fake.results["SELECT x"] = Result(polls=10**6)
    api = DataApi(fake.client(), PLACE, sleep=clock.sleep, clock=clock)
    with pytest.raises(QueryError, match="it had no result after 60 seconds"):
        api.run("SELECT x", timeout=60)
    assert [statement.cancelled for statement in fake.statements.values()] == [True]
    assert 60 <= clock.now < 70


def test_a_reading_statement_is_cancelled_when_its_time_is_over(
    fake: FakeRedshiftData, api: DataApi, clock: Clock
) -> None:
    fake.results["BEGIN READ ONLY"] = Result(polls=5)
    fake.results["SELECT x"] = Result(polls=10**6)
    with pytest.raises(QueryError) as failure:
        api.run_reading("SELECT x", 60)
    assert failure.value.message == (
        "the statement was cancelled in Redshift: it had no result after 60 seconds"
    )
    assert "--timeout 30m" in (failure.value.hint or "")
    assert [statement.cancelled for statement in fake.statements.values()] == [False, True, False]
    assert fake.sent == ["BEGIN READ ONLY", "SELECT x", "ROLLBACK"]
    assert clock.now == pytest.approx(60), "for the three statements together"


def test_a_late_statement_that_cannot_be_cancelled_is_reported_by_id(
    fake: FakeRedshiftData, api: DataApi
) -> None:
    fake.results["SELECT x"] = Result(polls=10**6)
    fake.refusals = [("CancelStatement", "InternalServerException", "no")]
    with pytest.raises(QueryError, match=r"the statement \S+ may continue in Redshift, .* after 60 seconds"):
        api.run_reading("SELECT x", 60)


def test_an_interruption_cancels_the_statement_on_the_server(fake: FakeRedshiftData, api: DataApi) -> None:
    def press_ctrl_c() -> None:
        if fake.calls.count("DescribeStatement") == 2:
            raise KeyboardInterrupt

    fake.on_poll = press_ctrl_c
    with pytest.raises(Interrupted, match="cancelled on the server"):
        api.run("SELECT 1")
    assert [statement.cancelled for statement in fake.statements.values()] == [True]


def test_an_interruption_that_cannot_cancel_reports_that(fake: FakeRedshiftData, api: DataApi) -> None:
    def press_ctrl_c() -> None:
        raise KeyboardInterrupt

    fake.on_poll = press_ctrl_c
    fake.refusals = [("CancelStatement", "InternalServerException", "no")]
    with pytest.raises(Interrupted, match="may continue in Redshift"):
        api.run("SELECT 1")


def test_too_many_statements_at_once_are_waited_for(
    fake: FakeRedshiftData, api: DataApi, clock: Clock
) -> None:
    busy = ("ExecuteStatement", "ActiveStatementsExceededException", "Active statements exceeded the limit")
    fake.refusals = [busy, busy]
    api.run("SELECT 1")
    assert clock.slept[:2] == [1.0, 2.0]
    assert fake.sent == ["SELECT 1"]


@pytest.mark.parametrize("operation", ["ExecuteStatement", "DescribeStatement", "GetStatementResult"])
def test_what_aws_refuses_is_an_aws_error(operation: str, fake: FakeRedshiftData, api: DataApi) -> None:
    fake.results["SELECT n"] = numbers(1)
    fake.refusals = [(operation, "ValidationException", "something is wrong")]
    with pytest.raises(AwsError, match="something is wrong"):
        api.run("SELECT n")


def test_the_sdk_retries_throttled_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    answers = [(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})] * 3
    answers += [(200, {"Id": "x", "Status": "FINISHED"})] * 2

    def send(request: Any, **_: Any) -> AWSResponse:
        status, body = answers.pop(0)
        raw = BytesIO(json.dumps(body).encode())
        raw.stream = lambda **_: iter([raw.getvalue()])  # type: ignore[attr-defined]
        headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.1"})
        return AWSResponse(request.url, status, headers, raw)

    def client() -> Any:
        made = boto3.client(
            "redshift-data",
            region_name="eu-central-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(retries={"mode": "standard", "total_max_attempts": 5}),
        )
        made.meta.events.register("before-send.redshift-data.*", cast("Any", send))
        return made

    DataApi(client(), PLACE, sleep=lambda seconds: None).run("SELECT 1")
    assert answers == []
    answers[:] = [(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})] * 5
    with pytest.raises(AwsError, match="AWS throttles the requests"):
        DataApi(client(), PLACE, sleep=lambda seconds: None).run("SELECT 1")


def test_reading_uses_a_read_only_transaction_and_ends_it(fake: FakeRedshiftData, api: DataApi) -> None:
    fake.results["SELECT n"] = numbers(3)
    assert len(list(api.run_reading("SELECT n", 60).rows())) == 3
    assert fake.sent == ["BEGIN READ ONLY", "SELECT n", "ROLLBACK"]
    begin, select, rollback = fake.statements.values()
    assert begin.request["SessionKeepAliveSeconds"] == data_api.KEEP_ALIVE_SECONDS
    assert select.request["SessionId"] == rollback.request["SessionId"]


def test_the_transaction_ends_when_the_statement_fails(fake: FakeRedshiftData, api: DataApi) -> None:
    fake.results["SELECT n"] = Result(status="FAILED", error="ERROR: no")
    with pytest.raises(QueryError):
        api.run_reading("SELECT n", 60)
    assert fake.sent[-1] == "ROLLBACK"
