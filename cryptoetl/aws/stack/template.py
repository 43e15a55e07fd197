"""The CloudFormation template of a pipeline: definitions/stack.yaml, filled in from the configuration.

As rendered it is independent of account and region, which are left to CloudFormation (`${AWS::AccountId}`):
so `render stack` needs no credentials. `deploy` makes it `literal` before it uploads it, because
CloudFormation imports an existing resource only if its name has no function (User Guide, Import AWS resources
into a CloudFormation stack automatically). Plans compare literal templates.

Scripts, state machine and the template itself are artifacts: objects in the artifacts bucket under keys that
contain the hash of their content. A changed script is then a changed property of its job, which a change set
shows, and the old script is still there for a rollback.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptoetl.aws.stack import alarms
from cryptoetl.aws.stack.filling import filled, sub
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle, groups
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.bundle import NO_ROLE, Bundle, Layout

KINDS = ("raw", "silver", "gold", "temp", "artifacts")
DATA = ("raw", "silver", "gold")
"""Kinds of buckets that only `destroy --delete-data` deletes."""

INLINE_LIMIT = 51_200
"""Bytes of a template in a request; a larger one must be in S3 (CloudFormation quotas)."""
TEMPLATE_LIMIT = 1_000_000

MACHINE_ARTIFACT = "state_machine.json"
LIST_ARTIFACT = "currencies.json"
"""The list of all currencies, which a machine of groups runs by default."""

GLUES_OWN = (
    "--enable-continuous-cloudwatch-log",
    "--continuous-log-logGroup",
    "--custom-logGroup-prefix",
    "--conf",
    "--extra-py-files",
)
"""Arguments that Glue itself reads: logs during the run, in log groups with the configured retention; Spark's
configuration; the modules that scripts import."""

_SPARK = "spark.hadoop.fs.s3a.endpoint.region=${AWS::Region}"
"""Glue 6.0 has S3A only. Without its region it asks a global endpoint for the bucket's, which a VPC's gateway
endpoint does not reach (Hadoop-AWS guide, S3A endpoint and region)."""


_MACHINE_ARN = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:"

_REFERENCE = re.compile(r"\$\{([\w:.]+)\}")
"""A reference in the text of an Fn::Sub."""

_TAGGED: Mapping[str, type] = {
    "AWS::S3::Bucket": list,
    "AWS::IAM::Role": list,
    "AWS::Logs::LogGroup": list,
    "AWS::Glue::Job": dict,
    "AWS::Glue::Connection": dict,
    "AWS::StepFunctions::StateMachine": list,
    "AWS::SNS::Topic": list,
    "AWS::Events::Rule": list,
    "AWS::EC2::SecurityGroup": list,
    "AWS::EC2::VPCEndpoint": list,
    "AWS::RedshiftServerless::Namespace": list,
    "AWS::RedshiftServerless::Workgroup": list,
}
"""The form in which each type of resource has its tags; other types have none."""


@dataclass(frozen=True)
class RenderedStack:
    """A rendered template, and what must be in the artifacts bucket: key → content."""

    template: Mapping[str, Any]
    artifacts: Mapping[str, bytes]

    @property
    def text(self) -> str:
        """Return the template as it is deployed: the same for the same configuration and scripts."""
        return json.dumps(self.template, separators=(",", ":"), ensure_ascii=True)

    @property
    def template_key(self) -> str:
        """Return the template's key in the artifacts bucket."""
        return _key("templates", "stack.json", self.text.encode())


def stack_name(config: Config) -> str:
    """Return the name of the pipeline's stack."""
    return f"cryptoetl-{config.pipeline}"


def bucket(config: Config, kind: str) -> str:
    """Return the bucket's name, with CloudFormation's `${AWS::…}` for account and region."""
    named = getattr(config.aws.buckets, kind)
    return named or f"{config.pipeline}-{kind}-${{AWS::AccountId}}-${{AWS::Region}}"


