"""Plan, deploy and destroy."""

from __future__ import annotations

from dataclasses import replace

from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.events import Observe
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.state_machine import scripts
from cryptoetl.target import Target
from cryptoetl.target.deployment import Plan, Removal


def plan(config: Config, target: Target, *, drift: bool = False) -> Plan:
    """Return how the configuration differs from what is deployed; with `drift`, also others' changes."""
    deployment = target.deployment
    planned = deployment.plan(bundles.build(config, deployment.layout()), drift=drift)
    return replace(
        planned,
        scripts=scripts.described(config),
        tables=_tables(config, target),
        links=target.links.deployment(),
    )


def _tables(config: Config, target: Target) -> str:
    """Return where the tables are loaded, and which of the names are defaults."""
    redshift = config.aws.redshift
    if target.name == "aws":
        names = {"workgroup": "workgroup", "database": "database", "schema_name": "schema"}
        names["connection"] = "connection"
        where = f"{target.warehouse.location()}, through the connection {redshift.connection}"
    else:
        names = {"schema_name": "schema"}
        where = f"{redshift.schema_name} in {target.warehouse.location()}"
    defaults = [name for field, name in names.items() if field not in redshift.model_fields_set]
    return f"{where} (by default: {', '.join(defaults)})" if defaults else where


def join(target: Target, observe: Observe) -> None:
    """Follow a deploy that is in progress to its end, if there is one. Raises DeployError if it fails."""
    target.deployment.join(observe)


def deploy(planned: Plan, target: Target, observe: Observe, *, allow_data_removal: bool = False) -> Plan:
    """Apply the plan; change nothing if it has no changes.

    Raises DeployError if the review has errors, if the deployment has changed since the plan was made, or
    if the deploy fails.
    """
    with target.exclusive("deploy"):
        return apply_plan(planned, target, observe, allow_data_removal=allow_data_removal)


def apply_plan(planned: Plan, target: Target, observe: Observe, *, allow_data_removal: bool = False) -> Plan:
    """Apply the plan as `deploy` does, inside `target.exclusive`."""
    always = [notice.message for notice in planned.concerns if notice.severity == "error"]
    if errors := planned.errors if planned.changes else always:
        raise DeployError("\n".join(errors), hint="Nothing was changed. Fix this and deploy again.")
    if planned.changes:
        target.deployment.apply(planned, observe, allow_data_removal=allow_data_removal)
    return replace(planned, applied=bool(planned.changes))


def removal(target: Target, *, delete_data: bool) -> Removal:
    """Return what `destroy` would remove and what it would keep."""
    return target.deployment.removal(delete_data=delete_data)


def destroy(planned: Removal, target: Target, observe: Observe) -> Removal:
    """Remove what the removal lists. Raises DeployError if something else has been deployed since."""
    with target.exclusive("destroy"):
        if planned.removed:
            target.deployment.remove(planned, observe)
    return replace(planned, applied=True)
