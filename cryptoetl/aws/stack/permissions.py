"""IAM policies: those of the stack's roles, and those that a deployer and an operator need. No network.

Action names and resource types follow the Service Authorization Reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptoetl.aws.stack import alarms
from cryptoetl.aws.stack import template as stack
from cryptoetl.aws.stack.filling import filled, sub
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle

MANAGED_LIMIT = 6_144
"""Characters of a managed policy, white space not counted (IAM and AWS STS quotas)."""


def all_policies(config: Config) -> dict[str, Any]:
    """Return the policies of people, and each role of the stack with its trust and its policies by name."""
    return {**people(config), **roles(stack.render(config).template)}


def people(config: Config) -> dict[str, Any]:
    """Return the identity-based policies of those who deploy and of those who work with what is deployed."""
    return {"deployer": deployer(config), "operator": operator(config)}


def managed(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the policy's statements as documents that each fit into a managed policy, in their order."""
    documents: list[dict[str, Any]] = []
    for statement in policy["Statement"]:
        if documents:
            longer = {**policy, "Statement": [*documents[-1]["Statement"], statement]}
            if len("".join(json.dumps(longer).split())) <= MANAGED_LIMIT:
                documents[-1] = longer
                continue
        documents.append({**policy, "Statement": [statement]})
    return documents


def roles(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return each role of a template: its `trust`, and its `policies`, documents by name."""
    return {
        logical_id: {
            "trust": resource["Properties"]["AssumeRolePolicyDocument"],
            "policies": {
                policy["PolicyName"]: policy["PolicyDocument"]
                for policy in resource["Properties"]["Policies"]
            },
        }
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def deployer(config: Config) -> dict[str, Any]:
    """Return the identity-based policy that deploy and destroy need."""
    aws, name, webhook = config.aws, config.pipeline, config.aws.webhook
    own = {
        "glue": aws.glue.role is None,
        "machine": aws.machine.role is None,
        "schedule": aws.schedule is not None,
        "copy": aws.redshift.create,
        "webhook": webhook is not None,
    }
    created = [stack.role_arn(f"{name}-{role}-${{AWS::Region}}") for role, ours in own.items() if ours]
    named = [
        stack.role_arn(role)
        for role in (aws.glue.role, aws.machine.role, aws.redshift.copy_role)
        if role is not None
    ]
    # Redshift already has a copy role that the configuration names: it is not passed.
    passed = created + [stack.role_arn(r) for r in (aws.glue.role, aws.machine.role) if r is not None]
    buckets: dict[bool, list[str]] = {True: [], False: []}
    for kind in stack.KINDS:
        ours = getattr(aws.buckets, kind) is None
        buckets[ours].append(f"arn:${{AWS::Partition}}:s3:::{stack.bucket(config, kind)}")
    services = ["glue.amazonaws.com", "states.amazonaws.com"]
    services += ["scheduler.amazonaws.com"] if own["schedule"] else []
    services += ["events.amazonaws.com"] if own["webhook"] else []
    services += ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"] if own["copy"] else []
    job = f"arn:${{AWS::Partition}}:glue:${{AWS::Region}}:${{AWS::AccountId}}:job/{name}-*"
    options = {
        **stack.options(config, grouped=bundle.group_size(config) > 1),
        "own_roles": bool(created),
        "named_roles": bool(named),
        "own_buckets": bool(buckets[True]),
        "named_buckets": bool(buckets[False]),
    }
    values = stack.names(config) | {
        "stack": stack.stack_name(config),
        "bucket_arns": [sub(bucket) for bucket in buckets[True]],
        "object_arns": [sub(f"{bucket}/*") for bucket in buckets[True]],
        "named_bucket_arns": [sub(bucket) for bucket in buckets[False]],
        "role_arns": [sub(role) for role in created],
        "named_role_arns": [sub(role) for role in named],
        "passed_role_arns": [sub(role) for role in passed],
        "passed_to": services,
        "own_job_arns": [sub(job)],
        "webhook_secret_arn": webhook and sub(alarms.secret_arn(webhook.secret)),
    }
    policy: dict[str, Any] = filled("deployer.yaml", options, values)
    return policy


def operator(config: Config) -> dict[str, Any]:
    """Return the identity-based policy for the commands that work with a deployed pipeline."""
    values = stack.names(config) | {"stack": stack.stack_name(config)}
    policy: dict[str, Any] = filled(
        "operator.yaml", stack.options(config, grouped=bundle.group_size(config) > 1), values
    )
    return policy


def plain(node: Any, *, account: str | None, region: str | None) -> Any:
    """Return a copy with CloudFormation's functions as text; what is not given stays `${AWS::…}`."""
    match node:
        case {"Fn::Sub": str(text)}:
            known = {"account": account or "${AWS::AccountId}", "region": region or "${AWS::Region}"}
            return stack.resolve(text, **known)
        case {"Ref": str(name)} if name.startswith("AWS::"):
            return plain({"Fn::Sub": f"${{{name}}}"}, account=account, region=region)
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return f"${{{name}}}"
        case dict():
            return {key: plain(item, account=account, region=region) for key, item in node.items()}
        case list():
            return [plain(item, account=account, region=region) for item in node]
        case _:
            return node
