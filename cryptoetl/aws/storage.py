"""`target.Storage` on S3: the raw bucket.

A file up to `Limits.whole` bytes is one PutObject with its SHA-256, which S3 verifies and keeps; a larger
one is sent in parts. What is there is known from a listing: an object in one part has its MD5 as ETag, unless
it is encrypted with a key of KMS (S3 API Reference, Object). For the others of the right size HeadObject
returns the SHA-256; of an object in parts it only has a checksum of checksums, so that the file's own is
kept beside it as metadata (S3 User Guide, Checking object integrity).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, is_missing, translating
from cryptoetl.aws.session import Session, resolved
from cryptoetl.aws.stack import template as stacks
from cryptoetl.config.models import Config
from cryptoetl.errors import EnvironmentFault, NotDeployedError
from cryptoetl.target.storage import StoredFile, changed_meanwhile

_NAME = "sha256"
"""Name of our metadata."""


@dataclass(frozen=True)
class Limits:
    """Bytes of the largest file that is one PutObject, and of a larger one's parts (S3: at least 5 MiB)."""

    whole: int = 32 * 1024 * 1024
    part: int = 16 * 1024 * 1024


class AwsStorage:
    """The raw bucket of a configuration; methods may be called from several threads and raise AwsError."""

    def __init__(self, config: Config, session: Session, limits: Limits = Limits()) -> None:
        self._config = config
        self._session = session
        self._limits = limits

    def location(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, ExpectedBucketOwner=self._session.identity.account
        )
        with translating():
            try:
                return {
                    item["Key"]: StoredFile(item["Size"], item["ETag"].strip('"'))
                    for page in pages
                    for item in page.get("Contents", ())
                    if item["Key"] in keys
                }
            except ClientError as error:
                if is_missing(error):  # the bucket: `put` says what to do
                    return {}
                raise

    def sha256(self, key: str) -> str | None:
        with translating():
            try:
                head = self._s3.head_object(**self._object(key), ChecksumMode="ENABLED")
            except ClientError as error:
                if is_missing(error):
                    return None
                raise
        return _sha256(head)

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        name: str | None = None,
    ) -> None:
        # Metadata is ASCII (S3 User Guide, Working with object metadata).
        metadata = {"filename": quote(name)} if name is not None else {}
        with translating():
            try:
                if source.stat().st_size <= self._limits.whole:
                    self._put_whole(key, source, sha256, on_bytes, metadata)
                else:
                    self._put_in_parts(key, source, sha256, on_bytes, metadata)
            except ClientError as error:
                if code(error) == "NoSuchBucket":
                    raise NotDeployedError(
                        f"the bucket {self._bucket} does not exist",
                        hint="`cryptoetl deploy` makes it; `cryptoetl up` does everything.",
                    ) from None
                if code(error) == "BadDigest":  # altered on the way
                    raise EnvironmentFault(
                        f"{source}: S3 received other bytes than were sent, and stored nothing",
                        hint="Run the same command again; if it stays so, a proxy alters the traffic.",
                    ) from None
                raise

    def _put_whole(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        metadata: Mapping[str, str],
    ) -> None:
        body = source.read_bytes()
        if hashlib.sha256(body).hexdigest() != sha256:
            raise changed_meanwhile(source)
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        self._s3.put_object(
            **self._object(key),
            Body=body,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
            Metadata=metadata,
        )
        on_bytes(len(body))

    def _put_in_parts(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        metadata: Mapping[str, str],
    ) -> None:
        upload = self._s3.create_multipart_upload(
            **self._object(key), ChecksumAlgorithm="SHA256", Metadata={**metadata, _NAME: sha256}
        )
        it = {**self._object(key), "UploadId": upload["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            total = hashlib.sha256()
            with source.open("rb") as file:
                while body := file.read(self._limits.part):
                    total.update(body)
                    number = len(parts) + 1
                    sent = self._s3.upload_part(
                        **it, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256"
                    )
                    parts.append(
                        {
                            "PartNumber": number,
                            "ETag": sent["ETag"],
                            "ChecksumSHA256": sent["ChecksumSHA256"],
                        }
                    )
                    on_bytes(len(body))
            if total.hexdigest() != sha256:
                raise changed_meanwhile(source)  # noqa: TRY301 - it is to be aborted, as after any other fault
            self._s3.complete_multipart_upload(**it, MultipartUpload={"Parts": parts})
        except BaseException:
            self._s3.abort_multipart_upload(**it)
            raise

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": key, "ExpectedBucketOwner": self._session.identity.account}

    @cached_property
    def _bucket(self) -> str:
        return resolved(stacks.bucket(self._config, "raw"), self._session)

    @cached_property
    def _s3(self) -> Any:
        return self._session.client("s3")


def _sha256(head: Mapping[str, Any]) -> str | None:
    """The object's SHA-256 in hexadecimal; None for an object of somebody else's that has none."""
    if kept := head.get("Metadata", {}).get(_NAME):
        return str(kept)
    checksum = head.get("ChecksumSHA256", "")
    # The type is left out by stores that are older than it; a checksum of checksums then ends in "-<parts>".
    if checksum and "-" not in checksum and head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        return base64.b64decode(checksum).hex()
    return None
