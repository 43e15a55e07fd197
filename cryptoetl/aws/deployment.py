"""`target.Deployment` on AWS: one CloudFormation stack, and the artifacts bucket that it reads from.

`planning` makes the plan by reading alone. Applying it begins by reading the stack once more: if it is not as
the plan found it, nothing is touched. Then scripts, machine and template are stored under keys with their
hash, and CloudFormation makes a change set of the template, which must do no more to data than the plan says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.cloudformation import ChangeSet, Stack
from cryptoetl.aws.planning import AwsBasis, Planner, bundle_changes
from cryptoetl.aws.redshift_setup import RedshiftSetup
from cryptoetl.aws.removal import Remover
from cryptoetl.aws.session import Session, resolved
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.aws.stack import changes as stack_changes
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.state import FAILED_FIRST, Deployed, change_between
from cryptoetl.aws.warehouse import AwsWarehouse
from cryptoetl.config.models import ALL_CURRENCIES, Config
from cryptoetl.errors import AwsError, DeployError, Interrupted, NotDeployedError, QueryError
from cryptoetl.events import Observe, Phase, Warned
from cryptoetl.state_machine import marks
from cryptoetl.state_machine.bundle import Bundle, Change, Layout
from cryptoetl.target.deployment import Plan, Removal


class AwsDeployment:
    """The stack of a configuration. Methods raise AwsError and DeployError."""

    def __init__(
        self, config: Config, session: Session, sleep: Callable[[float], None], tables: AwsWarehouse
    ) -> None:
        self._tables = tables
        self._config = config
        self._session = session
        self._sleep = sleep

    # --- reading

    def layout(self) -> Layout:
        """Return the buckets as s3:// URIs."""
        places = asdict(stacks.layout(self._config))
        return Layout(**{name: resolved(place, self._session) for name, place in places.items()})

    def compared(self, wanted: Bundle | None) -> tuple[Bundle | None, Sequence[Change]]:
        """Return the bundle that the stack deploys, and all in which the rendered stack differs from it.

        Raises NotDeployedError while the stack is being deleted.
        """
        self._session.sign_in()
        deployed, current = self._planner.deployed()
        if deployed.state.deleting:
            raise NotDeployedError(
                f"the stack {self._stack.name} is being deleted",
                hint="`cryptoetl deploy` waits for that, and creates it again.",
            )
        if wanted is None:
            return current, ()
        resources = stack_changes.compare(deployed.template, self._planner.rendered(wanted).template)
        return current, (*bundle_changes(current, wanted), *resources)

    def plan(self, bundle: Bundle, *, drift: bool) -> Plan:
        """Compare the bundle with the stack, and review limits, names, permissions and costs."""
        self._session.sign_in()
        return self._planner.plan(bundle, drift=drift)

    # --- deploying

    def join(self, observe: Observe) -> None:
        """Follow an operation on the stack to its end; complete a deploy that was interrupted."""
        self._session.sign_in()
        state = self._stack.state()
        if state.busy:
            observe(Phase("join"))
            with self._continues():
                self._stack.follow(state.id, observe)
            if self._config.aws.redshift.create and self._stack.state().exists:
                self._redshift.create_schema()
                self._provide(observe, new=True)

    def apply(self, plan: Plan, observe: Observe, *, allow_data_removal: bool) -> None:
        """Apply the plan. Raises DeployError, with nothing touched, if the stack has changed since."""
        basis = plan.basis
        assert isinstance(basis, AwsBasis)
        if not allow_data_removal:
            _keep_data([f"{c.what} {c.name}" for c in basis.resources if stack_changes.loses_data(c)])
        self._verify_unchanged(basis.deployed)
        observe(Phase("deploy"))
        if basis.deployed.state.status in FAILED_FIRST:
            self._stack.remove(basis.deployed.state.id, observe)
        created = self._config.aws.redshift.create
        if basis.create_schema and not created:
            # First: if it is denied, nothing else has happened, and the next plan has it again.
            self._redshift.create_schema()
        self._store(basis)
        change_set = self._prepare(basis)
        if change_set is not None:
            if not allow_data_removal:
                self._verify_data(change_set, basis)
            with self._continues():
                self._stack.execute(change_set, observe)
        if basis.create_schema and created:
            self._redshift.create_schema()
        if basis.create_schema:
            self._forget_loads(observe)
        if basis.claim_schema and not self._tables.knows_loader:  # otherwise `_provide` does
            self._claim(observe)
        self._provide(observe, new=basis.loaded != tuple(plan.bundle.tickers))

    def _verify_unchanged(self, planned: Deployed) -> None:
        """Raise DeployError unless the stack is as the plan found it, and idle."""
        state = self._stack.state()
        change = change_between(planned.state, state)
        if change is None and planned.template is not None:
            change = None if self._planner.template(state) == planned.template else "has another template"
        if change is not None:
            raise DeployError(
                f"the stack {self._stack.name} {change} since the plan was made; nothing was touched",
                hint="Run `cryptoetl deploy` again to see the new plan.",
            )
        if state.busy:
            raise DeployError(
                f"another operation on the stack {self._stack.name} is in progress ({state.status}); nothing "
                "was touched",
                hint="`cryptoetl deploy` follows it to its end and then shows a new plan.",
            )

    def _store(self, basis: AwsBasis) -> None:
        """Store scripts, machine and template in the artifacts bucket, which is created if it is missing."""
        bucket, rendered = basis.artifacts_bucket, basis.rendered
        if basis.create_artifacts_bucket:
            self._buckets.create(bucket)
        if self._config.aws.buckets.artifacts is None:
            # Each time, so that a deploy completes one that was interrupted here.
            self._buckets.configure(bucket, self._config.aws.tags, self._config.aws.kms_key)
        for key, body in {**rendered.artifacts, rendered.template_key: rendered.text.encode()}.items():
            self._buckets.write(bucket, key, body)

    def _prepare(self, basis: AwsBasis) -> ChangeSet | None:
        """Create the change set; None if it would change nothing."""
        suffix = "amazonaws.com.cn" if self._session.identity.partition == "aws-cn" else "amazonaws.com"
        host = f"{basis.artifacts_bucket}.s3.{self._session.region}.{suffix}"
        deployed = basis.deployed
        return self._stack.prepare(
            f"https://{host}/{basis.rendered.template_key}",
            self._config.aws.tags,
            adopt=basis.adopt,
            stack_id=None if deployed.template is None else deployed.state.id,
        )

    def _forget_loads(self, observe: Observe) -> None:
        """Delete the marks of what was loaded: the tables of a new schema are empty, whatever was before."""
        gold = bucket_name(self._config, "gold", self._session)
        try:
            self._buckets.empty(gold, f"{marks.FOLDER}/")
        except AwsError as error:
            observe(Warned(f"{error.message}: the first run in this schema must not use --changed"))

    def _verify_data(self, change_set: ChangeSet, basis: AwsBasis) -> None:
        """Discard a change set that would take data out of the stack, and raise DeployError."""
        lost = stack_changes.data_lost(change_set.changes, basis.deployed.template)
        if lost:
            self._stack.discard(change_set.name)
        _keep_data(lost)

    def _claim(self, observe: Observe) -> None:
        """Make the pipeline an owner of the schema; warn if its user may not."""
        try:
            self._redshift.claim()
        except (AwsError, QueryError) as error:
            observe(
                Warned(
                    f"the schema could not be marked as this pipeline's, so that another could overwrite its "
                    f"tables: {error.message}; run what `cryptoetl render sql` prints as the user that loads"
                )
            )

    def verify_owner(self) -> None:
        """Do nothing: a question would start the workgroup, and a deploy has asked it already."""

    def _provide(self, observe: Observe, *, new: bool) -> None:
        """Create tables and view as the user that loads them; warn if `new` and that user is not known."""
        if self._tables.knows_loader:
            self._tables.provide()
        elif new:
            observe(
                Warned(
                    f"the view {ALL_CURRENCIES} is not made, since the user that loads is not known: set "
                    "aws.redshift.secret, or run what `cryptoetl render sql` prints as that user"
                )
            )

    @contextmanager
    def _continues(self) -> Iterator[None]:
        """Turn an interruption inside into Interrupted: it ends the watching, not the operation."""
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted(
                f"AWS continues to change {self._stack.name}",
                hint="Run the same command again to follow it to its end.",
            ) from None

    # --- destroying

    def removal(self, *, delete_data: bool) -> Removal:
        """List what a destroy removes and keeps. Raises DeployError while a deploy is in progress."""
        return self._remover.plan(self._planner.location(), delete_data=delete_data)

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Delete the stack, its buckets and, if listed, the data."""
        observe(Phase("destroy"))
        with self._continues():
            self._remover.remove(removal, observe)

    # --- parts, created on first use, because they need credentials

    @cached_property
    def _stack(self) -> Stack:
        client = self._session.client("cloudformation")
        return Stack(client, stacks.stack_name(self._config), self._sleep)

    @cached_property
    def _buckets(self) -> Buckets:
        return Buckets.of(self._session)

    @cached_property
    def _redshift(self) -> RedshiftSetup:
        return RedshiftSetup(self._config, self._session, self._sleep)

    @cached_property
    def _planner(self) -> Planner:
        return Planner(self._config, self._session, self._stack, self._buckets, self._redshift)

    @cached_property
    def _remover(self) -> Remover:
        return Remover(self._config, self._session, self._stack, self._buckets, self._redshift)


def _keep_data(lost: Sequence[str]) -> None:
    """Raise DeployError if something that holds data would leave the stack."""
    if lost:
        raise DeployError(
            f"this would take resources that hold data out of the stack: {', '.join(lost)}",
            hint="Nothing was changed. If this is intended, use --allow-data-removal; the data stays where "
            "it is.",
        )