def resolve(text: str, *, account: str, region: str, partition: str = "aws") -> str:
    """Return the text with CloudFormation's pseudo parameters replaced by their values."""
    for name, value in (("AccountId", account), ("Region", region), ("Partition", partition)):
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def literal(template: Any, *, account: str, region: str, partition: str) -> Any:
    """Return the template, or a part of it, with all that is known in advance as plain text.

    That is account, region and partition, and in a whole template also names and ARNs of its own buckets,
    which earlier versions referred to by `Ref` and `Fn::GetAtt`.
    """
    values = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": partition}

    def walk(node: Any) -> Any:
        match node:
            case {"Ref": str(name)} if name in values:
                return values[name]
            case {"Fn::GetAtt": [str(name), str(attribute)]} if (path := f"{name}.{attribute}") in values:
                return values[path]
            case {"Fn::Sub": str(text)}:
                return sub(_REFERENCE.sub(lambda found: values.get(found[1], found[0]), text))
            case dict():
                return {key: walk(item) for key, item in node.items()}
            case list():
                return [walk(item) for item in node]
            case _:
                return node

    resources = template.get("Resources", {}) if isinstance(template, dict) else {}
    for logical_id, resource in resources.items():
        if resource["Type"] == "AWS::S3::Bucket":
            name = walk(resource["Properties"]["BucketName"])
            values |= {logical_id: name, f"{logical_id}.Arn": f"arn:{partition}:s3:::{name}"}
    return walk(template)


def layout(config: Config) -> Layout:
    """Return where the data is on AWS, with CloudFormation's `${AWS::…}` for account and region."""
    raw, silver, gold, temp = (f"s3://{bucket(config, kind)}" for kind in KINDS[:4])
    redshift = config.aws.redshift
    copy_role = redshift.copy_role and role_arn(redshift.copy_role)
    if redshift.create:
        copy_role = role_arn(f"{config.pipeline}-copy-${{AWS::Region}}")
    lists = f"s3://{bucket(config, 'artifacts')}"
    return Layout(raw, silver, gold, temp, copy_role or NO_ROLE, lists)


def role_arn(name: str) -> str:
    """Return the ARN of a role that is given by name or ARN."""
    return (
        name if name.startswith("arn:") else f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"
    )


def render(config: Config) -> RenderedStack:
    """Return the stack of the configuration, with the scripts as they are now."""
    return of_bundle(config, bundle.build(config, layout(config)))


def of_bundle(config: Config, built: Bundle) -> RenderedStack:
    """Return the stack that deploys this bundle."""
    keys = {name: _key("scripts", name, body) for name, body in built.scripts.items()}
    machine = state_machine.dumps(built.machine).encode()
    keys[MACHINE_ARTIFACT] = _key("machines", MACHINE_ARTIFACT, machine)
    artifacts = {keys[name]: body for name, body in built.scripts.items()} | {keys[MACHINE_ARTIFACT]: machine}
    if built.currencies is not None:
        keys[LIST_ARTIFACT] = groups.list_key(built.machine)
        artifacts[keys[LIST_ARTIFACT]] = built.currencies.dumps(built.size)
    template: dict[str, Any] = filled(
        "stack.yaml", options(config, grouped=built.size > 1), _values(config, built, keys)
    )
    _tag(template, config.aws.tags)
    return RenderedStack(template, artifacts)


def _key(folder: str, name: str, body: bytes) -> str:
    return f"{folder}/{hashlib.sha256(body).hexdigest()[:32]}/{name}"


def options(config: Config, *, grouped: bool) -> Mapping[str, bool]:
    """Return the options that `When` in the template may name."""
    aws = config.aws
    return {kind: getattr(aws.buckets, kind) is None for kind in KINDS} | {
        "glue_role": aws.glue.role is None,
        "machine_role": aws.machine.role is None,
        "named_secret": aws.redshift.secret is not None,
        "xray": aws.machine.xray,
        "schedule": aws.schedule is not None,
        "notify": aws.notify is not None,
        "webhook": aws.webhook is not None,
        "redshift": aws.redshift.create,
        "endpoint": aws.redshift.create and bool(aws.redshift.route_tables),
        "kms": aws.kms_key is not None,
        "groups": grouped,
    }


