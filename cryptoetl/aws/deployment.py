"""`target.Deployment` on AWS: one CloudFormation stack, and the artifacts bucket that it reads from.

The plan is made by reading only: the deployed template and its artifacts against what the configuration
renders to. Applying it makes the artifacts bucket, stores scripts, machine and template under keys with their
hash, and has CloudFormation make a change set of it, which must not do more to data than was agreed to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.cloudformation import FAILED_FIRST, ChangeSet, Stack, State
from cryptoetl.aws.preflight import Preflight
from cryptoetl.aws.redshift_setup import Found, Warehouse
from cryptoetl.aws.removal import Remover
from cryptoetl.aws.session import Session, resolved
from cryptoetl.aws.stack import changes as stack_changes
from cryptoetl.aws.stack import review as reviews
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.changes import ResourceChange
from cryptoetl.aws.warehouse import AwsWarehouse
from cryptoetl.config.models import ALL_CURRENCIES, Config
from cryptoetl.errors import DeployError, Interrupted, NotDeployedError
from cryptoetl.events import Observe, Phase, Warned
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.state_machine.bundle import Bundle, Change, Layout
from cryptoetl.target.deployment import Notice, Removal, Review

_LOADER = "RedshiftUploadJob"
"""The resource whose metadata says where the tables are."""


@dataclass(frozen=True)
class _Deployed:
    """What is there: the stack, its template, and the bundle that this deploys."""

    state: State
    template: Mapping[str, Any] | None
    bundle: Bundle | None


class AwsDeployment:
    """The stack of a configuration. Methods raise AwsError and DeployError."""

    def __init__(
        self, config: Config, session: Session, sleep: Callable[[float], None], tables: AwsWarehouse
    ) -> None:
        self._tables = tables
        self._config = config
        self._session = session
        self._sleep = sleep
        self._found = Found((), True)

    # --- what is there

    def layout(self) -> Layout:
        return stacks.layout(self._config)

    def current(self) -> Bundle | None:
        deployed = self._look()
        if deployed.state.going:
            raise NotDeployedError(
                f"the stack {self._stack.name} is being removed",
                hint="`cryptoetl deploy` waits for that, and makes it again.",
            )
        return deployed.bundle

    def location(self) -> str:
        identity = self._session.identity
        return f"stack {self._stack.name} in {self._session.region}, account {identity.account}"

    def _look(self) -> _Deployed:
        self._session.sign_in()
        state = self._stack.state()
        if not state.exists or state.going or state.status in FAILED_FIRST:
            return _Deployed(state, None, None)
        template = self._stack.template(state.id)
        try:
            keys = stacks.artifact_keys(template)
        except KeyError:
            raise DeployError(
                f"the stack {self._stack.name} was not made by cryptoetl",
                hint="Choose another `pipeline` name.",
            ) from None
        bucket = self._resolve(stacks.bucket(self._config, "artifacts"))
        bodies = {name: self._buckets.read(bucket, key) for name, key in keys.items()}
        artifacts = {name: body for name, body in bodies.items() if body is not None}
        return _Deployed(state, template, stacks.deployed_bundle(template, artifacts))

    # --- the plan

    def changes(self, bundle: Bundle) -> tuple[Change, ...]:
        deployed = self._look()
        wanted = stacks.of_bundle(self._config, bundle).template
        resources = stack_changes.compare(deployed.template, wanted)
        behind = ("branch", "script") if deployed.bundle else ("branch",)
        told = [c for c in bundles.compare(deployed.bundle, bundle) if c.what in behind]
        return (
            *told,
            *self._artifacts_bucket(),
            *(self._named(change) for change in resources),
            *self._schema(deployed.template, wanted),
        )

    def _artifacts_bucket(self) -> Iterator[Change]:
        if self._config.aws.buckets.artifacts is None:
            name = self._resolve(stacks.bucket(self._config, "artifacts"))
            if self._buckets.look(name) == "missing":
                yield Change("add", "bucket", name, "for scripts and templates, beside the stack")

    def _named(self, change: ResourceChange) -> ResourceChange:
        return replace(change, name=self._resolve(change.name), detail=self._resolve(change.detail))

    def _schema(self, deployed: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Iterator[Change]:
        """The schema, where it is not known to be there. Asking wakes the workgroup: only if it is new."""
        redshift = self._config.aws.redshift
        if deployed is not None and _warehouse_of(deployed) == _warehouse_of(wanted):
            self._found = Found((), True)
        elif redshift.create:
            self._found = Found((), False)
        else:
            self._found = self._warehouse.verify()
        if not self._found.has_schema:
            yield Change("add", "schema", f"{redshift.database}.{redshift.schema_name}")

    def review(self, bundle: Bundle, changes: Sequence[Change], *, drift: bool) -> Review:
        preflight = Preflight(self._config, self._session, self._buckets)
        aws, state = self._config.aws, self._stack.state()
        prediction = reviews.predict(bundle.machine)
        notices = [*preflight.state(state), *reviews.limits(self._config, prediction)]
        if state.status in FAILED_FIRST:
            notices.append(
                Notice("note", f"what is left of a failed deploy ({state.status}) is removed first")
            )
        if changes:
            resources = [change for change in changes if isinstance(change, ResourceChange)]
            account_limit = preflight.concurrent_runs()
            notices += [
                *preflight.existing(),
                *(() if state.going else preflight.names(resources)),  # what is going still has its names
                *self._found.notices,
                *preflight.definition(bundle),
                *preflight.permissions(),
                *reviews.concurrency(aws, prediction.currencies, account_limit),
            ]
        if drift and state.exists and not state.busy:
            notices += [Notice("warning", f"{what} {how}") for what, how in self._stack.drift()]
        return Review(
            self._session.identity.account,
            self._session.region,
            reviews.most_concerning_first(notices),
            prediction,
            reviews.cost(aws, prediction.currencies),
        )

    # --- carrying it out

    def join(self, observe: Observe) -> None:
        self._session.sign_in()
        state = self._stack.state()
        if state.busy:
            observe(Phase("join"))
            with self._goes_on():
                self._stack.follow(state.id, observe)
            if self._config.aws.redshift.create and self._stack.state().exists:
                self._warehouse.create_schema()
                self._provide(observe, new=True)

    def apply(self, bundle: Bundle, observe: Observe, *, allow_data_removal: bool) -> None:
        deployed = self._look()
        wanted = stacks.of_bundle(self._config, bundle)
        changes = [
            self._named(change) for change in stack_changes.compare(deployed.template, wanted.template)
        ]
        if not allow_data_removal:
            _keep_data([f"{c.what} {c.name}" for c in changes if _loses_data(c)])
        observe(Phase("deploy"))
        if deployed.state.status in FAILED_FIRST:
            self._stack.remove(deployed.state.id, observe)
        created = self._config.aws.redshift.create
        if not self._found.has_schema and not created:
            # First: if it is refused, nothing else has happened, and the next deploy asks again.
            self._warehouse.create_schema()
        bucket = self._resolve(stacks.bucket(self._config, "artifacts"))
        if self._config.aws.buckets.artifacts is None:
            self._buckets.ensure(bucket, self._config.aws.tags)
        for key, body in {**wanted.artifacts, wanted.template_key: wanted.text.encode()}.items():
            self._buckets.write(bucket, key, body)
        change_set = self._stack.prepare(
            self._url(bucket, wanted.template_key),
            self._config.aws.tags,
            adopt=self._take_back(changes),
            new=deployed.template is None,
        )
        if change_set is not None:
            if not allow_data_removal:
                self._agreed(change_set, deployed.template or {"Resources": {}})
            with self._goes_on():
                self._stack.execute(change_set, observe)
        if not self._found.has_schema and created:
            self._warehouse.create_schema()
        before = deployed.bundle.tickers if deployed.bundle else []
        self._provide(observe, new=before != bundle.tickers)

    def _provide(self, observe: Observe, *, new: bool) -> None:
        """The view of all currencies, as the user that loads their tables; `new` if it holds others now."""
        if self._tables.knows_loader:
            self._tables.provide()
        elif new:
            observe(
                Warned(
                    f"the view {ALL_CURRENCIES} is not made, since the user that loads is not known: set "
                    "aws.redshift.secret, or run what `cryptoetl render sql` prints as that user"
                )
            )

    def _take_back(self, changes: Sequence[ResourceChange]) -> bool:
        """Whether something that a destroyed stack has kept is added again; makes room for its policies."""
        added = [change for change in changes if change.action == "add"]
        names = [change.name for change in added if change.type == "AWS::S3::Bucket"]
        kept = [name for name in names if self._buckets.look(name) == "ours"]
        for name in kept:
            self._buckets.let_go(name)
        namespace = any(change.type == "AWS::RedshiftServerless::Namespace" for change in added)
        return bool(kept) or (namespace and self._warehouse.namespace_exists())

    def _agreed(self, change_set: ChangeSet, deployed: Mapping[str, Any]) -> None:
        """What CloudFormation will do to data, by its own account, or DeployError."""
        lost = [
            f"{change['ResourceType']} {change['LogicalResourceId']}"
            for change in change_set.changes
            if (change["Action"] == "Remove" or change.get("Replacement") == "True")
            and stack_changes.holds_data(
                deployed["Resources"].get(change["LogicalResourceId"], {"Type": change["ResourceType"]})
            )
        ]
        if lost:
            self._stack.discard(change_set.name)
        _keep_data(lost)

    @contextmanager
    def _goes_on(self) -> Iterator[None]:
        """Inside, an interruption stops the watching, not the work."""
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted(
                f"{self._stack.name} goes on changing in AWS",
                hint="The same command again follows it to its end.",
            ) from None

    # --- taking it down

    def removal(self, *, delete_data: bool) -> Removal:
        return self._remover.plan(self.location(), delete_data=delete_data)

    def remove(self, removal: Removal, observe: Observe) -> None:
        observe(Phase("destroy"))
        with self._goes_on():
            self._remover.remove(removal, observe)

    # --- parts, made when they are first needed

    @cached_property
    def _stack(self) -> Stack:
        client = self._session.client("cloudformation")
        return Stack(client, stacks.stack_name(self._config), self._sleep)

    @cached_property
    def _buckets(self) -> Buckets:
        identity = self._session.identity
        return Buckets(self._session.client("s3"), identity.account, self._session.region, identity.partition)

    @cached_property
    def _warehouse(self) -> Warehouse:
        return Warehouse(self._config, self._session.client, self._sleep)

    @cached_property
    def _remover(self) -> Remover:
        return Remover(
            self._config, self._session, self._stack, self._buckets, self._warehouse, self._resolve
        )

    def _resolve(self, text: str) -> str:
        return resolved(text, self._session)

    def _url(self, bucket: str, key: str) -> str:
        suffix = "amazonaws.com.cn" if self._session.identity.partition == "aws-cn" else "amazonaws.com"
        return f"https://{bucket}.s3.{self._session.region}.{suffix}/{key}"


def _warehouse_of(template: Mapping[str, Any]) -> Any:
    loader = template["Resources"].get(_LOADER, {})
    return loader.get("Metadata", {}).get("cryptoetl"), loader.get("Properties", {}).get("Connections")


def _loses_data(change: ResourceChange) -> bool:
    return change.holds_data and change.action in ("remove", "replace")


def _keep_data(lost: Sequence[str]) -> None:
    if lost:
        raise DeployError(
            f"this would take what holds data out of the stack: {', '.join(lost)}",
            hint="Nothing was changed. If it is meant: --allow-data-removal; the data stays where it is.",
        )
