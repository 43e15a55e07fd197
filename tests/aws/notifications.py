"""What EventBridge delivers to SNS topics and webhooks of the emulated account, which moto does not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:crypto"


def ended(**detail: Any) -> dict[str, Any]:
    """Return the event of a change of an execution's status, whose name is `monday` by default."""
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"stateMachineArn": MACHINE, "name": "monday", **detail},
    }


def delivered(client: Callable[[str], Any], event: Mapping[str, Any]) -> list[str]:
    """Return the messages that the account's rules publish for an event.

    A statement with a Condition does not count: "You can't use Condition blocks in Amazon SNS topic policies
    for EventBridge" (EventBridge User Guide, Using resource-based policies). The rule then delivers nothing.
    """
    messages = []
    for target in _targets(client, event, "sns"):
        attributes = client("sns").get_topic_attributes(TopicArn=target["Arn"])["Attributes"]
        if any(_lets_publish(item, target["Arn"]) for item in json.loads(attributes["Policy"])["Statement"]):
            messages.append(str(_message(target["InputTransformer"], event)))
    return messages


def posted(client: Callable[[str], Any], event: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what the account's rules post for an event: URL and body of each request.

    The target's role must let EventBridge assume it, and allow the destination (EventBridge User Guide,
    Permissions required for EventBridge to access targets using IAM roles).
    """
    requests = []
    for target in _targets(client, event, "events"):
        name = target["Arn"].split("/")[1]
        destination = client("events").describe_api_destination(Name=name)
        connection = client("events").describe_connection(Name=destination["ConnectionArn"].split("/")[1])
        assert connection["AuthorizationType"] == "API_KEY"
        if _may_invoke(client("iam"), target["RoleArn"].rpartition("/")[2], target["Arn"]):
            body = _message(target["InputTransformer"], event)
            requests.append((destination["InvocationEndpoint"], body))
    return requests


def _targets(client: Callable[[str], Any], event: Mapping[str, Any], service: str) -> list[dict[str, Any]]:
    """The targets of this service to which the rules send the event."""
    events = client("events")
    return [
        target
        for rule in events.list_rules()["Rules"]
        if _matches(json.loads(rule["EventPattern"]), event)
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        if target["Arn"].split(":")[2] == service
    ]


def _may_invoke(iam: Any, role: str, destination: str) -> bool:
    trusted = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    policies = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return any(item["Principal"] == {"Service": "events.amazonaws.com"} for item in trusted) and any(
        statement["Action"] == "events:InvokeApiDestination"
        and fnmatchcase(destination, statement["Resource"])
        for statements in policies
        for statement in statements
    )


def _lets_publish(statement: Mapping[str, Any], topic: str) -> bool:
    return (
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "events.amazonaws.com"}
        and statement["Action"] == "sns:Publish"
        and statement["Resource"] == topic
        and "Condition" not in statement
    )


def _matches(pattern: Any, value: Any) -> bool:
    match pattern:
        case dict():
            return all(key in value and _matches(item, value[key]) for key, item in pattern.items())
        case list():
            return any(_matches_one(item, value) for item in pattern)
    raise AssertionError(f"an event pattern has no {pattern!r}")


def _matches_one(item: Any, value: Any) -> bool:
    match item:
        case {"wildcard": str(pattern)}:
            return fnmatchcase(value, pattern)
        case str():
            return bool(item == value)
    raise AssertionError(f"no such filter is emulated: {item!r}")


def _message(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    text = str(transformer["InputTemplate"])
    for name, path in transformer["InputPathsMap"].items():
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", str(value))
    return json.loads(text)
