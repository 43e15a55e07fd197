"""The question before a deploy, which names where it goes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptoetl.cli.session import Session
from cryptoetl.errors import UsageError
from cryptoetl.util.text import plural

if TYPE_CHECKING:
    from cryptoetl.config.models import Config
    from cryptoetl.target.deployment import Plan


class Declined(Exception):
    """The user has answered no."""


def confirm(session: Session, config: Config, plan: Plan, *, yes: bool) -> None:
    """Ask whether to apply a plan. Raises Declined, and UsageError where no question can be asked."""
    if yes:
        return
    place = _place(session, config, plan)
    if not session.terminal.can_ask:
        raise UsageError(
            f"this changes {place} and needs a confirmation",
            hint="--dry-run shows what would be done; --yes does it without asking.",
        )
    if not session.terminal.confirm(f"Deploy {plural(len(plan.changes), 'change')} to {place}?"):
        raise Declined


def _place(session: Session, config: Config, plan: Plan) -> str:
    """Return where a plan goes: account, region, credentials and target."""
    target = f"target {config.target}" + (
        f", environment {session.environment}" if session.environment else ""
    )
    if plan.review is None:
        return f"{plan.location} ({target})"
    profile = session.options.profile  # which takes precedence over a file, and that over other profiles
    if profile is None and config.aws.credentials_file is not None:
        who = f"keys of {config.aws.credentials_file.name}"
    else:
        profile = profile or config.aws.profile or os.environ.get("AWS_PROFILE")
        who = f"profile {profile}" if profile else "default credentials"
    return f"account {plan.review.account} in {plan.review.region} ({who}, {target})"
