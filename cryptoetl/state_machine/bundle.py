"""The bundle that a run needs: the state machine, the four Glue jobs and their scripts.

A `Bundle` is built from the configuration and a `Layout`, the places where a target keeps things. Its
comparison with the deployed bundle is the plan that `deploy` shows and applies.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptoetl.config.models import Config, Currency
from cryptoetl.state_machine import definition, groups, scripts
from cryptoetl.state_machine.groups import CurrencyList, Item, Start

SCRIPTS = {
    "clear-buckets": "clear_buckets.py",
    "bronze2silver": "bronze2silver.py",
    "silver2gold": "silver2gold.py",
    "redshift-upload": "redshift_upload.py",
}
"""Job name without the pipeline's prefix → script file."""

SUMMARIZE = "summarize"
GROUP_JOBS = ("bronze2silver", "silver2gold", "redshift-upload")
"""The jobs that run once per group."""
SHARED = scripts.SHARED

SCRIPTS_VERSION = "--SCRIPTS"
"""The argument that identifies the scripts which make a table; see `scripts_version`."""

STAGED = "staged"
"""The folder of the temp location for staged loads; a lifecycle rule on AWS deletes them."""

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
    lists: str = ""
    """The place below which the keys of lists of currencies begin."""


@dataclass(frozen=True)
class Job:
    """A Glue job: its script's file name and default arguments."""

    name: str
    script: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Bundle:
    """All that a deploy publishes. `scripts` maps file names to their bytes.

    `currencies` is the list that a machine of groups runs by default; None if each currency has a branch.
    """

    machine: Mapping[str, Any]
    jobs: tuple[Job, ...]
    scripts: Mapping[str, bytes]
    currencies: CurrencyList | None = None

    @property
    def tickers(self) -> list[str]:
        """Return the deployed tickers, in order."""
        return definition.tickers(self.machine) if self.currencies is None else list(self.currencies.items)

    @property
    def size(self) -> int:
        """Return how many currencies share a run; 1 if each has a branch."""
        return 1 if self.currencies is None else groups.size_of(self.machine)

    def start(self, start: Start, name: str) -> tuple[dict[str, Any], CurrencyList | None]:
        """Return the input of an execution of this name, and the list that it names if it runs groups."""
        if self.currencies is None:
            return definition.execution_input(start.steps, start.refused), None
        return groups.execution_input(groups.execution_key(name)), self.currencies.starting(start)

    @property
    def silver_arguments(self) -> dict[str, Mapping[str, str]]:
        """Return, by ticker, what bronze2silver is called with, without the ticker."""
        if self.currencies is None:
            return {ticker: definition.silver_arguments(self.machine, ticker) for ticker in self.tickers}
        return {ticker: item.silver_arguments() for ticker, item in self.currencies.items.items()}

    @property
    def scripts_version(self) -> str | None:
        """Return what tables are marked with as the version of their scripts; None if they are not marked."""
        found = (job.arguments.get(SCRIPTS_VERSION) for job in self.jobs if job.script == scripts.LOAD)
        return next(found, None)

    def runs(self, tickers: Collection[str]) -> int:
        """Return how many runs of the three Spark jobs these currencies take, if all succeed."""
        groups_of = len(tickers)
        if self.currencies is not None and tickers:
            started = self.currencies.starting(Start(dict.fromkeys(tickers, "silver")))
            groups_of = len(started.groups(self.size))
        return groups_of * len(GROUP_JOBS)

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
        total = hashlib.sha256(json.dumps(self.machine, sort_keys=True).encode())  # names the list's hash
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
    """Return the state machine with a branch per currency."""
    return definition.render(config.pipeline, branches(config))


def currencies(config: Config) -> CurrencyList:
    """Return the list of all currencies of the configuration."""
    items = (
        Item(currency.ticker, raw_key(currency, "history"), raw_key(currency, "trend"), drop=currency.drop)
        for currency in config.currencies
    )
    return CurrencyList({item.ticker: item for item in items})


def group_size(config: Config) -> int:
    """Return how many currencies share a run; 1 for a machine with a branch per currency."""
    if config.currencies_per_run == 1 and not _fits(config):
        return groups.AUTOMATIC_SIZE
    return config.currencies_per_run


def runs_of_a_step(config: Config) -> int:
    """Return how many job runs a step takes for all currencies: one per currency or group."""
    return math.ceil(len(config.currencies) / group_size(config))


def _fits(config: Config) -> bool:
    """Return whether a machine with a branch per currency is small enough: its size meets its limit first.

    Even the shortest branch has 2,500 bytes, so that more than 400 need not be rendered.
    """
    return len(config.currencies) <= 400 and definition.size(machine(config)) <= definition.SIZE_LIMIT


