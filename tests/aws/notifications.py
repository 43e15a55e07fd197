"""What EventBridge delivers to SNS topics of the emulated account, which moto does not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any


def delivered(client: Callable[[str], Any], event: Mapping[str, Any]) -> list[str]:
    """Return the messages that the account's rules publish for an event.

    A statement with a Condition does not count: "You can't use Condition blocks in Amazon SNS topic policies
    for EventBridge" (EventBridge User Guide, Using resource-based policies). The rule then delivers nothing.
    """
    events, messages = client("events"), []
    for rule in events.list_rules()["Rules"]:
        if not _matches(json.loads(rule["EventPattern"]), event):
            continue
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            attributes = client("sns").get_topic_attributes(TopicArn=target["Arn"])["Attributes"]
            if any(
                _lets_publish(item, target["Arn"]) for item in json.loads(attributes["Policy"])["Statement"]
            ):
                messages.append(_message(target["InputTransformer"], event))
    return messages


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


def _message(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    text = str(transformer["InputTemplate"])
    for name, path in transformer["InputPathsMap"].items():
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", str(value))
    return str(json.loads(text))
