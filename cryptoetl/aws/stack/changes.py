"""How two templates of a pipeline differ, resource by resource, in words.

Pure. CloudFormation's change set says the same with its own authority once it exists; this says it before
anything is created, and what the properties were and will be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
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
    "AWS::EC2::SecurityGroup": ("security group", ""),
    "AWS::EC2::SecurityGroupIngress": ("security group rule", ""),
    "AWS::EC2::SecurityGroupEgress": ("security group rule", ""),
    "AWS::EC2::VPCEndpoint": ("endpoint", ""),
    "AWS::RedshiftServerless::Namespace": ("namespace", "NamespaceName"),
    "AWS::RedshiftServerless::Workgroup": ("workgroup", "WorkgroupName"),
}
"""What people call each type of resource, and the property with its name; "" where none has one."""

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
"""Properties whose change makes CloudFormation replace the resource (createOnlyProperties of its schemas)."""

_IDENTITIES = ("Sid", "PolicyName", "Id", "Key", "Endpoint")
"""Keys by which the items of a list are told apart."""

SHOWN = 60
"""Characters shown of a value."""

_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


@dataclass(frozen=True)
class Difference:
    """A property that changes: its dotted path, and its values as JSON text; None where there is none."""

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
    """One resource of the stack. `holds_data` if what is in it cannot be made again."""

    logical_id: str = ""
    type: str = ""
    holds_data: bool = False
    properties: tuple[Difference, ...] = ()


def compare(deployed: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """What happens to each resource when `wanted` is deployed; empty if nothing does."""
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
    """Whether the resource is one that the template says to keep: raw, silver and gold; the namespace."""
    kept = str(resource.get("DeletionPolicy", "")).startswith("Retain")
    return kept and resource["Type"] != "AWS::S3::BucketPolicy"


def describe(logical_id: str, resource: Mapping[str, Any]) -> tuple[str, str]:
    """What people call a resource, and its name."""
    what, path = KINDS.get(resource["Type"], (resource["Type"], ""))
    value: Any = resource.get("Properties", {})
    for part in path.split("."):
        value = value.get(part, logical_id) if isinstance(value, dict) else logical_id
    return what, str(value.get("Fn::Sub", logical_id) if isinstance(value, dict) else value)


def _change(
    action: Action,
    logical_id: str,
    resource: Mapping[str, Any],
    differences: tuple[Difference, ...] = (),
) -> ResourceChange:
    what, name = describe(logical_id, resource)
    detail = ", ".join(str(item).removeprefix("Properties.") for item in differences)
    if action == "remove" and str(resource.get("DeletionPolicy", "")).startswith("Retain"):
        detail = "leaves the stack, and stays as it is"
    return ResourceChange(
        action, what, name, detail, logical_id, resource["Type"], holds_data(resource), differences
    )


def _body(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """All of a resource but its type and what only scanners read."""
    body = {key: value for key, value in resource.items() if key not in ("Type", "Metadata")}
    if ours := resource.get("Metadata", {}).get("cryptoetl"):
        body["cryptoetl"] = ours
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
    """A mapping, or a list whose items have names; None for any other value and for functions."""
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