def branches(config: Config) -> list[definition.Branch]:
    """Return a branch per currency."""
    return [definition.Branch(currency.ticker, currency.drop) for currency in config.currencies]


def build(config: Config, layout: Layout) -> Bundle:
    """Build the bundle of the configuration for a target with this layout, with the scripts as they are.

    Raises ConfigError if a script of the configuration's own cannot work.
    """
    size = group_size(config)
    names = dict(SCRIPTS) if size == 1 else {**SCRIPTS, SUMMARIZE: "summarize.py"}
    listed = None if size == 1 else currencies(config)
    machine_ = machine(config) if listed is None else _grouped(config, layout, listed, size)
    arguments = _arguments(config, layout, grouped=size > 1)
    passed = {names[job]: set(arguments[job]) for job in names}
    for job, found in _passed(machine_).items():
        passed[names[job.removeprefix(f"{config.pipeline}-")]] |= found
    bodies = scripts.read(config, passed, frozenset() if listed is None else scripts.ITEM)
    for job in (*GROUP_JOBS, "clear-buckets") if listed is not None else GROUP_JOBS:
        arguments[job][SCRIPTS_VERSION] = scripts_version(bodies, arguments["redshift-upload"])
    jobs = tuple(Job(f"{config.pipeline}-{job}", script, arguments[job]) for job, script in names.items())
    return Bundle(machine_, jobs, bodies, listed)


def rendered(config: Config, layout: Layout) -> dict[str, Any]:
    """Return the state machine of the configuration, as it would be deployed."""
    size = group_size(config)
    return machine(config) if size == 1 else _grouped(config, layout, currencies(config), size)


def _grouped(config: Config, layout: Layout, listed: CurrencyList, size: int) -> dict[str, Any]:
    settings = groups.Settings(
        size=size,
        concurrent=config.aws.glue.max_concurrent_runs,
        list_key=groups.deployed_key(listed.dumps(size)),
        lists=_last_name(layout.lists),
        temp=_last_name(layout.temp),
    )
    return groups.render(config.pipeline, settings)


def _passed(rendered: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return, by job, the names of the parameters that the state machine passes."""
    passed: dict[str, set[str]] = {}
    nodes: list[Any] = [rendered]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Mapping):
            if "JobName" in node:
                passed.setdefault(node["JobName"], set()).update(node.get("Arguments", {}))
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node
    return passed


def _last_name(uri: str) -> str:
    """Return the bucket of an s3:// URI, or the name of a folder."""
    return uri.rpartition("/")[2]


def _arguments(config: Config, layout: Layout, *, grouped: bool) -> dict[str, dict[str, str]]:
    """Return the default arguments of each job."""
    redshift = config.aws.redshift
    arguments: dict[str, dict[str, str]] = {
        "clear-buckets": {"--SILVER": layout.silver, "--GOLD": layout.gold},
        "bronze2silver": {"--RAW": layout.raw, "--SILVER": layout.silver},
        "silver2gold": {"--SILVER": layout.silver, "--GOLD": layout.gold},
        "redshift-upload": {
            "--SILVER": layout.silver,
            "--GOLD": layout.gold,
            "--TEMP": f"{layout.temp}/{STAGED}",
            "--CONNECTION": redshift.connection,
            "--SCHEMA": redshift.schema_name,
            "--COPY_ROLE": layout.copy_role,
        },
    }
    if redshift.grants:
        arguments["redshift-upload"]["--GRANTS"] = ",".join(redshift.grants)
    if grouped:
        outcomes = f"{layout.temp}/{groups.OUTCOMES}"
        for job in GROUP_JOBS:
            arguments[job]["--OUTCOMES"] = outcomes
        arguments["clear-buckets"] |= {"--RAW": layout.raw, "--LISTS": layout.lists}
        arguments[SUMMARIZE] = {"--LISTS": layout.lists, "--OUTCOMES": outcomes}
    return arguments


def scripts_version(bodies: Mapping[str, bytes], load: Mapping[str, str]) -> str:
    """Return what identifies the scripts that make a table, and where they load it.

    16 hexadecimal digits of a hash of the scripts and of the `load` arguments that name the schema.
    """
    total = hashlib.sha256(repr((load["--CONNECTION"], load["--SCHEMA"])).encode())
    for name in (*(SCRIPTS[job] for job in GROUP_JOBS), SHARED):
        total.update(hashlib.sha256(bodies[name]).digest())
    return total.hexdigest()[:16]
