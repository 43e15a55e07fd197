"""Taking a pipeline down: what goes, what stays, and in which order.

CloudFormation does not delete buckets that hold objects, and keeps those that hold data whatever happens. So
the temp bucket is emptied before the stack goes, and the artifacts bucket goes after it; the data buckets go
last, and only if that was asked for. Each part may be gone already: an interrupted destroy is finished by the
next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from botocore.exceptions import ClientError

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.cloudformation import ANNOUNCED, Stack
from cryptoetl.aws.errors import is_denied, translating
from cryptoetl.aws.redshift_setup import Warehouse
from cryptoetl.aws.session import Session
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.changes import describe
from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.events import Observe, ResourceProgress
from cryptoetl.target.deployment import Part, Removal

SHELL_LOGS = "/aws-glue/python-jobs/"
"""Log groups of all Python shell jobs of the account."""


class Remover:
    """Removes the stack of a configuration and what surrounds it. Methods raise AwsError and DeployError."""

    def __init__(
        self,
        config: Config,
        session: Session,
        stack: Stack,
        buckets: Buckets,
        warehouse: Warehouse,
        resolve: Callable[[str], str],
    ) -> None:
        self._config = config
        self._session = session
        self._stack = stack
        self._buckets = buckets
        self._warehouse = warehouse
        self._resolve = resolve

    def plan(self, location: str, *, delete_data: bool) -> Removal:
        """What would be removed and what would stay."""
        state = self._stack.state()
        if state.busy and not state.going:
            raise DeployError(
                f"a deploy is under way ({state.status})", hint="`cryptoetl deploy` follows it to its end."
            )
        removed: list[Part] = []
        if state.status == ANNOUNCED:
            removed.append(Part("stack", self._stack.name, "announced, and never made"))
        ours = {name for kind in stacks.KINDS if (name := self._own(kind))}
        if state.exists:
            for resource in self._stack.resources(state.id):
                what, _ = describe(resource["LogicalResourceId"], {"Type": resource["ResourceType"]})
                name = resource.get("PhysicalResourceId") or resource["LogicalResourceId"]
                if name in ours or resource["ResourceType"] == "AWS::RedshiftServerless::Namespace":
                    continue  # by name, below
                if resource["ResourceStatus"] != "DELETE_COMPLETE":
                    removed.append(Part(what, name))
        removed += [
            Part("bucket", name, f"with the {kind} in it")
            for kind in ("temp", "artifacts")
            if (name := self._own(kind)) and self._buckets.look(name) == "ours"
        ]
        data = list(self._data())
        if delete_data:
            removed += data
        kept = [*([] if delete_data else data), *self._others()]
        return Removal(location, tuple(removed), tuple(kept), delete_data)

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Carry the plan out."""
        state = self._stack.state()
        if state.status == ANNOUNCED:
            self._stack.forget(state.id)
        if state.exists:
            if (temp := self._own("temp")) and self._buckets.look(temp) == "ours":
                self._buckets.empty(temp)
            if state.going:
                self._stack.follow(state.id, observe)
            else:
                self._stack.remove(state.id, observe)
        kinds = ("temp", "artifacts", *(stacks.DATA if removal.deletes_data else ()))
        gone = [name for kind in kinds if (name := self._own(kind)) and self._buckets.look(name) == "ours"]
        for done, name in enumerate(gone):
            self._buckets.empty(name)
            self._buckets.delete(name)
            observe(ResourceProgress("bucket", name, "removed", "", done + 1, len(gone)))
        if removal.deletes_data and self._has_namespace():
            with translating():
                self._session.client("redshift-serverless").delete_namespace(
                    namespaceName=self._config.pipeline
                )
            observe(ResourceProgress("namespace", self._config.pipeline, "removed", "", 1, 1))

    def _own(self, kind: str) -> str | None:
        """The bucket's name, if it is one that a deploy makes."""
        if getattr(self._config.aws.buckets, kind) is not None:
            return None
        return self._resolve(stacks.bucket(self._config, kind))

    def _data(self) -> Iterator[Part]:
        for kind in stacks.DATA:
            if (name := self._own(kind)) and self._buckets.look(name) == "ours":
                yield Part("bucket", name, f"with all {kind} data, in every version")
        if self._has_namespace():
            yield Part("namespace", self._config.pipeline, "with its database and all tables")

    def _has_namespace(self) -> bool:
        return self._config.aws.redshift.create and self._warehouse.namespace_exists()

    def _others(self) -> Iterator[Part]:
        """What is not the stack's, and stays in any case."""
        aws = self._config.aws
        named: Mapping[str, str | None] = {
            **{f"{kind} bucket": getattr(aws.buckets, kind) for kind in stacks.KINDS},
            "role": aws.glue.role,
            "machine role": aws.machine.role,
        }
        for what, name in named.items():
            if name is not None:
                yield Part(what, name, "named in the configuration, not made by a deploy")
        if not aws.redshift.create:
            schema = f"{aws.redshift.database}.{aws.redshift.schema_name}"
            yield Part("schema", schema, f"with its tables, in the workgroup {aws.redshift.workgroup}")
        try:
            groups = self._session.client("logs").describe_log_groups(logGroupNamePrefix=SHELL_LOGS)
        except ClientError as error:
            if not is_denied(error):
                with translating():
                    raise
            return
        for group in groups["logGroups"]:
            yield Part("log group", group["logGroupName"], "shared by all Python shell jobs of the account")
