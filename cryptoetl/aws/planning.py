"""The plan of a deploy, made by reading alone: the deployed stack compared with the rendered one.

`AwsBasis` keeps what was read and rendered, so that `deployment` applies exactly what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from cryptoetl.aws.buckets import Buckets, Owner
from cryptoetl.aws.cloudformation import Stack
from cryptoetl.aws.encryption import Encryption
from cryptoetl.aws.preflight import DPU_QUOTA, RUNS_QUOTA, Preflight
from cryptoetl.aws.redshift_setup import RedshiftFindings, RedshiftSetup
from cryptoetl.aws.session import Session, literal
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.aws.stack import changes as stack_changes
from cryptoetl.aws.stack import deployed as stack_deployed
from cryptoetl.aws.stack import grouping
from cryptoetl.aws.stack import review as reviews
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.changes import ResourceChange
from cryptoetl.aws.stack.state import FAILED_FIRST, Deployed, StackState
from cryptoetl.aws.stack.template import RenderedStack
from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.state_machine import comparison
from cryptoetl.state_machine.bundle import Bundle, Change
from cryptoetl.target.deployment import Notice, Plan, Prediction, Review

_LOADER = "RedshiftUploadJob"
"""The resource whose metadata names the warehouse."""


@dataclass(frozen=True)
class AwsBasis:
    """What a plan was computed from, and what applying it needs.

    The template is literal. With `adopt`, the change set imports what another stack has left. `loaded` are
    the tickers of the deployed bundle.
    """

    deployed: Deployed
    rendered: RenderedStack
    resources: tuple[ResourceChange, ...]
    artifacts_bucket: str
    create_artifacts_bucket: bool
    create_schema: bool
    claim_schema: bool
    adopt: bool
    loaded: tuple[str, ...]


class Planner:
    """Makes the plans of a configuration. Methods raise AwsError and DeployError."""

    def __init__(
        self, config: Config, session: Session, stack: Stack, buckets: Buckets, redshift: RedshiftSetup
    ) -> None:
        self._config = config
        self._session = session
        self._stack = stack
        self._buckets = buckets
        self._redshift = redshift

    def location(self) -> str:
        """Return stack, region and account, for people."""
        account = self._session.identity.account
        return f"stack {self._stack.name} in {self._session.region}, account {account}"

    def template(self, state: StackState) -> Mapping[str, Any]:
        """Return the deployed template in its literal form, whichever it was deployed in."""
        template: Mapping[str, Any] = literal(self._stack.template(state.id), self._session)
        return template

    def deployed(self) -> tuple[Deployed, Bundle | None]:
        """Read the stack, its template and the artifacts; the bundle is None if the template has none."""
        state = self._stack.state()
        if not state.exists or state.deleting or state.status in FAILED_FIRST:
            return Deployed(state, None), None
        template = self.template(state)
        try:
            keys = stack_deployed.artifact_keys(template)
        except KeyError:
            raise DeployError(
                f"the stack {self._stack.name} was not made by cryptoetl",
                hint="Choose another `pipeline` name.",
            ) from None
        bucket = self._bucket("artifacts")
        bodies = {name: self._buckets.read(bucket, key) for name, key in keys.items()}
        artifacts = {name: body for name, body in bodies.items() if body is not None}
        return Deployed(state, template), stack_deployed.deployed_bundle(template, artifacts)

    def plan(self, bundle: Bundle, *, drift: bool) -> Plan:
        """Compare, check and predict; see `target.Deployment.plan`."""
        deployed, current = self.deployed()
        rendered = self.rendered(bundle)
        resources = stack_changes.compare(deployed.template, rendered.template)
        redshift = self._redshift_findings(deployed.template, rendered.template)
        owners = self._owners(deployed, resources)
        artifacts = self._bucket("artifacts")
        create_artifacts = (
            self._config.aws.buckets.artifacts is None and self._buckets.owner(artifacts) == "missing"
        )
        changes = (
            *bundle_changes(current, bundle),
            *([_new_bucket(artifacts)] if create_artifacts else ()),
            *resources,
            *([self._new_schema()] if not redshift.has_schema else ()),
        )
        data = [change for change in resources if change.action == "add" and change.holds_data]
        namespace = any(change.type == "AWS::RedshiftServerless::Namespace" for change in data)
        buckets = any(owners.get(change.name) == "ours" for change in data)
        basis = AwsBasis(
            deployed=deployed,
            rendered=rendered,
            resources=resources,
            artifacts_bucket=artifacts,
            create_artifacts_bucket=create_artifacts,
            create_schema=not redshift.has_schema,
            claim_schema=redshift.claim,
            adopt=buckets or (namespace and self._redshift.namespace_exists()),
            loaded=tuple(current.tickers) if current else (),
        )
        grouped = bundle.currencies is not None
        prediction = grouping.predict(bundle) if grouped else reviews.predict(bundle.machine)
        concerns: Iterable[Notice] = ()
        if changes:
            concerns = chain(
                self._concerns(bundle, basis, redshift, owners), self._concurrency(bundle, prediction)
            )
        review = self._review(bundle, prediction, deployed.state, concerns, drift=drift)
        return Plan(bundle, changes, self.location(), review=review, basis=basis)

    def rendered(self, bundle: Bundle) -> RenderedStack:
        """Return the stack that deploys the bundle, with account and region in its template."""
        rendered = stacks.of_bundle(self._config, bundle)
        return replace(rendered, template=literal(rendered.template, self._session))

    def _redshift_findings(
        self, deployed: Mapping[str, Any] | None, wanted: Mapping[str, Any]
    ) -> RedshiftFindings:
        """Verify the warehouse if it is not the deployed one, since each question starts its workgroup."""
        before, after = (_warehouse_of(template) if template else None for template in (deployed, wanted))
        if before == after:
            return RedshiftFindings((), has_schema=True, claim=False)
        if self._config.aws.redshift.create:
            # A stack of an earlier version names no owner.
            owned = {**(before[0] or {}), "Owner": self._config.pipeline} if before else None
            return RedshiftFindings((), has_schema=after is not None and owned == after[0])
        return self._redshift.verify()

    def _owners(self, deployed: Deployed, resources: Sequence[ResourceChange]) -> dict[str, Owner]:
        """Return the owners of the buckets that the stack would create."""
        if deployed.state.deleting:  # it still has them
            return {}
        return {
            change.name: self._buckets.owner(change.name)
            for change in resources
            if change.type == "AWS::S3::Bucket" and change.action in ("add", "replace")
        }

    def _new_schema(self) -> Change:
        settings = self._config.aws.redshift
        return Change("add", "schema", f"{settings.database}.{settings.schema_name}")

    def _concerns(
        self, bundle: Bundle, basis: AwsBasis, redshift: RedshiftFindings, owners: Mapping[str, Owner]
    ) -> Iterator[Notice]:
        """Yield what may prevent the changes, or delay a run."""
        preflight = Preflight(self._config, self._session)
        named = self._named()
        yield from preflight.existing(named)
        encryption = Encryption(self._config, self._session)
        yield from (*encryption.key(), *encryption.named(named))
        state = basis.deployed.state
        # A stack that is being deleted, or that is removed first, may still have its names.
        if not state.deleting and state.status not in (set(FAILED_FIRST) - {"ROLLBACK_COMPLETE"}):
            yield from preflight.names(basis.resources, owners)
        yield from redshift.notices
        yield from preflight.network(basis.deployed.template, basis.resources)
        yield from preflight.webhook()
        yield from preflight.definition(bundle)
        yield from preflight.permissions()

    def _concurrency(self, bundle: Bundle, prediction: Prediction) -> Iterator[Notice]:
        """Yield how the job runs of all currencies fit into Glue's quotas."""
        aws, quotas = self._config.aws, Preflight(self._config, self._session).quotas()
        known = (quotas.get(name.lower()) for name in (RUNS_QUOTA, DPU_QUOTA))
        quota = reviews.runs_at_once(aws, *known)
        if bundle.currencies is None:
            yield from reviews.concurrency(aws, len(bundle.tickers), account_limit=quota)
            yield from reviews.retries(aws, bundle.machine, account_limit=quota)
        else:
            most = aws.glue.max_concurrent_runs
            yield from grouping.explanation(self._config, prediction, bundle.size, min(most, quota or most))
            yield from reviews.concurrency(aws, prediction.groups, account_limit=quota)

    def _review(
        self,
        bundle: Bundle,
        prediction: Prediction,
        state: StackState,
        concerns: Iterable[Notice],
        *,
        drift: bool,
    ) -> Review:
        notices = [*Preflight(self._config, self._session).state(state)]
        notices += grouping.limits(prediction)
        if state.status in FAILED_FIRST:
            notices.append(Notice("note", f"what a failed deploy left ({state.status}) is removed first"))
        notices += concerns
        if drift and state.exists and not state.busy:
            notices += [Notice("warning", f"{what} {how}") for what, how in self._stack.drift()]
        return Review(
            self._session.identity.account,
            self._session.region,
            reviews.most_concerning_first(notices),
            prediction,
            reviews.cost(self._config.aws, prediction.currencies, size=bundle.size),
        )

    def _named(self) -> dict[str, Owner]:
        """Return the owners of the buckets that the configuration names."""
        named = (getattr(self._config.aws.buckets, kind) for kind in stacks.KINDS)
        return {name: self._buckets.owner(name) for name in named if name is not None}

    def _bucket(self, kind: str) -> str:
        return bucket_name(self._config, kind, self._session)


def bundle_changes(current: Bundle | None, wanted: Bundle) -> tuple[Change, ...]:
    """Return the changes of currencies and scripts: jobs and state machine are resources of the stack.

    In a first deploy all scripts are new and need no line.
    """
    shown = {"branch", "currency"} | ({"script"} if current else set())
    return tuple(
        change
        for change in comparison.compare(current, wanted)
        if change.what in shown or change.name == comparison.PER_RUN
    )


def _new_bucket(name: str) -> Change:
    return Change("add", "bucket", name, "for scripts and templates, outside of the stack")


def _warehouse_of(template: Mapping[str, Any]) -> Any:
    loader = template["Resources"].get(_LOADER, {})
    return loader.get("Metadata", {}).get("cryptoetl"), loader.get("Properties", {}).get("Connections")
