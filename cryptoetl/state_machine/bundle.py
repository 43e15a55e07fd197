"""The bundle that a run needs: the state machine, the four Glue jobs and their scripts.

A `Bundle` is built from the configuration and a `Layout`, the places where a target keeps things. Its
comparison with the deployed bundle is the plan that `deploy` shows and applies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptoetl.config.models import Config, Currency
from cryptoetl.state_machine import definition, scripts

SCRIPTS = {
    "clear-buckets": "clear_buckets.py",
    "bronze2silver": "bronze2silver.py",
    "silver2gold": "silver2gold.py",
    "redshift-upload": "redshift_upload.py",
}
"""Job name without the pipeline's prefix → script file."""

NO_ROLE = "-"
"""`--COPY_ROLE` when there is no role: Glue's getResolvedOptions has no optional arguments."""


@dataclass(frozen=True)
class Layout:
    """The places where a target keeps the data, as URIs without a trailing slash."""

    raw: str
    silver: str
    gold: str
    temp: str
    copy_role: str = NO_ROLE


@dataclass(frozen=True)
class Job:
    """A Glue job: its script's file name and default arguments."""

    name: str
    script: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Bundle:
    """All that a deploy publishes. `scripts` maps file names to their bytes."""

    machine: Mapping[str, Any]
    jobs: tuple[Job, ...]
    scripts: Mapping[str, bytes]

    @property
    def tickers(self) -> list[str]:
        """Return the tickers of the machine, in order."""
        return definition.tickers(self.machine)

    @property
    def pipeline(self) -> str | None:
        """Return the prefix of the jobs' names; None without jobs."""
        return self.jobs[0].name.removesuffix(f"-{next(iter(SCRIPTS))}") if self.jobs else None

    @property
    def columns(self) -> Mapping[str, str]:
        """Return the columns of the tables that the scripts load."""
        return scripts.columns(self.scripts.get(scripts.LOAD, b""))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the whole bundle, in hexadecimal."""
        total = hashlib.sha256(json.dumps(self.machine, sort_keys=True).encode())
        for job in self.jobs:
            total.update(repr((job.name, job.script, sorted(job.arguments.items()))).encode())
        for name in sorted(self.scripts):
            total.update(name.encode() + hashlib.sha256(self.scripts[name]).digest())
        return total.hexdigest()


Action = Literal["add", "change", "replace", "remove"]


@dataclass(frozen=True)
class Change:
    """One line of a plan. `what` is branch, state machine, job or script; on AWS also any other resource."""

    action: Action
    what: str
    name: str
    detail: str = ""


def source_key(currency: Currency, kind: str) -> str:
    """Return the key, below the raw location, of the unchanged copy of the user's file."""
    return f"{currency.ticker}/source/{kind}"


def raw_key(currency: Currency, kind: str) -> str:
    """Return the key, below the raw location, of a raw file in the plain form.

    It does not depend on the name of the user's file: see docs/decisions/0003-raw-keys.md.
    """
    return f"{currency.ticker}/{kind}.csv"


def machine(config: Config) -> dict[str, Any]:
    """Return the state machine of the configuration, as it would be deployed."""
    return definition.render(config.pipeline, branches(config))


def branches(config: Config) -> list[definition.Branch]:
    """Return a branch per currency."""
    return [definition.Branch(currency.ticker, currency.drop) for currency in config.currencies]


def build(config: Config, layout: Layout) -> Bundle:
    """Build the bundle of the configuration for a target with this layout, with the scripts as they are.

    Raises ConfigError if a script of the configuration's own cannot work.
    """
    redshift = config.aws.redshift
    arguments: dict[str, dict[str, str]] = {
        "clear-buckets": {"--SILVER": layout.silver, "--GOLD": layout.gold},
        "bronze2silver": {"--RAW": layout.raw, "--SILVER": layout.silver},
        "silver2gold": {"--SILVER": layout.silver, "--GOLD": layout.gold},
        "redshift-upload": {
            "--GOLD": layout.gold,
            "--TEMP": layout.temp,
            "--CONNECTION": redshift.connection,
            "--SCHEMA": redshift.schema_name,
            "--COPY_ROLE": layout.copy_role,
        },
    }
    if redshift.grants:
        arguments["redshift-upload"]["--GRANTS"] = ",".join(redshift.grants)
    jobs = tuple(Job(f"{config.pipeline}-{job}", script, arguments[job]) for job, script in SCRIPTS.items())
    rendered = machine(config)
    return Bundle(rendered, jobs, scripts.read(config, _passed(rendered, jobs)))


def _passed(rendered: Mapping[str, Any], jobs: Sequence[Job]) -> dict[str, set[str]]:
    """Return, by script, the names of the parameters that its job receives."""
    passed = {job.name: set(job.arguments) for job in jobs}
    nodes: list[Any] = [rendered]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Mapping):
            if node.get("JobName") in passed:
                passed[node["JobName"]] |= node.get("Arguments", {}).keys()
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node
    names = {job.script: passed[job.name] for job in jobs}
    return {
        script: {name.lstrip("-").removesuffix(".$") for name in found} for script, found in names.items()
    }


def compare(current: Bundle | None, wanted: Bundle) -> tuple[Change, ...]:
    """Return the changes that turn `current` into `wanted`; empty if there are none."""
    if current is None:
        return (
            Change("add", "state machine", wanted.jobs[0].name.removesuffix("-clear-buckets")),
            *(Change("add", "branch", ticker) for ticker in wanted.tickers),
            *(Change("add", "job", job.name) for job in wanted.jobs),
            *(Change("add", "script", name) for name in wanted.scripts),
        )
    changes = [*_branches(current.machine, wanted.machine), *_jobs(current.jobs, wanted.jobs)]
    for name, body in wanted.scripts.items():
        if name not in current.scripts:
            changes.append(Change("add", "script", name))
        elif current.scripts[name] != body:
            changes.append(Change("change", "script", name, _line_counts(current.scripts[name], body)))
    changes += [Change("remove", "script", name) for name in current.scripts if name not in wanted.scripts]
    if not changes and current.machine != wanted.machine:
        changes.append(Change("change", "state machine", "definition", "states around the branches"))
    return tuple(changes)


def _branches(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
    before, after = set(definition.tickers(current)), definition.tickers(wanted)
    changes = []
    for ticker in after:
        if ticker not in before:
            changes.append(Change("add", "branch", ticker))
        elif definition.branch_of(current, ticker) != definition.branch_of(wanted, ticker):
            old, new = (definition.silver_arguments(m, ticker) for m in (current, wanted))
            changes.append(Change("change", "branch", ticker, _arguments(old, new) or "its states"))
    gone = [ticker for ticker in definition.tickers(current) if ticker not in after]
    return changes + [Change("remove", "branch", ticker, "its data stays") for ticker in gone]


def _jobs(current: Sequence[Job], wanted: Sequence[Job]) -> list[Change]:
    before = {job.name: job for job in current}
    changes = []
    for job in wanted:
        old = before.pop(job.name, None)
        if old is None:
            changes.append(Change("add", "job", job.name))
        elif old != job:
            changes.append(Change("change", "job", job.name, _arguments(old.arguments, job.arguments)))
    return changes + [Change("remove", "job", name) for name in before]


def _arguments(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return ", ".join(
        f"{key.lstrip('-')} {old.get(key, 'none')} → {new.get(key, 'none')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def _line_counts(old: bytes, new: bytes) -> str:
    import difflib

    before, after = (body.decode(errors="replace").splitlines(keepends=True) for body in (old, new))
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = sum(block.size for block in blocks)
    return f"+{len(after) - kept} −{len(before) - kept} lines"
