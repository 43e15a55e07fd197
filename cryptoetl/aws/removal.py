"""Destroying a pipeline: what is removed, what stays, and in which order.

CloudFormation does not delete buckets that hold objects, and always keeps those with data. So the temp bucket
is emptied before the stack is deleted, and the artifacts bucket is deleted after it; the data buckets come
last, and only with `--delete-data`. Each part may be gone already: the next destroy finishes an interrupted
one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.cloudformation import Stack
from cryptoetl.aws.errors import is_denied, translating
from cryptoetl.aws.logs import SHELL_LOGS
from cryptoetl.aws.redshift_setup import RedshiftSetup
from cryptoetl.aws.session import Session
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.changes import describe
from cryptoetl.aws.stack.state import ANNOUNCED, GONE, StackState, change_between
from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.events import Observe, ResourceProgress
from cryptoetl.target.deployment import Part, Removal

"""Log groups of all Python shell jobs of the account."""


@dataclass(frozen=True)
class RemovalBasis:
    """The stack as it was listed, and what is removed in addition to it: buckets in order, the namespace."""

    state: StackState
    temp: str | None
    buckets: tuple[str, ...]
    namespace: str | None


class Remover:
    """Removes the stack of a configuration and what belongs to it. Methods raise AwsError and DeployError."""

    def __init__(
        self, config: Config, session: Session, stack: Stack, buckets: Buckets, redshift: RedshiftSetup
    ) -> None:
        self._config = config
        self._session = session
        self._stack = stack
        self._buckets = buckets
        self._redshift = redshift

    def plan(self, location: str, *, delete_data: bool) -> Removal:
        """List what would be removed and what would stay."""
        state = self._stack.state()
        if state.busy and not state.deleting:
            raise DeployError(
                f"a deploy is in progress ({state.status})", hint="`cryptoetl deploy` follows it to its end."
            )
        own = {kind: name for kind in stacks.KINDS if (name := self._own(kind))}
        existing = {kind: name for kind, name in own.items() if self._buckets.owner(name) == "ours"}
        namespace = self._namespace()
        users = self._redshift.other_owners() if namespace and delete_data else ()
        data = [
            Part("bucket", name, f"with all {kind} data, in every version")
            for kind, name in existing.items()
            if kind in stacks.DATA
        ]
        if namespace is not None and not users:
            data.append(Part("namespace", namespace, "with its database and all tables"))
        others = {kind: existing[kind] for kind in ("temp", "artifacts") if kind in existing}
        removed = [
            *self._of_stack(state, set(own.values())),
            *(Part("bucket", name, f"with the {kind} in it") for kind, name in others.items()),
            *(data if delete_data else ()),
        ]
        shared = [
            Part("namespace", str(namespace), f"with tables of the pipeline {name} in it")
            for name in sorted(users)
        ]
        kept = [*(() if delete_data else data), *shared, *self._foreign()]
        data_buckets = [existing[kind] for kind in stacks.DATA if kind in existing]
        basis = RemovalBasis(
            state,
            existing.get("temp"),
            (*others.values(), *(data_buckets if delete_data else ())),
            namespace if delete_data and not users else None,
        )
        return Removal(location, tuple(removed), tuple(kept), delete_data, basis=basis)

    def _of_stack(self, state: StackState, buckets: set[str]) -> Iterator[Part]:
        """Yield the resources of the stack, except buckets and namespace, which `plan` lists itself."""
        if state.status == ANNOUNCED:
            yield Part("stack", self._stack.name, "announced, but never created")
        for resource in self._stack.resources(state.id) if state.exists else ():
            what, _ = describe(resource["LogicalResourceId"], {"Type": resource["ResourceType"]})
            name = resource.get("PhysicalResourceId") or resource["LogicalResourceId"]
            if name in buckets or resource["ResourceType"] == "AWS::RedshiftServerless::Namespace":
                continue
            if resource["ResourceStatus"] not in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
                yield Part(what, name)

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Remove what is listed. Raises DeployError if the stack is not the one that was listed."""
        basis = removal.basis
        assert isinstance(basis, RemovalBasis)
        state = self._unchanged(basis.state)
        if state.status == ANNOUNCED:
            self._stack.forget(state.id)
        if state.exists:
            if basis.temp is not None:
                self._buckets.empty(basis.temp)
            if state.deleting:
                self._stack.follow(state.id, observe)
            else:
                self._stack.remove(state.id, observe)
        for done, name in enumerate(basis.buckets):
            if self._buckets.remove(name):  # else the stack's own deletion has removed it
                observe(ResourceProgress("bucket", name, "removed", "", done + 1, len(basis.buckets)))
        if basis.namespace is not None and self._redshift.delete_namespace():
            observe(ResourceProgress("namespace", basis.namespace, "removed", "", 1, 1))

    def _unchanged(self, listed: StackState) -> StackState:
        """Return the stack's state now, which is the listed one, or gone if it was being deleted."""
        state = self._stack.state()
        if listed.deleting and state.status in GONE:
            return state
        if change := change_between(listed, state):
            raise DeployError(
                f"the stack {self._stack.name} {change} since it was listed; nothing was removed",
                hint="Run `cryptoetl destroy` again to see what would be removed.",
            )
        return state

    def _own(self, kind: str) -> str | None:
        """Return the bucket's name if a deploy creates it, else None."""
        if getattr(self._config.aws.buckets, kind) is not None:
            return None
        return bucket_name(self._config, kind, self._session)

    def _namespace(self) -> str | None:
        """Return the name of the namespace that a deploy has created, or None."""
        create = self._config.aws.redshift.create
        return self._config.pipeline if create and self._redshift.namespace_exists() else None

    def _foreign(self) -> Iterator[Part]:
        """Yield what does not belong to the stack and always stays."""
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
            groups = self._session.client("logs").describe_log_groups(logGroupNamePrefix=f"{SHELL_LOGS}/")
        except ClientError as error:
            if not is_denied(error):
                with translating():
                    raise
            return
        for group in groups["logGroups"]:
            yield Part("log group", group["logGroupName"], "shared by all Python shell jobs of the account")
