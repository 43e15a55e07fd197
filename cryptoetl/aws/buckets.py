"""The artifacts bucket, and what can be done with any bucket: read, write, empty, delete.

It is made before the stack, which needs its content, and therefore not by the stack.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, is_denied, is_missing, translating
from cryptoetl.errors import AwsError

BATCH = 1000
"""Keys that one DeleteObjects request takes."""
OLD_VERSIONS_DAYS = 30
TLS_ONLY = "TlsOnly"
"""Name of the only statement in the policies that we give buckets."""


class Buckets:
    """Buckets of one account in one region. Methods raise AwsError."""

    def __init__(self, client: Any, account: str, region: str, partition: str) -> None:
        self._s3 = client
        self._account = account
        self._region = region
        self._partition = partition

    def look(self, bucket: str) -> Literal["ours", "missing", "foreign"]:
        """Whether the bucket is there; "foreign" if it is another account's, or must not be seen."""
        try:
            self._s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if is_missing(error):
                return "missing"
            if is_denied(error):
                return "foreign"
            with translating():
                raise
        return "ours"

    def let_go(self, bucket: str) -> None:
        """Delete the policy that a removed stack left on a bucket: a new stack cannot make it again."""
        with translating():
            try:
                policy = json.loads(self._s3.get_bucket_policy(Bucket=bucket)["Policy"])
            except ClientError as error:
                if code(error) == "NoSuchBucketPolicy":
                    return
                raise
            if [statement.get("Sid") for statement in policy["Statement"]] == [TLS_ONLY]:
                self._s3.delete_bucket_policy(Bucket=bucket, ExpectedBucketOwner=self._account)

    def ensure(self, bucket: str, tags: Mapping[str, str]) -> None:
        """Create the bucket if it is missing: private, encrypted, versioned, over TLS only."""
        location = (
            {} if self._region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        )  # fmt: skip
        arn = f"arn:{self._partition}:s3:::{bucket}"
        tls_only = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": TLS_ONLY,
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
        rule = {
            "ID": "old-versions",
            "Status": "Enabled",
            "Filter": {},
            "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSIONS_DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
        with translating():
            if self.look(bucket) == "missing":
                self._s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced", **location)
            # Said again each time: a deploy that was cut off here is mended by the next one.
            self._s3.put_public_access_block(
                Bucket=bucket,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )
            self._s3.put_bucket_encryption(
                Bucket=bucket,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
            )
            self._s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(tls_only))
            self._s3.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
            )
            if tags:
                tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
                self._s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_set})
            else:
                self._s3.delete_bucket_tagging(Bucket=bucket)

    def read(self, bucket: str, key: str) -> bytes | None:
        """The object's content; None if the object or the bucket is missing."""
        try:
            with translating():
                body: bytes = self._s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self._account)[
                    "Body"
                ].read()
        except Exception as error:
            if isinstance(error.__cause__, ClientError) and is_missing(error.__cause__):
                return None
            raise
        return body

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Store the object, unless it is there with this very content."""
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with translating():
            if self._checksum(bucket, key) != checksum:
                self._s3.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=body,
                    ChecksumSHA256=checksum,
                    ExpectedBucketOwner=self._account,
                )

    def _checksum(self, bucket: str, key: str) -> str | None:
        try:
            head = self._s3.head_object(
                Bucket=bucket, Key=key, ChecksumMode="ENABLED", ExpectedBucketOwner=self._account
            )
        except ClientError as error:
            if is_missing(error) or is_denied(error):  # denied, if listing is: it may be missing
                return None
            raise
        checksum: str | None = head.get("ChecksumSHA256")
        return checksum

    def empty(self, bucket: str) -> None:
        """Delete every version of every object, and every mark of a deletion, unless the bucket is gone."""
        with translating(), _unless_gone():
            # Always the first page: a marker that names what has just been deleted leads nowhere.
            while batch := self._first_versions(bucket):
                answer = self._s3.delete_objects(
                    Bucket=bucket,
                    Delete={"Objects": batch, "Quiet": True},
                    ExpectedBucketOwner=self._account,
                )
                for error in answer.get("Errors", ()):
                    raise AwsError(
                        f"s3://{bucket}/{error.get('Key')} was not deleted: {error.get('Message')}"
                    )

    def _first_versions(self, bucket: str) -> list[dict[str, str]]:
        page = self._s3.list_object_versions(Bucket=bucket, MaxKeys=BATCH, ExpectedBucketOwner=self._account)
        return [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for item in page.get(kind, ())
        ]

    def delete(self, bucket: str) -> None:
        """Delete the empty bucket; nothing if it is gone already."""
        with translating(), _unless_gone():
            self._s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=self._account)


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Inside, a missing bucket ends the work: whoever removes the stack beside us may take it any time."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise
