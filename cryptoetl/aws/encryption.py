"""Whether the roles of a deploy can use the keys that encrypt its buckets. Reads, and changes nothing.

A bucket under a customer's key refuses every reader and writer who may not use the key, a HeadObject with
checksums included (S3 User Guide, Using server-side encryption with AWS KMS keys).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from cryptoetl.aws.buckets import Owner
from cryptoetl.aws.errors import code, is_denied, translate
from cryptoetl.aws.session import Session
from cryptoetl.aws.stack import template as stack
from cryptoetl.config.models import Config
from cryptoetl.target.deployment import Notice

_MANAGED_BY_AWS = "alias/aws/s3"
"""Its key policy lets every user and role of the account use it through S3."""


class Encryption:
    """The keys of one configuration. Methods yield notices, and raise AwsError if AWS does not answer."""

    def __init__(self, config: Config, session: Session) -> None:
        self._buckets = config.aws.buckets
        self._key = config.aws.kms_key
        self._session = session

    def key(self) -> Iterator[Notice]:
        """Yield why S3 could not encrypt the buckets with `aws.kms_key`."""
        if self._key is None:
            return
        region = self._key.split(":")[3]
        if region != self._session.region:
            yield Notice(
                "error",
                f"the key {self._key} (aws.kms_key) is in {region}: S3 takes a key only for buckets of the "
                f"same region, which is {self._session.region}",
            )
            return
        try:
            found = self._session.client("kms").describe_key(KeyId=self._key)["KeyMetadata"]
        except ClientError as error:
            yield _concern(error, f"the key {self._key} (aws.kms_key) does not exist")
            return
        if found.get("KeyState") != "Enabled":
            yield Notice(
                "error", f"the key {self._key} (aws.kms_key) is not enabled: {found.get('KeyState')}"
            )
        elif found.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            yield Notice(
                "error", f"the key {self._key} (aws.kms_key) is not symmetric: S3 takes no other keys"
            )

    def named(self, owners: Mapping[str, Owner]) -> Iterator[Notice]:
        """Yield the named buckets whose key the roles may not use; `owners` has the owner of each."""
        for kind in stack.KINDS:
            name = getattr(self._buckets, kind)
            if name is not None and owners[name] == "ours":
                yield from self._of_bucket(kind, name)

    def _of_bucket(self, kind: str, name: str) -> Iterator[Notice]:
        try:
            answer = self._session.client("s3").get_bucket_encryption(
                Bucket=name, ExpectedBucketOwner=self._session.identity.account
            )
        except ClientError as error:
            if code(error) != "ServerSideEncryptionConfigurationNotFoundError":
                yield _concern(error, f"the bucket {name} (aws.buckets.{kind}) does not exist")
            return
        for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
            key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
            if key is not None and (arn := self._customers(key)) not in (None, self._key):
                yield Notice(
                    "error",
                    f"the bucket {name} (aws.buckets.{kind}) is encrypted with the key {arn}, which the "
                    "roles may not use: set aws.kms_key to its ARN"
                    + (f", which is now {self._key}: all buckets need the same key" if self._key else ""),
                )

    def _customers(self, key: str) -> str | None:
        """Return the ARN of a key that is given in any form; None if AWS manages it."""
        if key.endswith(_MANAGED_BY_AWS):
            return None
        if self._key is not None and self._key.endswith(f"/{key.rpartition('/')[2]}"):
            return self._key
        try:
            found = self._session.client("kms").describe_key(KeyId=key)["KeyMetadata"]
        except ClientError:
            return key  # the policy of a deployer has kms:DescribeKey for aws.kms_key alone
        return None if found.get("KeyManager") == "AWS" else found["Arn"]


def _concern(error: ClientError, absent: str) -> Notice:
    """Return an error if the thing is missing, a note if the caller may not read it."""
    if is_denied(error):
        return Notice("note", f"not verified: {translate(error).message}")
    if code(error) in ("NotFoundException", "NoSuchBucket"):
        return Notice("error", absent)
    raise translate(error) from error
