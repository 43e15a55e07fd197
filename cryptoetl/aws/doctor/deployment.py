"""Whether a deploy can succeed: the stack's state, the names of the buckets, permissions, quotas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.doctor.facts import Facts
from cryptoetl.aws.preflight import DPU_QUOTA, RUNS_QUOTA, Preflight
from cryptoetl.aws.session import Session
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.aws.stack import review as reviews
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.state import FAILED_FIRST, GOOD
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.target.diagnosis import Area, Check, Diagnosis

STACK = Area("stack")
BUCKETS = Area("buckets")
PERMISSIONS = Area("permissions")
QUOTAS = Area("quotas")
WEBHOOK = Area("webhook")


class Deployability:
    """The checks that concern the stack of a configuration."""

    def __init__(self, config: Config, session: Session, facts: Facts) -> None:
        self._config = config
        self._session = session
        self._facts = facts
        self._preflight = Preflight(config, session)

    def checks(self) -> list[Check]:
        """Return the checks in the order of their lines."""
        webhook = self._config.aws.webhook
        return [
            Check(PERMISSIONS, "deploy", self._permissions),
            Check(QUOTAS, "Glue", self._quotas),
            Check(STACK, stacks.stack_name(self._config), self._stack),
            *([Check(WEBHOOK, webhook.secret, self._webhook)] if webhook else ()),
            *(Check(BUCKETS, kind, partial(self._bucket, kind)) for kind in stacks.KINDS),
        ]

    def _permissions(self) -> Iterator[Diagnosis]:
        notices = list(self._preflight.permissions())
        for notice in notices:
            unknown = "" if notice.severity == "warning" else "not known: "
            yield PERMISSIONS.warned(
                "deploy", f"{unknown}{notice.message}", "Ask an administrator for the missing permissions."
            )
        if not notices:
            yield PERMISSIONS.passed("deploy", "IAM's simulation allows all that deploy and destroy need")

    def _quotas(self) -> Iterator[Diagnosis]:
        glue = self._config.aws.glue
        runs = min(bundle.runs_of_a_step(self._config), glue.max_concurrent_runs)
        dpus = round(runs * reviews.dpus_of(glue))
        found = self._preflight.read_quotas()
        waits = "wait in Glue's queue" if glue.queuing else "are rejected and retried"
        for name, needed, what in ((RUNS_QUOTA, runs, "job runs"), (DPU_QUOTA, dpus, "DPUs")):
            value = found.get(name.lower())
            if value is None:
                yield QUOTAS.skipped(f"Glue {what}", f"Service Quotas lists no value of {name!r}")
            elif needed > value:
                yield QUOTAS.warned(
                    f"Glue {what}",
                    f"the account may use {value:,} at once, and a run of all currencies uses {needed:,}: "
                    f"runs above the quota {waits}",
                    f"Request more of {name!r} in Service Quotas, or lower aws.glue.max_concurrent_runs.",
                )
            else:
                yield QUOTAS.passed(f"Glue {what}", f"{needed:,} of {value:,} at once")

    def _stack(self) -> Iterator[Diagnosis]:
        state, name = self._facts.stack(), stacks.stack_name(self._config)
        if notices := list(self._preflight.state(state)):
            for notice in notices:
                yield STACK.noticed(name, notice)
        elif not state.exists:
            yield STACK.passed(name, "is not deployed yet", "`cryptoetl deploy` shows the plan and asks.")
        elif state.status in FAILED_FIRST:
            yield STACK.failed(
                name,
                f"the first deploy failed ({state.status})",
                "`cryptoetl deploy` removes what it has left, and deploys again.",
            )
        elif state.status in GOOD:
            yield STACK.passed(name, f"is deployed ({state.status})")
        else:
            yield STACK.warned(
                name,
                f"the last deploy failed, and what was there before is deployed ({state.status})",
                "`cryptoetl deploy` shows what is missing, and why it fails.",
            )

    def _webhook(self) -> Iterator[Diagnosis]:
        notices = list(self._preflight.webhook())
        for notice in notices:
            yield WEBHOOK.noticed("URL", notice)
        if not notices:
            yield WEBHOOK.passed("URL", "its secret is readable, and holds a URL that EventBridge accepts")

    def _bucket(self, kind: str) -> Iterator[Diagnosis]:
        name = bucket_name(self._config, kind, self._session)
        match Buckets.of(self._session).owner(name):
            case "ours":
                yield BUCKETS.passed(name, "exists, and belongs to this account")
            case "foreign":
                yield BUCKETS.failed(
                    name,
                    "belongs to another account, or is not visible to you",
                    f"Ask an administrator for s3:ListBucket on it, or name another with aws.buckets.{kind}.",
                )
            case "missing" if getattr(self._config.aws.buckets, kind) is not None:
                yield BUCKETS.failed(
                    name, f"does not exist (aws.buckets.{kind})", "Create it, or leave out the name."
                )
            case "missing" if self._facts.stack().exists:
                yield BUCKETS.failed(
                    name, "was deleted outside of cryptoetl", "Create a bucket of this name again."
                )
            case "missing":
                yield BUCKETS.passed(name, "the name is free, and deploy creates the bucket")
