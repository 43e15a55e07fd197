"""CloudFormation for the emulator: change sets, events, rollback, deletion and import, resource by resource.

moto's own creates no Glue job, schedule or bucket policy, emits no event of a resource and never fails. This
one does what the service documents, in a thread, and makes the resources by the SDK's
calls to the same server. Which change replaces a resource is read from cfn-lint's copy of its schemas.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from tests.aws.resources import Handler

ACCOUNT, REGION = "123456789012", "eu-central-1"

_SECRET = re.compile(r"\{\{resolve:secretsmanager:(.+)\}\}")
"""A dynamic reference to the whole text of a secret (User Guide, Get a secret or secret value)."""

IMPORT_REFUSED = (
    "CloudFormation is attempting to import some resources because they already exist in your account. The "
    "resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the "
    "template for successful import. The affected resources are {}"
)
"""The service's reason (aws/aws-cdk-cli, pull request 1367)."""


@dataclass
class Resource:
    """A resource of a stack: its template entry, and what was created from it."""

    type: str
    entry: Mapping[str, Any]
    id: str
    attributes: Mapping[str, str]
    properties: Mapping[str, Any]


@dataclass
class Stack:
    id: str
    name: str
    status: str
    text: str = ""
    tags: list[Any] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime | None = None

    @property
    def template(self) -> Mapping[str, Any]:
        parsed: Mapping[str, Any] = json.loads(self.text) if self.text else {"Resources": {}}
        return parsed


@dataclass
class ChangeSet:
    id: str
    stack: Stack
    text: str
    tags: list[Any]
    changes: list[dict[str, Any]]
    adopted: set[str]
    status: str = "CREATE_COMPLETE"
    reason: str = ""


class Refused(Exception):
    """A ValidationError of the service."""