def names(config: Config) -> dict[str, Any]:
    """Return the values of the placeholders that are names from the configuration."""
    redshift = config.aws.redshift
    return {f"{kind}_bucket": bucket(config, kind) for kind in KINDS} | {
        "pipeline": config.pipeline,
        "glue_logs": f"/aws-glue/{config.pipeline}",
        "workgroup": redshift.workgroup,
        "database": redshift.database,
        "schema": redshift.schema_name,
        "connection": redshift.connection,
        "secret": redshift.secret,
        "vpc": redshift.vpc,
        "kms_key": config.aws.kms_key,
    }


def encryption(kms_key: str | None) -> dict[str, Any]:
    """Return the rule of a bucket's default encryption.

    With a key of one's own, an S3 Bucket Key saves a request to KMS for each object.
    """
    if kms_key is None:
        return {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key}
    return {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}


def _values(config: Config, built: Bundle, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of all placeholders."""
    aws, values = config.aws, names(config)
    glue, redshift = aws.glue, aws.redshift
    for job in built.jobs:
        values |= _job(config, job, keys)
    job_arn = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:job/"
    return (
        values
        | alarms.values(config)
        | {
            "artifacts": dict(sorted(keys.items())),
            "encryption": encryption(aws.kms_key),
            "machine_key": keys[MACHINE_ARTIFACT],
            "glue_role_arn": _role("GlueRole", glue.role),
            "machine_role_arn": _role("MachineRole", aws.machine.role),
            "retention": aws.log_retention_days,
            "job_arns": "*" if aws.machine.any_job else [sub(job_arn + job.name) for job in built.jobs],
            "timeout": glue.timeout_minutes,
            "concurrent": glue.max_concurrent_runs,
            "glue_version": glue.version,
            "worker_type": glue.worker_type,
            "workers": glue.workers,
            "execution_class": "FLEX" if glue.flex else "STANDARD",
            "queuing": glue.queues,
            "tracing": aws.machine.xray,
            "schedule": aws.schedule,
            "schedule_input": '{"changed": true}' if aws.schedule_changed else "{}",
            "scheduled": "What has changed" if aws.schedule_changed else "Every currency",
            "machine_arns": [
                sub(f"{_MACHINE_ARN}{config.pipeline}{suffix}")
                for suffix in (("", "/*") if built.currencies is not None else ("",))
            ],
            "timezone": aws.timezone,
            "capacity": redshift.capacity,
            "subnets": list(redshift.subnets),
            "first_subnet": next(iter(redshift.subnets), None),
            "zone_letter": (redshift.availability_zone or "")[-1:],
            "route_tables": list(redshift.route_tables),
        }
    )


def _job(config: Config, job: bundle.Job, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the placeholders that are a job's."""
    short = job.name.removeprefix(f"{config.pipeline}-").replace("-", "_")
    arguments = dict(job.arguments)
    if short not in ("clear_buckets", bundle.SUMMARIZE):  # Python shell jobs always log to the same groups
        known = names(config)
        logs, modules = known["glue_logs"], f"s3://{known['artifacts_bucket']}/{keys[bundle.SHARED]}"
        arguments |= dict(zip(GLUES_OWN, ("true", f"{logs}/output", logs, _SPARK, modules), strict=True))
    return {
        f"{short}_key": keys[job.script],
        f"{short}_arguments": {key: sub(value) for key, value in arguments.items()},
    }


def _role(logical_id: str, named: str | None) -> Any:
    return {"Fn::GetAtt": [logical_id, "Arn"]} if named is None else sub(role_arn(named))


def _tag(template: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    for resource in template["Resources"].values():
        if tags and (form := _TAGGED.get(resource["Type"])):
            listed = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
            resource["Properties"]["Tags"] = listed if form is list else dict(sorted(tags.items()))
