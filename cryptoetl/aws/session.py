"""The AWS session: credentials, region, identity and typed clients.

Everything is created on first use, so that a command that stops early makes no call. Credentials come from
the SDK's own chain (environment, profile, SSO, roles with MFA) or from `credentials_file`, the CSV that the
AWS console offers when an access key is created.
"""

from __future__ import annotations

import csv
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
import botocore.session
from botocore.config import Config as ClientConfig
from botocore.exceptions import NoCredentialsError, NoRegionError
from botocore.utils import JSONFileCache

from cryptoetl import __version__
from cryptoetl.aws.errors import translating, watch
from cryptoetl.aws.stack import template as stacks
from cryptoetl.config.aws import Aws
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError
from cryptoetl.util.files import unreadable

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient
    from mypy_boto3_redshift_serverless import RedshiftServerlessClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

READ_TIMEOUT = "CRYPTOETL_READ_TIMEOUT"


def _client_config() -> ClientConfig:
    given = os.environ.get(READ_TIMEOUT) or "60"
    if not given.isdecimal() or int(given) == 0:
        raise AwsError(
            f"{READ_TIMEOUT} is {given!r}",
            hint="Set it to the number of seconds that a response may take, such as 60.",
        )
    return ClientConfig(
        # botocore's own defaults have changed before.
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=10,
        read_timeout=int(given),
        user_agent_extra=f"cryptoetl/{__version__}",
    )


@dataclass(frozen=True)
class Identity:
    """The account and the user or role that the credentials belong to."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        """Return the AWS partition, such as aws or aws-cn."""
        return self.arn.split(":")[1]


@dataclass(frozen=True)
class Source:
    """Where credentials come from, in botocore's word (env, sso, …), and their end, if it is known."""

    method: str
    expires: datetime | None


@dataclass(frozen=True)
class Keys:
    """An access key; its representation shows neither half."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(…)"


class Session:
    """Clients for the configured account and region.

    `region` and `profile` come from the command line. They take precedence over the configuration's, which
    take precedence over the environment's. Every method and property raises AwsError.
    """

    def __init__(
        self, aws: Aws, *, region: str | None, profile: str | None, warn: Callable[[str], None]
    ) -> None:
        self._aws = aws
        self._region = region
        self._profile = profile
        self._warn = warn
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @cached_property
    def region(self) -> str:
        """Return the region from the command line, configuration, environment or profile."""
        with translating():
            found = (
                self._region
                or self._aws.region
                or os.environ.get("AWS_REGION")  # boto3 itself reads AWS_DEFAULT_REGION only
                or self._boto.region_name
            )
            if not found:
                raise NoRegionError
        return found

    @cached_property
    def identity(self) -> Identity:
        """Return the caller's identity, from GetCallerIdentity."""
        with translating():
            caller = self.client("sts").get_caller_identity()
        return Identity(caller["Account"], caller["Arn"])

    def sign_in(self) -> None:
        """Check the credentials, so that missing ones are reported before anything else."""
        _ = self.identity

    def source(self) -> Source:
        """Return where the credentials come from, without asking AWS whether they are valid."""
        with translating():
            found = self._boto.get_credentials()
            if found is None:
                raise NoCredentialsError
            found.get_frozen_credentials()  # the end of temporary ones is known once they were obtained
        return Source(found.method, getattr(found, "_expiry_time", None))

    def knows_region(self) -> bool:
        """Return whether the installed SDK knows the region."""
        with translating():
            partitions = self._boto.get_available_partitions()
            return any(self.region in self._boto.get_available_regions("sts", item) for item in partitions)

    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["events"]) -> EventBridgeClient: ...
    @overload
    def client(self, service: Literal["ec2"]) -> EC2Client: ...
    @overload
    def client(self, service: Literal["glue"]) -> GlueClient: ...
    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["kms"]) -> KMSClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["redshift-data"]) -> RedshiftDataAPIServiceClient: ...
    @overload
    def client(self, service: Literal["redshift-serverless"]) -> RedshiftServerlessClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["scheduler"]) -> EventBridgeSchedulerClient: ...
    @overload
    def client(self, service: Literal["secretsmanager"]) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["service-quotas"]) -> ServiceQuotasClient: ...
    @overload
    def client(self, service: Literal["sns"]) -> SNSClient: ...
    @overload
    def client(self, service: Literal["stepfunctions"]) -> SFNClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    def client(self, service: Any) -> Any:
        """Return the client of a service, the same one on every call. Several threads may use it."""
        region = self.region
        with self._lock, translating():
            if service not in self._clients:
                client = self._boto.client(service, region_name=region, config=_client_config())
                watch(client)
                self._clients[service] = client
            return self._clients[service]

    def presigning(self, bucket: str) -> S3Client:
        """Return a client whose presigned links to the bucket work: signed by version 4, for its region.

        By default botocore signs them by version 2 in the oldest regions, and names the global endpoint,
        which redirects requests to a new bucket, so that the signature does not match (Amazon S3 User Guide,
        "Virtual hosting of buckets"). A bucket with a period in its name has no certificate as a host.
        """
        style: Literal["path", "virtual"] = "path" if "." in bucket else "virtual"
        by_version_4 = ClientConfig(signature_version="s3v4", s3={"addressing_style": style})
        config = _client_config().merge(by_version_4)
        with translating():
            return self._boto.client("s3", region_name=self.region, config=config)

    def credentials_end(self) -> datetime | None:
        """Return when temporary credentials expire; None if that is unknown, or never."""
        with translating():
            credentials = self._boto.get_credentials()
        # botocore has no public name for it.
        found = getattr(credentials, "_expiry_time", None)
        return found if isinstance(found, datetime) else None

    @cached_property
    def _boto(self) -> boto3.Session:
        file = self._aws.credentials_file
        if file is not None and self._profile is None:
            if shared_with := _readable_by(file):
                self._warn(f"{file} holds a secret and is readable by {shared_with}: run chmod 600 on it")
            keys = read_keys(file)
            return boto3.Session(aws_access_key_id=keys.id, aws_secret_access_key=keys.secret)
        core = botocore.session.Session(profile=self._profile or self._aws.profile)
        # The AWS CLI's cache: without it, every command would ask for an MFA code again.
        resolver = core.get_component("credential_provider")
        resolver.get_provider("assume-role").cache = JSONFileCache(
            str(Path.home() / ".aws" / "cli" / "cache")
        )
        return boto3.Session(botocore_session=core)