class CloudFormation:
    """The stacks of one account and region.

    `read` returns the text of a template at a URL, `secret` the value of a secret, or raises KeyError.
    `failing` maps logical ids to the reason why they cannot be created or changed; `held` maps them to an
    event for which the operation waits.
    """

    def __init__(
        self, handlers: Mapping[str, Handler], read: Callable[[str], str], secret: Callable[[str], str]
    ) -> None:
        self.handlers = handlers
        self.read = read
        self.secret = secret
        self.stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        self.failing: dict[str, str] = {}
        self.held: dict[str, threading.Event] = {}
        self._operations: list[threading.Thread] = []
        self.drifted: list[dict[str, Any]] = []

    # --- the calls

    def create_change_set(self, p: Mapping[str, Any]) -> dict[str, Any]:
        text = p.get("TemplateBody") or self.read(p["TemplateURL"])
        stack = self.find(p["StackName"], missing_ok=True)
        if p.get("ChangeSetType") == "UPDATE":
            if stack is None or stack.status in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
                raise Refused(f"Stack [{p['StackName']}] does not exist")
            if stack.status in ("ROLLBACK_COMPLETE", "DELETE_FAILED"):
                raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        elif stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise Refused(f"Stack [{stack.name}] already exists and cannot be created again")
        if "CAPABILITY_NAMED_IAM" not in p.get("Capabilities", ()):
            raise Refused("Requires capabilities : [CAPABILITY_NAMED_IAM]")
        if stack is None:
            stack = Stack(_arn("stack", p["StackName"]), p["StackName"], "REVIEW_IN_PROGRESS")
            self.stacks[stack.id] = stack
        adopted, unkept = set[str](), list[str]()
        if p.get("ImportExistingResources"):
            adopted, unkept = self._existing(stack, json.loads(text))
        changes = self._changes(stack, json.loads(text), adopted)
        made = ChangeSet(
            _arn("changeSet", p["ChangeSetName"]), stack, text, p.get("Tags", []), changes, adopted
        )
        if unkept:
            made.status, made.reason = "FAILED", IMPORT_REFUSED.format(", ".join(unkept))
        elif not changes:
            made.status = "FAILED"
            made.reason = (
                "The submitted information didn't contain changes. "
                "Submit different information to create a change set."
            )
        self.change_sets[made.id] = made
        return {"Id": made.id, "StackId": stack.id}

    def describe_change_set(self, p: Mapping[str, Any]) -> dict[str, Any]:
        found = self.change_sets[p["ChangeSetName"]]
        return {
            "ChangeSetId": found.id,
            "StackId": found.stack.id,
            "Status": found.status,
            "StatusReason": found.reason,
            "Changes": [{"Type": "Resource", "ResourceChange": change} for change in found.changes],
        }

    def delete_change_set(self, p: Mapping[str, Any]) -> dict[str, Any]:
        self.change_sets.pop(p["ChangeSetName"], None)
        return {}

    def _begin(self, operation: Callable[..., None], *arguments: Any) -> None:
        """Carry out an operation on a stack in the background."""
        thread = threading.Thread(target=operation, args=arguments, daemon=True)
        self._operations.append(thread)
        thread.start()

    def finish(self) -> None:
        """Wait for the operations in progress, and hold none of them any longer."""
        for event in self.held.values():
            event.set()
        for thread in self._operations:
            thread.join(30)

    def execute_change_set(self, p: Mapping[str, Any]) -> dict[str, Any]:
        made = self.change_sets[p["ChangeSetName"]]
        stack, token = made.stack, p.get("ClientRequestToken", "")
        word = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
        stack.updated = datetime.now(UTC) if word == "UPDATE" else None
        self._stack_event(stack, f"{word}_IN_PROGRESS", token, "User Initiated")
        self._begin(self._execute, *(made, word, token))
        self.change_sets = {key: item for key, item in self.change_sets.items() if item.stack is not stack}
        return {}

    def delete_stack(self, p: Mapping[str, Any]) -> dict[str, Any]:
        stack = self.find(p["StackName"], missing_ok=True)
        if stack is None:
            return {}
        token = p.get("ClientRequestToken", "")
        self._stack_event(stack, "DELETE_IN_PROGRESS", token, "User Initiated")
        self._begin(self._delete, *(stack, token))
        return {}

    def describe_stacks(self, p: Mapping[str, Any]) -> dict[str, Any]:
        stack = self.find(p["StackName"])
        assert stack is not None
        described = {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "CreationTime": stack.created,
            "Tags": stack.tags,
        } | ({"LastUpdatedTime": stack.updated} if stack.updated else {})
        return {"Stacks": [described]}

    def describe_stack_events(self, p: Mapping[str, Any]) -> dict[str, Any]:
        stack = self.find(p["StackName"])
        assert stack is not None
        return {"StackEvents": stack.events[::-1]}

    def get_template(self, p: Mapping[str, Any]) -> dict[str, Any]:
        stack = self.find(p["StackName"])
        assert stack is not None
        return {"TemplateBody": stack.text}

    def list_stack_resources(self, p: Mapping[str, Any]) -> dict[str, Any]:
        stack = self.find(p["StackName"])
        assert stack is not None
        summaries = [
            {
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": resource.id,
                "ResourceType": resource.type,
                "ResourceStatus": "CREATE_COMPLETE",
                "LastUpdatedTimestamp": datetime.now(UTC),
            }
            for logical_id, resource in stack.resources.items()
        ]
        return {"StackResourceSummaries": summaries}

    def detect_stack_drift(self, p: Mapping[str, Any]) -> dict[str, Any]:
        return {"StackDriftDetectionId": str(uuid.uuid4())}

    def describe_stack_drift_detection_status(self, p: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "StackId": "",
            "StackDriftDetectionId": p["StackDriftDetectionId"],
            "DetectionStatus": "DETECTION_COMPLETE",
            "Timestamp": datetime.now(UTC),
        }

    def describe_stack_resource_drifts(self, p: Mapping[str, Any]) -> dict[str, Any]:
        return {"StackResourceDrifts": self.drifted}

    # --- the work

    def find(self, name: str, *, missing_ok: bool = False) -> Stack | None:
        """By id any stack, by name one that is not deleted."""
        if name in self.stacks:
            return self.stacks[name]
        for stack in self.stacks.values():
            if stack.name == name and stack.status != "DELETE_COMPLETE":
                return stack
        if missing_ok:
            return None
        raise Refused(f"Stack with id {name} does not exist")

    def _existing(self, stack: Stack, template: Mapping[str, Any]) -> tuple[set[str], list[str]]:
        """Return what is imported, and what exists but may not be imported, as the service describes it.

        Only names without a function are recognized (User Guide, Import AWS resources into a CloudFormation
        stack automatically).
        """
        adopted, unkept = set(), []
        for logical_id, entry in template["Resources"].items():
            properties = entry.get("Properties", {})
            identifier = static_identifier(entry["Type"], properties)
            if logical_id in stack.resources or identifier is None:
                continue
            if not self.handlers[entry["Type"]].exists(resolved(properties, {})):
                continue
            if entry.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate"):
                adopted.add(logical_id)
            else:
                named = ", ".join(f"{name}={value}" for name, value in identifier.items())
                unkept.append(f"{logical_id} ({{{named}}})")
        return adopted, unkept

    def _changes(self, stack: Stack, after: Mapping[str, Any], adopted: set[str]) -> list[dict[str, Any]]:
        old, new = (
            {key: resolved(entry, stack.resources) for key, entry in template["Resources"].items()}
            for template in (stack.template, after)
        )
        changes = []
        for logical_id, entry in new.items():
            change = {"LogicalResourceId": logical_id, "ResourceType": entry["Type"]}
            if logical_id not in old:
                changes.append(change | {"Action": "Import" if logical_id in adopted else "Add"})
            elif old[logical_id] != entry:
                differs = _replaces(
                    entry["Type"], *(e.get("Properties", {}) for e in (old[logical_id], entry))
                )
                replaced = "True" if differs else "False"
                changes.append(change | {"Action": "Modify", "Replacement": replaced})
        changes += [
            {"LogicalResourceId": logical_id, "ResourceType": entry["Type"], "Action": "Remove"}
            for logical_id, entry in old.items()
            if logical_id not in new
        ]
        return changes

    def _execute(self, made: ChangeSet, word: str, token: str) -> None:
        stack, before = made.stack, dict(made.stack.resources)
        template, text = json.loads(made.text), stack.text
        stack.text = made.text
        touched: list[str] = []
        try:
            for logical_id in _ordered(template["Resources"]):
                entry = template["Resources"][logical_id]
                old = before.get(logical_id)
                if old is not None and resolved(old.entry, before) == resolved(entry, stack.resources):
                    stack.resources[logical_id] = replace(old, entry=entry)
                    continue
                touched.append(logical_id)
                self._make(stack, logical_id, entry, token, adopt=logical_id in made.adopted)
        except Exception as error:
            stack.text = text
            self._roll_back(stack, before, touched, word, token, str(error))
            return
        for logical_id in [key for key in before if key not in template["Resources"]]:
            self._drop(stack, logical_id, token)
        stack.tags = made.tags
        self._stack_event(stack, f"{word}_COMPLETE", token)

    def _make(
        self, stack: Stack, logical_id: str, entry: Mapping[str, Any], token: str, *, adopt: bool
    ) -> None:
        handler = self.handlers[entry["Type"]]
        properties = resolved(entry.get("Properties", {}), stack.resources)
        old = stack.resources.get(logical_id)
        word = "IMPORT" if adopt else "UPDATE" if old else "CREATE"
        name = old.id if old else ""
        self._event(stack, logical_id, entry["Type"], name, f"{word}_IN_PROGRESS", token)
        if logical_id in self.held:
            self.held[logical_id].wait(60)
        try:
            if reason := self.failing.get(logical_id):
                raise RuntimeError(reason)  # noqa: TRY301 - as the service would
            given = self._revealed(properties)
            _verify(entry["Type"], given)
            if old is not None and _replaces(old.type, old.properties, properties):
                handler.delete(old.id, old.properties)
                old = None
            if old is not None:
                handler.update(old.id, given)
                made = (old.id, old.attributes)
            elif adopt:
                made = handler.adopt(given)
            else:
                if handler.exists(properties):
                    raise RuntimeError(f"{entry['Type']} {logical_id} already exists")  # noqa: TRY301
                made = handler.create(given)
        except Exception as error:
            self._event(stack, logical_id, entry["Type"], name, f"{word}_FAILED", token, str(error))
            raise
        stack.resources[logical_id] = Resource(entry["Type"], entry, *made, properties)
        self._event(stack, logical_id, entry["Type"], made[0], f"{word}_COMPLETE", token)

    def _revealed(self, node: Any) -> Any:
        """The properties with the values of secrets that they refer to, which only the resource gets."""
        match node:
            case str() if found := _SECRET.fullmatch(node):
                try:
                    return self.secret(found[1])
                except KeyError:
                    raise RuntimeError("Secrets Manager can't find the specified secret.") from None
            case dict():
                return {key: self._revealed(item) for key, item in node.items()}
            case list():
                return [self._revealed(item) for item in node]
            case _:
                return node

    def _roll_back(
        self,
        stack: Stack,
        before: Mapping[str, Resource],
        touched: list[str],
        word: str,
        token: str,
        reason: str,
    ) -> None:
        rolling = "ROLLBACK" if word == "CREATE" else "UPDATE_ROLLBACK"
        self._stack_event(stack, f"{rolling}_IN_PROGRESS", token, reason)
        failed = False
        for logical_id in reversed(touched):
            if old := before.get(logical_id):
                self.handlers[old.type].update(old.id, self._revealed(old.properties))
                stack.resources[logical_id] = old
            elif logical_id in stack.resources:
                try:
                    self._drop(stack, logical_id, token, rollback=True)
                except Exception:
                    failed = True
        self._stack_event(stack, f"{rolling}_{'FAILED' if failed else 'COMPLETE'}", token)

    def _drop(self, stack: Stack, logical_id: str, token: str, *, rollback: bool = False) -> None:
        """Take a resource out of the stack.

        RetainExceptOnCreate does not keep it in a rollback, not even if it was imported: what the service
        does with that is not documented, and this is the worst that it could do.
        """
        resource = stack.resources[logical_id]
        kept = ("Retain",) if rollback else ("Retain", "RetainExceptOnCreate")
        if resource.entry.get("DeletionPolicy") in kept:
            self._event(stack, logical_id, resource.type, resource.id, "DELETE_SKIPPED", token)
        else:
            self._event(stack, logical_id, resource.type, resource.id, "DELETE_IN_PROGRESS", token)
            if logical_id in self.held:
                self.held[logical_id].wait(60)
            try:
                self.handlers[resource.type].delete(resource.id, resource.properties)
            except Exception as error:
                self._event(stack, logical_id, resource.type, resource.id, "DELETE_FAILED", token, str(error))
                raise
            self._event(stack, logical_id, resource.type, resource.id, "DELETE_COMPLETE", token)
        del stack.resources[logical_id]

    def _delete(self, stack: Stack, token: str) -> None:
        try:
            for logical_id in reversed(_ordered(stack.template["Resources"])):
                if logical_id in stack.resources:
                    self._drop(stack, logical_id, token)
        except Exception as error:
            self._stack_event(stack, "DELETE_FAILED", token, str(error))
            return
        self._stack_event(stack, "DELETE_COMPLETE", token)

    def _stack_event(self, stack: Stack, status: str, token: str, reason: str = "") -> None:
        self._event(stack, stack.name, "AWS::CloudFormation::Stack", stack.id, status, token, reason)
        stack.status = status

    def _event(
        self, stack: Stack, logical_id: str, kind: str, name: str, status: str, token: str, reason: str = ""
    ) -> None:
        event = {
            "StackId": stack.id,
            "StackName": stack.name,
            "EventId": str(uuid.uuid4()),
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": name,
            "ResourceType": kind,
            "ResourceStatus": status,
            "Timestamp": datetime.now(UTC),
        }
        event |= {"ResourceStatusReason": reason} if reason else {}
        event |= {"ClientRequestToken": token} if token else {}
        stack.events.append(event)


