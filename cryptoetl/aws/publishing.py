"""Publish a page: store it in the artifacts bucket, and make a link to it that expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptoetl.aws.errors import translating
from cryptoetl.aws.session import Session
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.config.models import Config
from cryptoetl.target import Link

FOLDER = "reports"


class Publisher:
    """`target.Target.publish` on AWS. Raises AwsError."""

    def __init__(self, config: Config, session: Session) -> None:
        self._config = config
        self._session = session

    def __call__(self, name: str, page: bytes, seconds: int) -> Link:
        """Store the page, and return a presigned link to it.

        A link works no longer than the credentials that signed it (Amazon S3 User Guide, "Download and upload
        objects with presigned URLs").
        """
        bucket = bucket_name(self._config, "artifacts", self._session)
        key = f"{FOLDER}/{name}"
        client = self._session.presigning(bucket)
        with translating():
            client.put_object(
                Bucket=bucket,
                Key=key,
                Body=page,
                ContentType="text/html; charset=utf-8",
                ChecksumAlgorithm="SHA256",
                ExpectedBucketOwner=self._session.identity.account,
            )
            url = client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
            )
        ends = [datetime.now(UTC) + timedelta(seconds=seconds), self._session.credentials_end()]
        return Link(url, min(end for end in ends if end is not None))
