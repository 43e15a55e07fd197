"""The artifacts bucket, and what can be done with any bucket: read, write, empty, delete.

The stack cannot create the artifacts bucket, because CloudFormation reads the template from it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import is_denied, is_missing, translating
from cryptoetl.aws.session import Session
from cryptoetl.errors import AwsError
from cryptoetl.state_machine.groups import EXECUTION_LISTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import (
        BucketLifecycleConfigurationTypeDef,
        CreateBucketRequestTypeDef,
        ObjectIdentifierTypeDef,
        PublicAccessBlockConfigurationTypeDef,
        ServerSideEncryptionConfigurationUnionTypeDef,
    )

BATCH = 1000
"""Keys in one DeleteObjects request (API Reference, DeleteObjects)."""
OLD_VERSIONS_DAYS = 30
TLS_ONLY = "TlsOnly"
"""Name of the only statement in the bucket's policy, as in those of the stack's buckets."""

Owner = Literal["ours", "missing", "foreign"]

_PRIVATE: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_LIFECYCLE: BucketLifecycleConfigurationTypeDef = {
    "Rules": [
        {
            "ID": "old-versions",
            "Status": "Enabled",
            "Filter": {},
            "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSIONS_DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "lists-of-executions",
            "Status": "Enabled",
            "Filter": {"Prefix": f"{EXECUTION_LISTS}/"},
            "Expiration": {"Days": 90},
        },
    ]
}


class Buckets:
    """Buckets of one account in one region. Methods raise AwsError."""

    def __init__(self, client: S3Client, account: str, region: str, partition: str) -> None:
        self._s3 = client
        self._account = account
        self._region = region
        self._partition = partition

    @classmethod
    def of(cls, session: Session) -> Buckets:
        """Return the buckets of the session's account and region."""
        identity = session.identity
        return cls(session.client("s3"), identity.account, session.region, identity.partition)

    def owner(self, bucket: str) -> Owner:
        """Return whose bucket it is; "foreign" if another account's, or not visible to the caller."""
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

    def create(self, bucket: str) -> None:
        """Create the bucket, without access-control lists."""
        request: CreateBucketRequestTypeDef = {"Bucket": bucket, "ObjectOwnership": "BucketOwnerEnforced"}
        if self._region != "us-east-1":
            location = cast("BucketLocationConstraintType", self._region)
            request["CreateBucketConfiguration"] = {"LocationConstraint": location}
        with translating():
            self._s3.create_bucket(**request)

    def configure(self, bucket: str, tags: Mapping[str, str], kms_key: str | None) -> None:
        """Make the bucket private, encrypted, versioned and accessible over TLS only. Idempotent."""
        encrypted = _encrypted(kms_key)
        with translating():
            self._s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_PRIVATE)
            self._s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=encrypted)
            self._s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(self._tls_only(bucket)))
            self._s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=_LIFECYCLE)
            if tags:
                self._s3.put_bucket_tagging(
                    Bucket=bucket,
                    Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]},
                )
            else:
                self._s3.delete_bucket_tagging(Bucket=bucket)

    def _tls_only(self, bucket: str) -> Mapping[str, Any]:
        arn = f"arn:{self._partition}:s3:::{bucket}"
        statement = {
            "Sid": TLS_ONLY,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return the object's content; None if the object or the bucket is missing."""
        with translating():
            try:
                found = self._s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self._account)
            except ClientError as error:
                if is_missing(error):
                    return None
                raise
            body: bytes = found["Body"].read()
        return body

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Store the object, unless it has this content already."""
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
            if is_missing(error) or is_denied(error):  # denied: without s3:ListBucket also for a missing one
                return None
            raise
        checksum: str | None = head.get("ChecksumSHA256")
        return checksum

    def remove(self, bucket: str) -> bool:
        """Empty and delete the bucket; return False if it does not exist."""
        with translating():
            try:
                self._empty(bucket, "")
                self._s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=self._account)
            except ClientError as error:
                if not is_missing(error):
                    raise
                return False
        return True

    def empty(self, bucket: str, prefix: str = "") -> None:
        """Delete every version and delete marker of every object whose key begins with `prefix`.

        Nothing is done if the bucket does not exist.
        """
        with translating():
            try:
                self._empty(bucket, prefix)
            except ClientError as error:
                if not is_missing(error):
                    raise

    def _empty(self, bucket: str, prefix: str) -> None:
        # Always the first page: a marker that names a version that was just deleted ends the listing.
        while batch := self._first_versions(bucket, prefix):
            answer = self._s3.delete_objects(
                Bucket=bucket,
                Delete={"Objects": batch, "Quiet": True},
                ExpectedBucketOwner=self._account,
            )
            for error in answer.get("Errors", ()):
                raise AwsError(f"s3://{bucket}/{error.get('Key')} was not deleted: {error.get('Message')}")

    def _first_versions(self, bucket: str, prefix: str) -> list[ObjectIdentifierTypeDef]:
        page = self._s3.list_object_versions(
            Bucket=bucket, Prefix=prefix, MaxKeys=BATCH, ExpectedBucketOwner=self._account
        )
        return [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]


def _encrypted(kms_key: str | None) -> ServerSideEncryptionConfigurationUnionTypeDef:
    """Return the default encryption of the buckets in the stack, as S3's API writes it."""
    if kms_key is None:
        return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    return {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key},
                "BucketKeyEnabled": True,
            }
        ]
    }