# --- templates ----------------------------------------------------------------------------------------


def resolved(node: Any, made: Mapping[str, Resource]) -> Any:
    """The properties with functions evaluated; what is not created yet stays as its logical id."""
    match node:
        case {"Ref": str(name)}:
            return _pseudo(f"${{{name}}}") if name.startswith("AWS::") else _attribute(name, None, made)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return _attribute(name, attribute, made)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\.([\w.]+)\}", lambda m: _attribute(m[1], m[2], made), _pseudo(text))
        case dict():
            return {key: resolved(item, made) for key, item in node.items()}
        case list():
            return [resolved(item, made) for item in node]
        case _:
            return node


def _attribute(name: str, attribute: str | None, made: Mapping[str, Resource]) -> str:
    if name not in made:
        return name
    return made[name].id if attribute is None else made[name].attributes[attribute]


def _pseudo(text: str) -> str:
    for name, value in {"AccountId": ACCOUNT, "Region": REGION, "Partition": "aws"}.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def _ordered(entries: Mapping[str, Any]) -> list[str]:
    """Logical ids, each after those that it refers to."""
    ordered: dict[str, None] = {}

    def add(logical_id: str) -> None:
        if logical_id not in ordered:
            for other in _references(entries[logical_id].get("Properties", {})) & entries.keys():
                add(other)
            ordered[logical_id] = None

    for logical_id in entries:
        add(logical_id)
    return list(ordered)


