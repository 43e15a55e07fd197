"""Plan, deploy and destroy."""

from __future__ import annotations

from dataclasses import replace

from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.events import Observe
from cryptoetl.pipeline.results import (
    Plan,
)
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.target import Target
from cryptoetl.target.deployment import Removal


def plan(config: Config, target: Target, *, drift: bool = False) -> Plan:
    """The difference between the configuration and what is deployed; with `drift`, what strangers changed."""
    wanted = bundles.build(config, target.deployment.layout())
    changes = target.deployment.changes(wanted)
    review = target.deployment.review(wanted, changes, drift=drift)
    return Plan(wanted, changes, target.deployment.location(), review=review)


def join(target: Target, observe: Observe) -> None:
    """Follow a deploy that is under way to its end, if there is one. Raises DeployError if it fails."""
    target.deployment.join(observe)


def deploy(planned: Plan, target: Target, observe: Observe, *, allow_data_removal: bool = False) -> Plan:
    """Carry the plan out; nothing is touched where nothing changes. Raises DeployError."""
    with target.exclusive("deploy"):
        return apply_plan(planned, target, observe, allow_data_removal=allow_data_removal)


def apply_plan(planned: Plan, target: Target, observe: Observe, *, allow_data_removal: bool = False) -> Plan:
    if planned.changes:
        if planned.review is not None and planned.review.errors:
            raise DeployError(
                "\n".join(planned.review.errors), hint="Nothing was changed. Mend this and deploy again."
            )
        target.deployment.apply(planned.bundle, observe, allow_data_removal=allow_data_removal)
    return replace(planned, applied=bool(planned.changes))


def removal(target: Target, *, delete_data: bool) -> Removal:
    """What `destroy` would take down, and what it would leave."""
    return target.deployment.removal(delete_data=delete_data)


def destroy(planned: Removal, target: Target, observe: Observe) -> Removal:
    """Take down what is deployed; data only if the plan says so."""
    with target.exclusive("destroy"):
        if planned.removed:
            target.deployment.remove(planned, observe)
    return replace(planned, applied=True)
