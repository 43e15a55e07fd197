"""`target.Storage` on S3: the raw bucket.

A file up to `Limits.whole` bytes is one PutObject with its SHA-256, which S3 verifies and keeps; a larger one
is a multipart upload (docs/decisions/0018-multipart-uploads.md). A listing shows most of what is stored: an
object in one part has its MD5 as ETag, unless it is encrypted with a KMS key (S3 API Reference, Object). For
the others of the right size, HeadObject returns the SHA-256. S3 knows only a checksum of checksums for an
object in parts, so the SHA-256 of the file is kept as metadata (S3 User Guide, Checking object integrity).
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import quote

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, is_missing, translating
from cryptoetl.aws.session import Session
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.config.models import Config
from cryptoetl.errors import EnvironmentFault, NotDeployedError
from cryptoetl.target.storage import NOTHING, About, StoredFile, changed_meanwhile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_SHA256, _NAME, _SUMMARY = "sha256", "filename", "summary"
"""Names of the metadata entries."""


@dataclass(frozen=True)
class Limits:
    """Bytes of the largest file that is one PutObject, and of a larger one's parts (S3: at least 5 MiB)."""

    whole: int = 32 * 1024 * 1024
    part: int = 16 * 1024 * 1024


class _ObjectName(TypedDict):
    Bucket: str
    Key: str
    ExpectedBucketOwner: str


class AwsStorage:
    """The raw bucket of a configuration. Several threads may call the methods, which raise AwsError."""

    def __init__(self, config: Config, session: Session, limits: Limits = Limits()) -> None:
        self._config = config
        self._session = session
        self._limits = limits

    def location(self, key: str) -> str:
        """Return the object's S3 URI."""
        return f"s3://{self._bucket}/{key}"

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Return the stored ones of these keys, by one listing; none if the bucket does not exist."""
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
                if is_missing(error):  # the bucket: `put` raises the error
                    return {}
                raise

    def tags(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the ETags of the stored ones of these keys, by one listing."""
        return {key: stored.md5 for key, stored in self.listing(keys).items() if stored.md5 is not None}

    def sha256(self, key: str) -> str | None:
        """Return the object's SHA-256 in hexadecimal; None if it is missing or has none."""
        head = self._head(key)
        return None if head is None else _sha256(head)

    def summary(self, key: str) -> str | None:
        """Return the summary that was stored with the object; None if it is missing or has none."""
        head = self._head(key)
        return None if head is None else head["Metadata"].get(_SUMMARY)

    def _head(self, key: str) -> HeadObjectOutputTypeDef | None:
        with translating():
            try:
                return self._s3.head_object(**self._object(key), ChecksumMode="ENABLED")
            except ClientError as error:
                if is_missing(error):
                    return None
                raise

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        about: About = NOTHING,
    ) -> None:
        """Store the file, whole or not at all.

        Raises NotDeployedError if the bucket does not exist, EnvironmentFault if the file is not the one with
        this SHA-256 or was altered on the way.
        """
        # Metadata is ASCII (S3 User Guide, Working with object metadata).
        metadata = {_NAME: quote(about.name)} if about.name is not None else {}
        if about.summary is not None:
            metadata[_SUMMARY] = about.summary
        with translating(), self._explaining(source):
            if source.stat().st_size <= self._limits.whole:
                self._put_whole(key, source, sha256, on_bytes, metadata)
            else:
                self._put_in_parts(key, source, sha256, on_bytes, metadata)

    @contextmanager
    def _explaining(self, source: Path) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if code(error) == "NoSuchBucket":
                raise NotDeployedError(
                    f"the bucket {self._bucket} does not exist",
                    hint="`cryptoetl deploy` creates it; `cryptoetl up` does everything.",
                ) from None
            if code(error) == "BadDigest":
                raise EnvironmentFault(
                    f"{source}: S3 received other bytes than were sent, and stored nothing",
                    hint="Run the same command again; if this recurs, a proxy alters the traffic.",
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
        self._s3.put_object(
            **self._object(key),
            Body=body,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
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
        part = self._limits.part
        with source.open("rb") as file:
            self._s3.upload_fileobj(
                cast("IO[bytes]", _VerifiedReader(file, source, sha256, on_bytes)),
                self._bucket,
                key,
                ExtraArgs={
                    "ExpectedBucketOwner": self._session.identity.account,
                    "ChecksumAlgorithm": "SHA256",
                    "Metadata": {**metadata, _SHA256: sha256},
                },
                Config=TransferConfig(multipart_threshold=part, multipart_chunksize=part, use_threads=False),
            )

    def _object(self, key: str) -> _ObjectName:
        return {"Bucket": self._bucket, "Key": key, "ExpectedBucketOwner": self._session.identity.account}

    @cached_property
    def _bucket(self) -> str:
        return bucket_name(self._config, "raw", self._session)

    @cached_property
    def _s3(self) -> S3Client:
        return self._session.client("s3")


class _VerifiedReader(io.RawIOBase):
    """A stream that raises EnvironmentFault at its end if its content is not the expected one.

    s3transfer reads a stream that cannot seek to its end before it completes the upload, and aborts the
    upload if reading raises. Without threads it reads a part when the one before is sent, so that `on_bytes`
    receives the size of each part that was stored.
    """

    def __init__(self, file: io.BufferedReader, source: Path, sha256: str, on_bytes: Callable[[int], None]):
        super().__init__()
        self._file = file
        self._source = source
        self._expected = sha256
        self._on_bytes = on_bytes
        self._found = hashlib.sha256()
        self._sent = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._sent:
            self._on_bytes(self._sent)
        body = self._file.read(size)
        self._found.update(body)
        self._sent = len(body)
        at_end = size < 0 or len(body) < size
        if at_end and self._found.hexdigest() != self._expected:
            raise changed_meanwhile(self._source)
        return body


def _sha256(head: HeadObjectOutputTypeDef | Mapping[str, Any]) -> str | None:
    """Return the object's SHA-256 in hexadecimal; None for an object of other origin that has none."""
    if kept := head.get("Metadata", {}).get(_SHA256):
        return str(kept)
    checksum = head.get("ChecksumSHA256", "")
    # Older S3-compatible stores omit the type; a checksum of checksums then ends in "-<parts>".
    if checksum and "-" not in checksum and head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        return base64.b64decode(checksum).hex()
    return None