def _references(node: Any) -> set[str]:
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return set(re.findall(r"\$\{(\w+)\.", text))
        case dict():
            return set().union(*map(_references, node.values())) if node else set()
        case list():
            return set().union(*map(_references, node)) if node else set()
        case _:
            return set()


def _replaces(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    for path in create_only(kind):
        before, after = old, new
        for part in path.split("."):
            before, after = before.get(part, {}), after.get(part, {})
        if before != after:
            return True
    return False


@cache
def create_only(kind: str) -> frozenset[str]:
    """Dotted paths of the properties that only a replacement changes, from the service's schema."""
    return frozenset(_paths(kind, "createOnlyProperties"))


@cache
def schema(kind: str) -> Mapping[str, Any]:
    """The service's schema of a type of resource."""
    schemas = resources.files("cfnlint.data.schemas")
    names = json.loads((schemas / "providers" / f"{REGION}.json").read_text(encoding="utf-8"))
    text = (schemas / "resources" / f"{names[kind]}.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def _verify(kind: str, properties: Mapping[str, Any]) -> None:
    """Refuse texts that the type's schema does not allow, without repeating them."""
    for name, rule in schema(kind)["properties"].items():
        value = properties.get(name)
        if not isinstance(value, str):
            continue
        if len(value) > rule.get("maxLength", len(value)):
            raise RuntimeError(f"Model validation failed (#/{name}: expected maxLength: {rule['maxLength']})")
        if "pattern" in rule and not re.search(rule["pattern"], value):
            raise RuntimeError(f"Model validation failed (#/{name}: its pattern does not match)")


@cache
def _paths(kind: str, of: str) -> list[str]:
    return [str(path).removeprefix("/properties/").replace("/", ".") for path in schema(kind).get(of, ())]


def static_identifier(kind: str, properties: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The primary identifier, if the template has all of it as plain text."""
    names = _paths(kind, "primaryIdentifier")
    if set(names) & set(_paths(kind, "readOnlyProperties")):
        return None
    identifier = {name: value for name in names if isinstance(value := properties.get(name), str)}
    return identifier if len(identifier) == len(names) else None


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:{kind}/{name}/{uuid.uuid4()}"
