"""What can be known before a deploy: names, permissions, quotas, the definition. Reads, and changes nothing.

What may not be looked at is a note, not an error: the deploy itself will show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.cloudformation import State
from cryptoetl.aws.errors import code, is_denied, translate
from cryptoetl.aws.session import Session, resolved
from cryptoetl.aws.stack import template as stack
from cryptoetl.aws.stack.changes import ResourceChange
from cryptoetl.aws.stack.permissions import deployer
from cryptoetl.config.models import Config
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.target.deployment import Notice, Severity

RUNS_QUOTA = "Max concurrent job runs per account"
"""As Service Quotas names it."""


class Preflight:
    """The questions that `deploy` asks. Methods yield notices, and raise AwsError if AWS cannot be asked."""

    def __init__(self, config: Config, session: Session, buckets: Buckets) -> None:
        self._config = config
        self._session = session
        self._buckets = buckets

    def names(self, changes: Sequence[ResourceChange]) -> Iterator[Notice]:
        """Buckets, jobs, roles and the machine that exist under the names which the stack would create."""
        for change in changes:
            if change.action in ("add", "replace"):
                yield from self._name(change)

    def _name(self, change: ResourceChange) -> Iterator[Notice]:
        name = change.name
        match change.type:
            case "AWS::S3::Bucket":
                match self._buckets.look(name):
                    case "ours":
                        yield Notice("note", f"the bucket {name} exists: it is taken back with what is in it")
                    case "foreign":
                        yield Notice(
                            "error", f"the bucket name {name} is taken, or you may not look at it: "
                            "choose another `pipeline` name"
                        )  # fmt: skip
            case "AWS::Glue::Job":
                if self._exists("glue", "get_job", {"JobName": name}):
                    yield _taken("Glue job", name)
            case "AWS::IAM::Role":
                if self._exists("iam", "get_role", {"RoleName": name}):
                    yield _taken("role", name)
            case "AWS::StepFunctions::StateMachine":
                arn = f"arn:{self._session.identity.partition}:states:{self._session.region}:"
                arn += f"{self._session.identity.account}:stateMachine:{name}"
                if self._exists("stepfunctions", "describe_state_machine", {"stateMachineArn": arn}):
                    yield _taken("state machine", name)

    def _exists(self, service: str, operation: str, arguments: Mapping[str, str]) -> bool:
        try:
            getattr(self._session.client(service), operation)(**arguments)
        except ClientError as error:
            if code(error) in ("EntityNotFoundException", "NoSuchEntity", "StateMachineDoesNotExist"):
                return False
            if is_denied(error):
                return False  # then creating it will say so
            raise translate(error) from error
        return True

    def existing(self) -> Iterator[Notice]:
        """Buckets and roles that the configuration names, and that have to be there."""
        for kind in stack.KINDS:
            name = getattr(self._config.aws.buckets, kind)
            if name is not None and (look := self._buckets.look(name)) != "ours":
                why = "does not exist" if look == "missing" else "is not this account's, or must not be seen"
                yield Notice("error", f"the bucket {name} (aws.buckets.{kind}) {why}")
        aws = self._config.aws
        for field, named in (
            ("glue.role", aws.glue.role),
            ("machine.role", aws.machine.role),
            ("redshift.copy_role", aws.redshift.copy_role),
        ):
            if named is None:
                continue
            try:
                self._session.client("iam").get_role(RoleName=named.rpartition("/")[2])
            except ClientError as error:
                if code(error) == "NoSuchEntity":
                    yield Notice("error", f"the role {named} (aws.{field}) does not exist")
                elif is_denied(error):
                    yield Notice("note", f"not verified: {translate(error).message}")
                else:
                    raise translate(error) from error

    def definition(self, bundle: Bundle) -> Iterator[Notice]:
        """What Step Functions itself says of the definition."""
        text = state_machine.dumps(bundle.machine)
        if len(text.encode()) > state_machine.SIZE_LIMIT:
            return  # said already, with what would fit
        try:
            answer = self._session.client("stepfunctions").validate_state_machine_definition(
                definition=text, type="STANDARD"
            )
        except (ClientError, BotoCoreError) as error:
            yield Notice("note", f"the definition was not validated: {translate(error).message}")
            return
        for found in answer.get("diagnostics", ()):
            severity: Severity = "error" if found.get("severity") == "ERROR" else "warning"
            where = f" at {found['location']}" if found.get("location") else ""
            yield Notice(severity, f"the state machine{where}: {found.get('message')}")

    def permissions(self) -> Iterator[Notice]:
        """Which actions that a deploy needs are not allowed to whoever deploys, as IAM simulates it."""
        identity = self._session.identity
        source = _principal(identity.arn)
        if source is None:
            return  # the root user may do everything
        denied: list[str] = []
        try:
            for statement in deployer(self._config)["Statement"]:
                pages = self._session.client("iam").get_paginator("simulate_principal_policy")
                answers = pages.paginate(
                    PolicySourceArn=source,
                    ActionNames=[action for action in _list(statement["Action"]) if "*" not in action],
                    ResourceArns=[self._resource(item) for item in _list(statement["Resource"])],
                    ContextEntries=list(_context(statement)),
                )
                denied += [
                    f"{item['EvalActionName']} on {item.get('EvalResourceName', '*')}"
                    for answer in answers
                    for item in answer["EvaluationResults"]
                    if item["EvalDecision"] != "allowed"
                ]
        except (ClientError, BotoCoreError) as error:
            yield Notice("note", f"your permissions were not simulated: {translate(error).message}")
            return
        if denied:
            more = f" and {len(denied) - 5} more" if len(denied) > 5 else ""
            yield Notice(
                "warning",
                f"IAM's simulation says that {source} is not allowed {', '.join(denied[:5])}{more}; "
                "`cryptoetl render policies` prints what a deploy needs",
            )

    def _resource(self, resource: Any) -> str:
        """The ARN of something that the statement means, for a simulation: no patterns but `*`."""
        if resource == "*":
            return "*"
        text = str(resource["Fn::Sub"] if isinstance(resource, dict) else resource)
        return resolved(text, self._session).replace("*", "x")

    def concurrent_runs(self) -> int | None:
        """How many Glue job runs the account may have at once; None if that cannot be known."""
        try:
            pages = self._session.client("service-quotas").get_paginator("list_service_quotas")
            for page in pages.paginate(ServiceCode="glue"):
                for quota in page["Quotas"]:
                    if quota["QuotaName"].lower() == RUNS_QUOTA.lower():
                        return int(quota["Value"])
        except (ClientError, BotoCoreError):
            return None
        return None

    def state(self, state: State) -> Iterator[Notice]:
        """What the stack's own state means for a deploy."""
        if state.going:
            yield Notice("note", "the stack is being removed: `cryptoetl deploy` waits for that first")
        elif state.busy:
            yield Notice(
                "note", f"a deploy is under way ({state.status}): `cryptoetl deploy` follows it first"
            )
        elif state.status == "UPDATE_ROLLBACK_FAILED":
            name = stack.stack_name(self._config)
            yield Notice(
                "error",
                "the last deploy could be neither finished nor undone: mend the cause, then "
                f"`aws cloudformation continue-update-rollback --stack-name {name}`",
            )


def _taken(what: str, name: str) -> Notice:
    return Notice(
        "error",
        f"a {what} named {name} exists and is not part of this stack: remove it, or choose another "
        "`pipeline` name",
    )


def _principal(arn: str) -> str | None:
    """The IAM ARN behind a caller's; None for the root user."""
    if arn.endswith(":root"):
        return None
    if assumed := re.fullmatch(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.*", arn):
        return f"arn:{assumed[1]}:iam::{assumed[2]}:role/{assumed[3]}"
    return arn


def _context(statement: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Values with which the statement's conditions hold: without them everything would be denied."""
    for conditions in statement.get("Condition", {}).values():
        for key, values in conditions.items():
            yield {
                "ContextKeyName": key,
                "ContextKeyValues": [_list(values)[0]],
                "ContextKeyType": "string",
            }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