def resolved(text: str, session: Session) -> str:
    """Return the text with CloudFormation's pseudo parameters (account, region, partition) replaced."""
    identity = session.identity
    return stacks.resolve(text, account=identity.account, region=session.region, partition=identity.partition)


def bucket(config: Config, kind: str, session: Session) -> str:
    """Return the name of a bucket in the session's account and region."""
    return resolved(stacks.bucket(config, kind), session)


def literal(template: Any, session: Session) -> Any:
    """Return the template, or a part of it, with account, region and partition as plain text."""
    identity = session.identity
    return stacks.literal(
        template, account=identity.account, region=session.region, partition=identity.partition
    )


def read_keys(file: Path) -> Keys:
    """Return the access key from a CSV with a header line, as the AWS console writes it, with or without BOM.

    Raises AwsError, whose message names columns and never values.
    """
    hint = "It is the CSV that the AWS console offers when an access key is created."
    if reason := unreadable(file):
        raise AwsError(f"aws.credentials_file {file} {reason}", hint=hint)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise AwsError(f"aws.credentials_file {file} is not UTF-8 text", hint=hint) from None
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(row)]
    names = [name.lower() for name in rows[0]] if rows else []
    try:
        columns = [names.index(name) for name in ("access key id", "secret access key")]
    except ValueError:
        raise AwsError(
            f"aws.credentials_file {file}: its first line does not name 'Access key ID' and "
            "'Secret access key'",
            hint=hint,
        ) from None
    values = [rows[1][column] for column in columns if column < len(rows[1])] if len(rows) > 1 else []
    if len(values) != len(columns) or not all(values):
        raise AwsError(f"aws.credentials_file {file}: its second line does not hold both keys", hint=hint)
    return Keys(*values)


def _readable_by(file: Path) -> str | None:
    """Return who else may read the file; None if only the owner may."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return None  # reading it raises the error
    if os.name != "posix":
        return None
    if mode & stat.S_IROTH:
        return "all users of this machine"
    return "its whole group" if mode & stat.S_IRGRP else None
