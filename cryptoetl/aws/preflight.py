"""Checks before a deploy: names, roles, subnets, permissions, quotas, the definition. They only read.

What the caller may not read is a note, not an error: the deploy itself will show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.aws import network, webhook
from cryptoetl.aws.buckets import Owner
from cryptoetl.aws.errors import code, is_denied, translate, translating
from cryptoetl.aws.existing import exists
from cryptoetl.aws.session import Session, resolved
from cryptoetl.aws.stack import template as stack
from cryptoetl.aws.stack.changes import ResourceChange
from cryptoetl.aws.stack.permissions import deployer
from cryptoetl.aws.stack.state import StackState
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.target.deployment import Notice, Severity

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

RUNS_QUOTA = "Max concurrent job runs per account"
DPU_QUOTA = "Max task DPUs per account"
"""Names in Service Quotas."""


class Preflight:
    """The checks of one plan. Methods yield notices, and raise AwsError if AWS does not answer."""

    def __init__(self, config: Config, session: Session) -> None:
        self._config = config
        self._session = session

    def names(self, changes: Sequence[ResourceChange], owners: Mapping[str, Owner]) -> Iterator[Notice]:
        """Yield the resources that exist under a name which the stack would create.

        `owners` has the owner of each such bucket.
        """
        for change in changes:
            if change.action in ("add", "replace"):
                yield from self._name(change, owners)

    def _name(self, change: ResourceChange, owners: Mapping[str, Owner]) -> Iterator[Notice]:
        what, name = change.what, change.name
        match owners.get(name):
            case "ours" if change.holds_data:
                yield Notice(
                    "note", f"the bucket {name} exists, and is imported with its contents and settings"
                )
            case "ours":
                yield Notice(
                    "error", f"the bucket {name} exists and is not part of this stack: `cryptoetl destroy` "
                    "removes it, and keeps all data"
                )  # fmt: skip
            case "foreign":
                yield Notice(
                    "error", f"the bucket name {name} is taken, or not visible to you: "
                    "choose another `pipeline` name"
                )  # fmt: skip
            case _ if exists(self._session, change.type, name):
                yield Notice(
                    "error", f"a {what} named {name} exists and is not part of this stack: remove it, or "
                    "choose another `pipeline` name"
                )  # fmt: skip

    def existing(self, owners: Mapping[str, Owner]) -> Iterator[Notice]:
        """Yield what does not exist of the buckets and roles that the configuration names.

        `owners` has the owner of each such bucket.
        """
        for kind in stack.KINDS:
            name = getattr(self._config.aws.buckets, kind)
            if name is not None and (owner := owners[name]) != "ours":
                why = (
                    "does not exist"
                    if owner == "missing"
                    else "belongs to another account, or is not visible to you"
                )
                yield Notice("error", f"the bucket {name} (aws.buckets.{kind}) {why}")
        aws = self._config.aws
        for field, named in (
            ("glue.role", aws.glue.role),
            ("machine.role", aws.machine.role),
            ("redshift.copy_role", aws.redshift.copy_role),
        ):
            if named is None:
                continue
            yield from self._role(named, f"aws.{field}")

    def _role(self, named: str, field: str) -> Iterator[Notice]:
        """Yield an error if the role does not exist, or has another ARN than the stack would use."""
        used = resolved(stack.role_arn(named), self._session)
        try:
            found = self._session.client("iam").get_role(RoleName=named.rpartition("/")[2])["Role"]["Arn"]
        except ClientError as error:
            if code(error) == "NoSuchEntity":
                yield Notice("error", f"the role {named} ({field}) does not exist")
            elif is_denied(error):
                yield Notice("note", f"not verified: {translate(error).message}")
            else:
                raise translate(error) from error
            return
        if found != used:
            yield Notice("error", f"the role {named} ({field}) has another ARN than {used}: write {found}")

    def network(
        self, deployed: Mapping[str, Any] | None, changes: Sequence[ResourceChange]
    ) -> Iterator[Notice]:
        """Yield what is wrong with the subnets, if the changes create a workgroup or touch what uses them.

        `deployed` is the template of the deployed stack.
        """
        aws = self._config.aws
        actions = {change.type: change.action for change in changes}
        workgroup = actions.get("AWS::RedshiftServerless::Workgroup")
        if not aws.redshift.create or not (workgroup or "AWS::Glue::Connection" in actions):
            return
        grown_from = aws.redshift.capacity
        if deployed is not None and workgroup == "change":
            grown_from = deployed["Resources"]["Workgroup"]["Properties"]["BaseCapacity"]
        created = workgroup in ("add", "replace")
        needed = network.free_addresses(aws.redshift.capacity, None if created else grown_from)
        try:
            yield from network.check(self._session.client("ec2"), self._config, self._session.region, needed)
        except (ClientError, BotoCoreError) as error:
            yield Notice("note", f"the subnets were not verified: {translate(error).message}")

    def webhook(self) -> Iterator[Notice]:
        """Yield what is wrong with the secret that holds the URL of the webhook, if there is one."""
        if found := self._config.aws.webhook:
            yield from webhook.check(self._session.client("secretsmanager"), found)

    def definition(self, bundle: Bundle) -> Iterator[Notice]:
        """Yield what Step Functions' own validation finds in the definition."""
        text = state_machine.dumps(bundle.machine)
        if len(text.encode()) > state_machine.SIZE_LIMIT:
            return  # `review.limits` has an error for it
        try:
            answer = self._session.client("stepfunctions").validate_state_machine_definition(
                definition=text, type="STANDARD", severity="WARNING"
            )
        except (ClientError, BotoCoreError) as error:
            yield Notice("note", f"the definition was not validated: {translate(error).message}")
            return
        for found in answer.get("diagnostics", ()):
            severity: Severity = "error" if found["severity"] == "ERROR" else "warning"
            where = f" at {found['location']}" if found.get("location") else ""
            yield Notice(severity, f"the state machine{where}: {found['message']} ({found['code']})")
        if answer.get("truncated"):
            yield Notice("note", "Step Functions finds more than these in the state machine")

    def permissions(self) -> Iterator[Notice]:
        """Yield the actions that a deploy needs and IAM's simulation denies to the caller."""
        try:
            source = self._principal()
        except (ClientError, BotoCoreError) as error:
            yield Notice("note", f"your permissions were not simulated: {translate(error).message}")
            return
        if source is None:
            return  # the root user is allowed everything
        if not source:
            arn = self._session.identity.arn
            yield Notice("note", f"your permissions were not simulated: IAM cannot, for {arn}")
            return
        denied: list[str] = []
        try:
            # `doctor` needs the statement of its name, a deploy does not.
            needed = (s for s in deployer(self._config)["Statement"] if s["Sid"] != "Doctor")
            for statement in needed:
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
                f"according to IAM's simulation, {source} is not allowed {', '.join(denied[:5])}{more}; "
                "`cryptoetl render policies` prints what a deploy needs",
            )

    def _principal(self) -> str | None:
        """Return the ARN of the IAM user or role behind the caller.

        None for the root user; "" for a federated user, whose permissions IAM does not simulate
        (SimulatePrincipalPolicy). The ARN of an assumed role lacks the role's path: IAM has to say it.
        """
        arn = self._session.identity.arn
        if re.fullmatch(r"arn:[^:]+:iam::\d+:root|arn:[^:]+:sts::\d+:assumed-root/.*", arn):
            return None
        if assumed := re.fullmatch(r"arn:[^:]+:sts::\d+:assumed-role/([^/]+)/.*", arn):
            return self._session.client("iam").get_role(RoleName=assumed[1])["Role"]["Arn"]
        return arn if re.fullmatch(r"arn:[^:]+:iam::\d+:(user|role)/.+", arn) else ""

    def _resource(self, resource: Any) -> str:
        """Return an ARN that the statement covers: a simulation takes no pattern except `*` alone."""
        if resource == "*":
            return "*"
        text = str(resource["Fn::Sub"] if isinstance(resource, dict) else resource)
        return resolved(text, self._session).replace("*", "x").replace("?", "x")

    def quotas(self) -> Mapping[str, int]:
        """Return the account's quotas of Glue by their names in lower case; none if they are not readable."""
        try:
            return self.read_quotas()
        except AwsError:
            return {}

    def read_quotas(self) -> Mapping[str, int]:
        """Return the account's quotas of Glue by their names in lower case."""
        with translating():
            pages = self._session.client("service-quotas").get_paginator("list_service_quotas")
            return {
                quota["QuotaName"].lower(): int(quota["Value"])
                for page in pages.paginate(ServiceCode="glue")
                for quota in page["Quotas"]
            }

    def state(self, state: StackState) -> Iterator[Notice]:
        """Yield what the stack's state means for a deploy."""
        if state.deleting:
            yield Notice("note", "the stack is being deleted: `cryptoetl deploy` waits for that first")
        elif state.busy:
            yield Notice(
                "note", f"a deploy is in progress ({state.status}): `cryptoetl deploy` follows it first"
            )
        elif state.status == "UPDATE_ROLLBACK_FAILED":
            name = stack.stack_name(self._config)
            yield Notice(
                "error",
                "the last deploy failed, and so did its rollback: fix the cause, then run "
                f"`aws cloudformation continue-update-rollback --stack-name {name}`",
            )


def _context(statement: Mapping[str, Any]) -> Iterator[ContextEntryTypeDef]:
    """Yield values that satisfy the statement's conditions; without them everything would be denied."""
    for conditions in statement.get("Condition", {}).values():
        for key, values in conditions.items():
            yield {
                "ContextKeyName": key,
                "ContextKeyValues": [_list(values)[0]],
                "ContextKeyType": "string",
            }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
