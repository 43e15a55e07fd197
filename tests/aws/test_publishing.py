"""A published report: in the artifacts bucket, behind a link that ends."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import RefreshableCredentials

from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from tests.aws.account import BUCKET, Account
from tests.aws.emulator import KEYS

CONFIG = Config.model_validate(
    {
        "target": "aws",
        "aws": {"region": "eu-central-1"},
        "currencies": [{"ticker": "BTC", "history": "a.csv", "trend": "b.csv"}],
    }
)


def test_a_report_is_made_of_an_execution_on_aws_and_published(account: Account) -> None:
    loaded = account("up", "--yes", "--report", "up.html")
    assert loaded.code == 0, loaded.err
    outcome = account("report", "--publish", "--expires", "1h", "--output", "report.html", "--json")
    assert outcome.code == 0, outcome.err
    link = outcome.data["url"]
    name = outcome.data["execution"]
    key = f"reports/{name}.html"
    assert f"{BUCKET.format('artifacts')}/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256" in link
    assert "X-Amz-Expires=3600" in link
    ends = datetime.fromisoformat(outcome.data["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < ends <= timedelta(hours=1)
    with urllib.request.urlopen(link) as answer:
        page = answer.read()
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page == (account.project.folder / "report.html").read_bytes()
    text = page.decode()
    assert f"<title>LOADED: crypto {name}</title>" in text
    assert text.count('class="curve"') == 2
    assert text.count("equals gold") == 2
    assert "123456789012" not in text  # the account
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in text


@pytest.fixture
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("no_endpoint")
@pytest.mark.parametrize(
    ("region", "bucket", "address"),
    [
        ("us-east-1", "crypto-artifacts", "https://crypto-artifacts.s3.amazonaws.com/"),
        ("eu-central-1", "crypto-artifacts", "https://crypto-artifacts.s3.eu-central-1.amazonaws.com/"),
        ("eu-central-1", "crypto.artifacts", "https://s3.eu-central-1.amazonaws.com/crypto.artifacts/"),
    ],
)
def test_a_link_is_signed_for_the_region_of_the_bucket(region: str, bucket: str, address: str) -> None:
    client = Session(CONFIG.aws, region=region, profile=None, warn=pytest.fail).presigning(bucket)
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    assert url.startswith(f"{address}k?X-Amz-Algorithm=AWS4-HMAC-SHA256")


@pytest.mark.usefixtures("no_endpoint")
def test_a_link_ends_with_temporary_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(CONFIG.aws, region=None, profile=None, warn=pytest.fail)
    assert session.credentials_end() is None
    end = datetime.now(UTC) + timedelta(minutes=50)
    temporary = RefreshableCredentials("a", "b", "c", end, refresh_using=dict, method="test")
    monkeypatch.setattr(session._boto, "get_credentials", lambda: temporary)
    assert session.credentials_end() == end
