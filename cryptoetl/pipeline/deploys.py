"""Plan, deploy and destroy."""

from __future__ import annotations

from dataclasses import replace

from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.events import Observe
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.target import Target
from cryptoetl.target.deployment import Plan, Removal


def plan(config: Config, target: Target, *, drift: bool = False) -> Plan:
    """Return how the configuration differs from what is deployed; with `drift`, also others' changes."""
    deployment = target.deployment
    planned = deployment.plan(bundles.build(config, deployment.layout()), drift=drift)
    return replace(planned, links=target.links.deployment())


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
    if planned.changes:
        if planned.review is not None and planned.review.errors:
            raise DeployError(
                "\n".join(planned.review.errors), hint="Nothing was changed. Fix this and deploy again."
            )
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
