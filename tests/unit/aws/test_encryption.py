"""Keys that the roles of a deploy could not use are errors, each with the setting to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from cryptoetl.aws.encryption import Encryption
from cryptoetl.aws.session import Identity, Session
from cryptoetl.config.models import Config

PLACE = "arn:aws:kms:eu-central-1:123456789012:"
OWN, OTHER = f"{PLACE}key/0123abcd-own", f"{PLACE}key/4567abcd-other"
ALIASES = {f"{PLACE}alias/data": OWN, "alias/other": OTHER, OWN: OWN, "4567abcd-other": OTHER}


class FakeKms:
    def __init__(self, key: Mapping[str, Any] | str) -> None:
        self.key = key

    def describe_key(self, *, KeyId: str) -> Mapping[str, Any]:
        if isinstance(self.key, str):
            raise ClientError({"Error": {"Code": self.key, "Message": "no"}}, "DescribeKey")
        return {"KeyMetadata": {"Arn": ALIASES[KeyId], "KeyState": "Enabled", **self.key}}


class FakeS3:
    """Every bucket has this default key; "" if S3's own encrypts it."""

    def __init__(self, key: str) -> None:
        self.key = key

    def get_bucket_encryption(self, **_: str) -> Mapping[str, Any]:
        default = (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
            if self.key
            else {"SSEAlgorithm": "AES256"}
        )
        return {
            "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        }


class FakeSession:
    region = "eu-central-1"
    identity = Identity("123456789012", "arn:aws:iam::123456789012:user/me")

    def __init__(self, kms: FakeKms, s3: FakeS3) -> None:
        self.clients = {"kms": kms, "s3": s3}

    def client(self, service: str) -> object:
        return self.clients[service]


def encryption(
    kms_key: str | None, *, kms: Mapping[str, Any] | str | None = None, bucket: str = ""
) -> Encryption:
    aws = {"kms_key": kms_key, "buckets": {"raw": "my-raw"}}
    currency = {"ticker": "BTC", "history": "a.csv", "trend": "b.csv"}
    config = Config.model_validate({"aws": aws, "currencies": [currency]})
    session = FakeSession(FakeKms({} if kms is None else kms), FakeS3(bucket))
    return Encryption(config, cast("Session", session))


@pytest.mark.parametrize(
    ("kms", "severity", "why"),
    [
        ("NotFoundException", "error", "does not exist"),
        ("AccessDeniedException", "note", "not verified"),
        ({"KeyState": "PendingDeletion"}, "error", "is not enabled: PendingDeletion"),
        ({"KeySpec": "RSA_2048"}, "error", "is not symmetric"),
    ],
)
def test_a_key_that_cannot_encrypt_is_named(kms: Any, severity: str, why: str) -> None:
    (notice,) = encryption(OWN, kms=kms).key()
    assert notice.severity == severity
    assert why in notice.message


def test_a_key_of_another_region_is_an_error() -> None:
    (notice,) = encryption("arn:aws:kms:eu-west-1:123456789012:key/1").key()
    assert "(aws.kms_key) is in eu-west-1" in notice.message


def test_an_enabled_key_and_no_key_have_no_notice() -> None:
    assert [*encryption(OWN).key(), *encryption(None).key()] == []


@pytest.mark.parametrize(
    "bucket", ["", OWN, OWN.rpartition("/")[2], f"{PLACE}alias/data", f"{PLACE}alias/aws/s3"]
)
def test_a_bucket_under_the_configured_key_or_aws_own_has_no_notice(bucket: str) -> None:
    assert list(encryption(OWN, bucket=bucket).named({"my-raw": "ours"})) == []


@pytest.mark.parametrize("bucket", [OTHER.rpartition("/")[2], "alias/other"])
@pytest.mark.parametrize("kms_key", [None, OWN])
def test_a_bucket_under_another_key_is_an_error(bucket: str, kms_key: str | None) -> None:
    (notice,) = encryption(kms_key, bucket=bucket).named({"my-raw": "ours"})
    assert notice.severity == "error"
    assert notice.message.startswith(f"the bucket my-raw (aws.buckets.raw) is encrypted with the key {OTHER}")
    assert ("which is now" in notice.message) == (kms_key is not None)


def test_a_bucket_that_is_not_there_is_not_asked() -> None:
    assert list(encryption(None, bucket=OTHER).named({"my-raw": "missing"})) == []
