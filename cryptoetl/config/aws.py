"""The models of the configuration's part `aws`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from cryptoetl.config import schedule as schedules
from cryptoetl.config.fields import FilePath, Model, Text, YesNo, listed, matching
from cryptoetl.config.notify import Notify, Webhook

WorkerType = Literal["G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X"]
"""Worker types of Spark jobs; G.025X is for streaming jobs only (Glue API, Job)."""

FLEX_WORKERS = ("G.1X", "G.2X")
FLEX_VERSION = 3.0

Retention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days of retention that CloudWatch Logs accepts (PutRetentionPolicy)."""

CREATED_SUBNETS = 3
"""Subnets that enhanced VPC routing requires (Considerations when using Amazon Redshift Serverless)."""

MAX_TAGS = 40
"""AWS allows 50 on a resource, and CloudFormation adds some."""


BucketName = Annotated[
    Text,
    matching(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "a bucket name: 3 to 63 lowercase letters, digits, hyphens and periods",
    ),
]
RoleName = Annotated[
    Text,
    matching(
        r"(arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+)|([\w+=,.@-]{1,64})", "the name or ARN of a role"
    ),
]
ResourceName = Annotated[
    Text, matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "a name: letters, digits, hyphens, at most 64")
]


def _ids(prefix: str) -> object:
    return matching(rf"{prefix}-[0-9a-f]{{8,17}}", f"an id such as {prefix}-0123456789abcdef0")


class Buckets(Model):
    """Names of existing buckets; the others are created as <pipeline>-<kind>-<account>-<region>."""

    raw: BucketName | None = None
    """The raw files in plain form, each with an unchanged copy: bronze."""
    silver: BucketName | None = None
    """Typed history and trend of each currency, as Parquet."""
    gold: BucketName | None = None
    """One row per date and currency, as Parquet; what the tables are loaded from."""
    temp: BucketName | None = None
    """Staged data of loads, which Redshift reads; a lifecycle rule deletes it."""
    artifacts: BucketName | None = None
    """Scripts, state machine and template, under keys that contain their hash."""


class Glue(Model):
    """How the Glue jobs run."""

    version: Annotated[Text, matching(r"[0-9]+\.[0-9]+", "a Glue version such as 6.0")] = "6.0"
    """Glue version of the Spark jobs."""
    worker_type: WorkerType = "G.1X"
    """Size of a worker of the Spark jobs; G.1X (4 vCPU, 16 GB) suffices for daily prices."""
    workers: Annotated[int, Field(ge=2, strict=True)] = 2
    """Workers of a job run, one of which is the driver."""
    max_concurrent_runs: Annotated[int, Field(ge=1, strict=True)] = 50
    """Runs of one job at the same time; further ones wait, or are refused without `queuing`."""
    timeout_minutes: Annotated[int, Field(ge=1, le=10_080, strict=True)] = 30
    """Minutes after which Glue stops a job run."""
    flex: YesNo = False
    """true: spare capacity at a lower price; a run may wait up to 20 minutes for it. G.1X and G.2X only."""
    queuing: YesNo = True
    """true: runs above the limits wait in Glue's queue. false, or with Flex: they are refused and retried."""
    role: RoleName | None = None
    """Name or ARN of an existing role, such as MyETLGlue; one is created otherwise."""

    @field_validator("worker_type", mode="before")
    @classmethod
    def _worker_type_is_known(cls, value: object) -> object:
        if value not in get_args(WorkerType):
            raise ValueError(f"must be one of {', '.join(get_args(WorkerType))}")
        return value

    @model_validator(mode="after")
    def _flex_is_possible(self) -> Glue:
        """Refuse what Glue does not offer with Flex (Glue guide, Job run statuses and Adding jobs)."""
        if not self.flex:
            return self
        if self.worker_type not in FLEX_WORKERS:
            raise ValueError(f"flex: true takes the worker types {' and '.join(FLEX_WORKERS)} only")
        if float(self.version) < FLEX_VERSION:
            raise ValueError(f"flex: true needs version {FLEX_VERSION} or newer")
        if self.queuing and "queuing" in self.model_fields_set:
            raise ValueError("flex: true has no queue: leave queuing out")
        return self

    @property
    def queues(self) -> bool:
        """Return whether runs above the limits wait in Glue's queue."""
        return self.queuing and not self.flex


