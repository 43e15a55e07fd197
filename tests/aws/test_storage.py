"""Large files on the emulated S3: multipart uploads are whole, verified, or aborted."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptoetl.aws.session import Session
from cryptoetl.aws.storage import AwsStorage, Limits
from cryptoetl.config.aws import Aws
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError, EnvironmentFault, Interrupted
from cryptoetl.raw_files.fingerprints import fingerprint
from cryptoetl.target.storage import About
from tests.aws.account import BUCKET, Account

CONFIG = Config.model_validate(
    {
        "target": "aws",
        "aws": {"region": "eu-central-1"},
        "currencies": [{"ticker": "BTC", "history": "h", "trend": "t"}],
    }
)


@pytest.fixture
def storage(account: Account) -> AwsStorage:
    """A storage that uploads every file in parts."""
    s3 = account.emulator.client("s3")
    location = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket=BUCKET.format("raw"), CreateBucketConfiguration=location)
    session = Session(Aws(region="eu-central-1"), region=None, profile=None, warn=print)
    return AwsStorage(CONFIG, session, Limits(whole=0, part=5 * 1024 * 1024))


def test_a_large_file_is_sent_in_parts_and_recognized_again(
    storage: AwsStorage, account: Account, tmp_path: Path
) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(bytes(range(256)) * 25_000)
    found, parts = fingerprint(source), list[int]()
    storage.put("BTC/history.csv", source, found.sha256, parts.append, about=About(name="größe.csv"))
    assert parts == [5 * 1024 * 1024, 6_400_000 - 5 * 1024 * 1024]
    listed = storage.listing({"BTC/history.csv", "XMR/history.csv"})
    assert list(listed) == ["BTC/history.csv"]
    assert listed["BTC/history.csv"].size == found.size
    assert listed["BTC/history.csv"].md5 != found.md5  # an object in parts has another ETag
    assert storage.sha256("BTC/history.csv") == found.sha256
    s3 = account.emulator.client("s3")
    head = s3.head_object(Bucket=BUCKET.format("raw"), Key="BTC/history.csv", ChecksumMode="ENABLED")
    assert head["Metadata"] == {"sha256": found.sha256, "filename": "gr%C3%B6%C3%9Fe.csv"}
    assert (
        account.emulator.client("s3")
        .get_object(Bucket=BUCKET.format("raw"), Key="BTC/history.csv")["Body"]
        .read()
        == source.read_bytes()
    )


@pytest.mark.parametrize("size", [10, 6_000_000])
def test_a_summary_is_stored_with_the_file(
    storage: AwsStorage, account: Account, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "history.csv"
    source.write_bytes(b"x" * size)
    long = f"[{'1,' * 890}1]"
    sha256 = fingerprint(source).sha256
    storage.put("BTC/history.csv", source, sha256, lambda _: None, about=About(summary=long))
    assert storage.summary("BTC/history.csv") == long
    storage.put("BTC/history.csv", source, sha256, lambda _: None)
    assert storage.summary("BTC/history.csv") is None
    assert storage.summary("XMR/history.csv") is None


def pending_uploads(account: Account) -> list[str]:
    found = account.emulator.client("s3").list_multipart_uploads(Bucket=BUCKET.format("raw"))
    return [upload["Key"] for upload in found.get("Uploads", ())]


@pytest.mark.parametrize("size", [1_000, 5 * 1024 * 1024, 6_000_000, 10 * 1024 * 1024])
def test_a_large_file_that_changed_meanwhile_leaves_nothing(
    storage: AwsStorage, account: Account, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(b"x" * size)
    with pytest.raises(EnvironmentFault, match="was changed while it was being uploaded"):
        storage.put("BTC/history.csv", source, "00" * 32, lambda _: None)
    assert storage.listing({"BTC/history.csv"}) == {}
    assert storage.sha256("BTC/history.csv") is None
    assert pending_uploads(account) == []


def test_a_cancelled_upload_ends_after_a_part_and_is_aborted(
    storage: AwsStorage, account: Account, tmp_path: Path
) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(b"x" * 11_000_000)

    def cancel(part: int) -> None:
        raise Interrupted("the upload was cancelled")

    account.emulator.calls.clear()
    with pytest.raises(Interrupted, match="the upload was cancelled"):
        storage.put("BTC/history.csv", source, fingerprint(source).sha256, cancel)
    assert storage.listing({"BTC/history.csv"}) == {}
    assert pending_uploads(account) == []
    assert sum(call.startswith("Put") for call in account.emulator.calls) == 1


def test_a_refused_part_is_reported_and_the_upload_is_aborted(
    storage: AwsStorage, account: Account, tmp_path: Path
) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(b"x" * 11_000_000)
    account.emulator.denied[f"Put /{BUCKET.format('raw')}/BTC/history.csv"] = (
        "AccessDenied",
        "Access Denied",
    )
    with pytest.raises(AwsError) as refusal:
        storage.put("BTC/history.csv", source, fingerprint(source).sha256, lambda _: None)
    assert refusal.value.aws_code == "AccessDenied"
    assert pending_uploads(account) == []
