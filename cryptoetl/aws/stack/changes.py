"""How two literal templates of a pipeline differ, resource by resource, in words.

A change set is authoritative, but exists only after the deploy has begun; this comparison needs none, and has
the properties' old and new values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptoetl.state_machine.bundle import Action, Change

KINDS: Mapping[str, tuple[str, str]] = {
    "AWS::S3::Bucket": ("bucket", "BucketName"),
    "AWS::S3::BucketPolicy": ("bucket policy", ""),
    "AWS::IAM::Role": ("role", "RoleName"),
    "AWS::Logs::LogGroup": ("log group", "LogGroupName"),
    "AWS::Glue::Job": ("job", "Name"),
    "AWS::Glue::Connection": ("connection", "ConnectionInput.Name"),
    "AWS::StepFunctions::StateMachine": ("state machine", "StateMachineName"),
    "AWS::Scheduler::Schedule": ("schedule", "Name"),
    "AWS::SNS::Topic": ("topic", "TopicName"),
    "AWS::SNS::TopicPolicy": ("topic policy", ""),
    "AWS::Events::Rule": ("rule", "Name"),
    "AWS::Events::Connection": ("webhook connection", "Name"),
    "AWS::Events::ApiDestination": ("webhook", "Name"),
    "AWS::EC2::SecurityGroup": ("security group", ""),
    "AWS::EC2::SecurityGroupIngress": ("security group rule", ""),
    "AWS::EC2::SecurityGroupEgress": ("security group rule", ""),
    "AWS::EC2::VPCEndpoint": ("endpoint", ""),
    "AWS::RedshiftServerless::Namespace": ("namespace", "NamespaceName"),
    "AWS::RedshiftServerless::Workgroup": ("workgroup", "WorkgroupName"),
}
"""The word for each type of resource, and the property with its name; "" if the type has none."""

CREATE_ONLY: Mapping[str, frozenset[str]] = {
    "AWS::S3::Bucket": frozenset({"BucketName"}),
    "AWS::S3::BucketPolicy": frozenset({"Bucket"}),
    "AWS::IAM::Role": frozenset({"RoleName"}),
    "AWS::Logs::LogGroup": frozenset({"LogGroupName"}),
    "AWS::Glue::Job": frozenset({"Name"}),
    "AWS::Glue::Connection": frozenset({"CatalogId", "ConnectionInput.Name"}),
    "AWS::StepFunctions::StateMachine": frozenset({"StateMachineName", "StateMachineType"}),
    "AWS::Scheduler::Schedule": frozenset({"Name"}),
    "AWS::SNS::Topic": frozenset({"TopicName"}),
    "AWS::SNS::TopicPolicy": frozenset(),
    "AWS::Events::Rule": frozenset({"Name"}),
    "AWS::Events::Connection": frozenset({"Name"}),
    "AWS::Events::ApiDestination": frozenset({"Name"}),
    "AWS::EC2::SecurityGroup": frozenset({"GroupDescription", "VpcId"}),
    "AWS::EC2::SecurityGroupIngress": frozenset(
        {"GroupId", "SourceSecurityGroupId", "IpProtocol", "FromPort", "ToPort"}
    ),
    "AWS::EC2::SecurityGroupEgress": frozenset(
        {"GroupId", "DestinationSecurityGroupId", "IpProtocol", "FromPort", "ToPort"}
    ),
    "AWS::EC2::VPCEndpoint": frozenset({"VpcId", "VpcEndpointType", "ServiceName"}),
    "AWS::RedshiftServerless::Namespace": frozenset({"NamespaceName"}),
    "AWS::RedshiftServerless::Workgroup": frozenset({"WorkgroupName", "NamespaceName"}),
}
"""Properties whose change replaces the resource (createOnlyProperties of CloudFormation's schemas)."""

_IDENTITIES = ("Sid", "PolicyName", "Id", "Key", "Endpoint")
"""Keys that identify the items of a list."""

SHOWN = 60
"""Characters of a value that are shown."""

_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


@dataclass(frozen=True)
class Difference:
    """A property that changes: its dotted path, and its values as JSON text, or None where it is absent."""

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        match self.before, self.after:
            case None, after:
                return f"{self.path} added: {after}"
            case before, None:
                return f"{self.path} removed: {before}"
            case before, after:
                return f"{self.path} {before} → {after}"


@dataclass(frozen=True)
class ResourceChange(Change):
    """A change of one resource of the stack; `holds_data` if its content cannot be created again."""

    logical_id: str = ""
    type: str = ""
    holds_data: bool = False
    properties: tuple[Difference, ...] = ()


def compare(deployed: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """Return what happens to each resource when `wanted` is deployed; empty if nothing does."""
    before: Mapping[str, Any] = deployed["Resources"] if deployed else {}
    after: Mapping[str, Any] = wanted["Resources"]
    changes = []
    for logical_id, resource in after.items():
        if logical_id not in before:
            changes.append(_change("add", logical_id, resource))
        elif differences := tuple(_differences("", _body(before[logical_id]), _body(resource))):
            properties = {item.path.removeprefix("Properties.") for item in differences}
            replaced = bool(properties & CREATE_ONLY[resource["Type"]])
            changes.append(_change("replace" if replaced else "change", logical_id, resource, differences))
    gone = [logical_id for logical_id in before if logical_id not in after]
    return (*changes, *(_change("remove", logical_id, before[logical_id]) for logical_id in gone))


def holds_data(resource: Mapping[str, Any]) -> bool:
    """Return whether the template keeps the resource: the raw, silver and gold buckets, and the namespace."""
    kept = str(resource.get("DeletionPolicy", "")).startswith("Retain")
    return kept and resource["Type"] != "AWS::S3::BucketPolicy"


def loses_data(change: ResourceChange) -> bool:
    """Return whether something that holds data leaves the stack."""
    return change.holds_data and change.action in ("remove", "replace")


def data_lost(changes: Sequence[Mapping[str, Any]], deployed: Mapping[str, Any] | None) -> list[str]:
    """Return the resources with data that a change set takes out of the stack.

    `changes` are the ResourceChange items of its description.
    """
    resources = deployed["Resources"] if deployed else {}
    return [
        f"{change['ResourceType']} {change['LogicalResourceId']}"
        for change in changes
        if (change["Action"] == "Remove" or change.get("Replacement") == "True")
        and holds_data(resources.get(change["LogicalResourceId"], {"Type": change["ResourceType"]}))
    ]


def describe(logical_id: str, resource: Mapping[str, Any]) -> tuple[str, str]:
    """Return the word for the type of a resource, and its name."""
    what, path = KINDS.get(resource["Type"], (resource["Type"], ""))
    value: Any = resource.get("Properties", {})
    for part in path.split("."):
        value = value.get(part, logical_id) if isinstance(value, dict) else logical_id
    return what, value if isinstance(value, str) else logical_id


def _change(
    action: Action,
    logical_id: str,
    resource: Mapping[str, Any],
    differences: tuple[Difference, ...] = (),
) -> ResourceChange:
    what, name = describe(logical_id, resource)
    detail = ", ".join(str(item).removeprefix("Properties.") for item in differences)
    if action == "remove" and str(resource.get("DeletionPolicy", "")).startswith("Retain"):
        detail = "leaves the stack, but is not deleted"
    return ResourceChange(
        action, what, name, detail, logical_id, resource["Type"], holds_data(resource), differences
    )


def _body(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the resource without its type, the order of its creation and the metadata of other tools."""
    left_out = ("Type", "DependsOn", "Metadata")
    body = {key: value for key, value in resource.items() if key not in left_out}
    if own := resource.get("Metadata", {}).get("cryptoetl"):
        body["cryptoetl"] = own
    return body


def _differences(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    old, new = _keyed(before), _keyed(after)
    if old is None or new is None:
        yield Difference(path, _shown(before), _shown(after))
        return
    for key in dict.fromkeys([*old, *new]):
        below = f"{path}.{key}" if path else str(key)
        if key not in new:
            yield Difference(below, _shown(old[key]), None)
        elif key not in old:
            yield Difference(below, None, _shown(new[key]))
        else:
            yield from _differences(below, old[key], new[key])


def _keyed(value: Any) -> Mapping[str, Any] | None:
    """Return a mapping, or a list by the names of its items; None for functions and any other value."""
    if isinstance(value, dict):
        function = len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))
        return None if function else value
    if isinstance(value, list):
        for identity in _IDENTITIES:
            if value and all(isinstance(item, dict) and identity in item for item in value):
                return {str(item[identity]): item for item in value}
    return None


def _shown(value: Any) -> str:
    match value:
        case {"Fn::Sub": str(text)}:
            shown = text
        case {"Ref": str(text)} | {"Fn::GetAtt": [str(text), _]}:
            shown = text
        case str():
            shown = value
        case _:
            shown = json.dumps(value, ensure_ascii=False)
    shown = _HASH.sub(r"\1…", shown)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