class Machine(Model):
    """The Step Functions state machine."""

    role: RoleName | None = None
    """Name or ARN of an existing role; one is created otherwise."""
    xray: YesNo = False
    """true: X-Ray traces of executions."""
    any_job: YesNo = False
    """true: its role may start any Glue job, as in AWS's example, instead of the pipeline's four."""


Reader = Annotated[
    Text,
    matching(
        r"public|(role|group|user):[A-Za-z_][A-Za-z0-9_.@:+/-]{0,126}",
        "a reader: role:NAME, group:NAME, user:NAME or public",
    ),
]


class Redshift(Model):
    """Where the tables are loaded."""

    workgroup: ResourceName = "my-etl-workgroup"
    """Workgroup of Redshift Serverless."""
    database: ResourceName = "crypto"
    """Database of the tables."""
    schema_name: Annotated[Text, Field(alias="schema")] = "market_data"
    """Schema of the tables; it belongs to one pipeline."""
    share_schema: YesNo = False
    """true: load tables into the schema although another pipeline owns it. Their currencies must differ, and
    the view of all currencies is that of the latest deploy. On both targets."""
    connection: ResourceName = "crypto-connection"
    """Glue connection (JDBC) with which a job reaches the workgroup."""
    copy_role: RoleName | None = None
    """Role of the namespace with which COPY reads the temp bucket; created with `create`."""
    grants: Annotated[tuple[Reader, ...], BeforeValidator(listed)] = ()
    """Readers of the tables: role:NAME, group:NAME, user:NAME or public. A load grants SELECT on its table,
    deploy grants USAGE on the schema and SELECT on the view of all currencies."""
    secret: (
        Annotated[Text, matching(r"arn:aws[a-z-]*:secretsmanager:[\w:!/+=.@-]+", "the ARN of a secret")]
        | None
    ) = None
    """Secret that the connection reads its password from, so that the Glue role may read it too."""
    create: YesNo = False
    """true: create namespace, workgroup, connection, security group and S3 endpoint in `vpc`."""
    capacity: Annotated[int, Field(strict=True)] = 8
    """Base capacity of a created workgroup, in RPU: 4, a multiple of 8 to 512, or of 32 to 1024."""
    vpc: Annotated[Text, _ids("vpc")] | None = None
    """VPC of a created workgroup."""
    subnets: Annotated[tuple[Annotated[Text, _ids("subnet")], ...], BeforeValidator(listed)] = ()
    """Subnets of the workgroup, in three availability zones at least; Glue works in the first."""
    availability_zone: (
        Annotated[
            Text, matching(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", "an availability zone such as eu-central-1a")
        ]
        | None
    ) = None
    """Zone of the first subnet: a Glue connection must name it."""
    route_tables: Annotated[tuple[Annotated[Text, _ids("rtb")], ...], BeforeValidator(listed)] = ()
    """Route tables of the subnets, for the S3 gateway endpoint; empty if the VPC has one already."""

    @field_validator("schema_name")
    @classmethod
    def _schema_is_an_identifier(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
            raise ValueError(f"{value!r} is not a schema name: lowercase letters, digits and underscores")
        return value

    @field_validator("capacity")
    @classmethod
    def _capacity_exists(cls, value: int) -> int:
        """Refuse what CreateWorkgroup does (Redshift guide, Compute capacity for Redshift Serverless)."""
        if value == 4 or value in range(8, 513, 8) or value in range(544, 1025, 32):
            return value
        raise ValueError(f"{value} is not a capacity: 4, a multiple of 8 up to 512, or of 32 up to 1024")

    @field_validator("subnets")
    @classmethod
    def _subnets_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if again := sorted({subnet for subnet in value if value.count(subnet) > 1}):
            raise ValueError(f"{', '.join(again)} is named more than once")
        return value

    @model_validator(mode="after")
    def _created_namespace_has_a_network(self) -> Redshift:
        if not self.create:
            return self
        if missing := [name for name in ("vpc", "subnets", "availability_zone") if not getattr(self, name)]:
            raise ValueError(f"with create: true it also needs {', '.join(missing)}")
        if len(self.subnets) < CREATED_SUBNETS:
            raise ValueError(
                f"with create: true it needs {CREATED_SUBNETS} subnets in as many availability zones, "
                f"and subnets has {len(self.subnets)}: Redshift requires them for enhanced VPC routing"
            )
        if not re.fullmatch(r"[a-z0-9-]{3,64}", self.workgroup):
            raise ValueError("with create: true the workgroup is 3 to 64 lowercase letters, digits, hyphens")
        if self.copy_role or self.secret:
            raise ValueError("with create: true copy_role and secret are created too: leave them out")
        return self


class Aws(Model):
    """The AWS target."""

    region: Text | None = None
    """AWS region; --region takes precedence. By default AWS_REGION, then the profile's."""
    profile: Text | None = None
    """AWS profile; --profile takes precedence. By default AWS_PROFILE, then the SDK's chain."""
    credentials_file: FilePath | None = None
    """Access-key CSV as the AWS console downloads it."""
    buckets: Buckets = Buckets()
    """Names of existing buckets."""
    kms_key: (
        Annotated[
            Text,
            matching(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", "the ARN of a KMS key"),
        ]
        | None
    ) = None
    """ARN of a key of your own, which encrypts the created buckets and may encrypt the named ones."""
    glue: Glue = Glue()
    """How the Glue jobs run."""
    machine: Machine = Machine()
    """The Step Functions state machine."""
    redshift: Redshift = Redshift()
    """Where the tables are loaded."""
    schedule: Annotated[Text, AfterValidator(schedules.expression)] | None = None
    """When every currency is run: cron(0 6 * * ? *), rate(1 day) or at(2030-01-31T06:00:00)."""
    schedule_changed: YesNo = False
    """true: the schedule leaves out currencies whose tables are up to date. Needs groups: currencies_per_run
    above 1."""
    timezone: Annotated[Text, AfterValidator(schedules.timezone)] = "UTC"
    """Time zone of the schedule."""
    notify: Notify | None = None
    """Who is notified of failures; nothing is deployed for it by default."""
    tags: Annotated[Mapping[str, Text], Field(max_length=MAX_TAGS)] = {}
    """Tags of every resource that can have them."""
    log_retention_days: Retention = 30
    """Days after which CloudWatch Logs deletes log lines of the stack's log groups."""

    @property
    def webhook(self) -> Webhook | None:
        """The webhook that is notified, if there is one."""
        return self.notify.webhook if self.notify else None

    @field_validator("tags")
    @classmethod
    def _tags_are_allowed(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for key, text in value.items():
            if not re.fullmatch(r"[\w .:/=+@-]{1,128}", key, re.ASCII) or key.lower().startswith("aws:"):
                raise ValueError(f"{key!r} is not a tag's key: letters, digits and . : / = + - @, not aws:")
            if not re.fullmatch(r"[\w .:/=+@-]{1,256}", text, re.ASCII):
                raise ValueError(f"{key}: {text!r} is not a tag's value: letters, digits and . : / = + - @")
        return value

    @field_validator("log_retention_days", mode="before")
    @classmethod
    def _retention_is_allowed(cls, value: object) -> object:
        if value not in get_args(Retention):
            raise ValueError(f"must be one of {', '.join(map(str, get_args(Retention)))}")
        return value
