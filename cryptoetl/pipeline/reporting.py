"""The facts of a report: what other commands say about an execution and its tables, gathered once.

`output/report/` makes the page from them. Whatever cannot be read is named in `Facts.missing`: a report is
wanted most when something is broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from cryptoetl import __version__
from cryptoetl.config.models import Config, TargetName
from cryptoetl.errors import CryptoetlError, UsageError
from cryptoetl.events import Observe, Phase
from cryptoetl.pipeline import checks, comparison, watching
from cryptoetl.pipeline import logs as step_logs
from cryptoetl.pipeline.curves import Curve, curves
from cryptoetl.pipeline.results import (
    CheckResult,
    CheckRules,
    StepLine,
    TableCheck,
    UpResult,
    VerifyResult,
)
from cryptoetl.pipeline.verification import verify
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.state_machine.definition import STEPS
from cryptoetl.state_machine.status import ExecutionStatus
from cryptoetl.target import Target

LOGS = 20
"""Failed currencies whose log is read: on AWS each takes some requests."""
LOG_LINES = 40
"""Last lines of a log that are kept."""
PACKAGES: Mapping[TargetName, Sequence[str]] = {
    "local": ("pysail", "pyspark-client", "duckdb"),
    "aws": ("boto3",),
}
"""Packages whose version may explain a difference, by target."""


@dataclass(frozen=True)
class Facts:
    """All that a report says. Mappings are by ticker."""

    pipeline: str
    target: TargetName
    made: datetime
    execution: ExecutionStatus
    machine: Mapping[str, Any]
    """The deployed definition, in Amazon States Language."""
    check: CheckResult
    verified: VerifyResult
    curves: Mapping[str, Curve] = field(repr=False)
    logs: Mapping[str, Sequence[StepLine]]
    recent: Sequence[ExecutionStatus]
    """The last executions, newest first."""
    versions: Mapping[str, str]
    configuration: str
    """The configuration as YAML, without anything about credentials."""
    config_file: Path
    missing: Sequence[str]
    """What could not be read, and why."""


@dataclass(frozen=True)
class ReportRequest:
    """What to report: an execution, the latest if None, beside the `last` latest ones.

    `known` are results of the same command, which need not be gathered again.
    """

    rules: CheckRules
    config_file: Path
    made: datetime
    execution: str | None = None
    last: int = 10
    known: UpResult | None = None


@dataclass(frozen=True)
class ReportResult:
    """A report that was written; `url` is the link to its published copy, which works until `expires`."""

    execution: str
    path: Path
    bytes: int
    currencies: int
    url: str | None = None
    expires: datetime | None = None
    exit_code = 0


def gather(config: Config, target: Target, request: ReportRequest, observe: Observe) -> Facts:
    """Gather the facts of an execution. Raises UsageError if it is unknown, or there is none."""
    execution = watching.status(target, request.execution)
    observe(Phase("report"))
    missing: list[str] = []
    verified = _verified(config, target, request, observe, missing)
    return Facts(
        pipeline=config.pipeline,
        target=config.target,
        made=request.made,
        execution=execution,
        machine=_machine(config, target, missing),
        check=_checked(config, request, observe, missing),
        verified=verified,
        curves=_curves(config, target, verified.tables, missing),
        logs=_logs(target, execution, missing),
        recent=_recent(target, execution, request.last, observe, missing),
        versions=_versions(config),
        configuration=_configuration(config, request.config_file),
        config_file=request.config_file,
        missing=missing,
    )


@contextmanager
def _naming(what: str, missing: list[str]) -> Iterator[None]:
    """Note what could not be read instead of raising the error."""
    try:
        yield
    except CryptoetlError as error:
        missing.append(f"{what}: {error.message}")


def _machine(config: Config, target: Target, missing: list[str]) -> Mapping[str, Any]:
    with _naming("the deployed state machine", missing):
        deployed, _ = target.deployment.compared(None)
        if deployed is not None:
            return deployed.machine
        missing.append("the deployed state machine: nothing is deployed; this is the configured one")
    return bundles.build(config, target.deployment.layout()).machine


def _checked(config: Config, request: ReportRequest, observe: Observe, missing: list[str]) -> CheckResult:
    """Check the files that are on this machine."""
    if request.known is not None:
        return request.known.upload.check
    here = [currency for currency in config.currencies if comparison.has_files(currency)]
    if absent := [currency.ticker for currency in config.currencies if currency not in here]:
        missing.append(f"the raw files of {', '.join(absent)}: they are not on this machine")
    return checks.check(here, request.rules, observe)


def _verified(
    config: Config, target: Target, request: ReportRequest, observe: Observe, missing: list[str]
) -> VerifyResult:
    tickers = [currency.ticker for currency in config.currencies]
    with _naming("the tables", missing):
        return verify(config, target, tickers, observe, request.rules)
    return VerifyResult((), "")


def _curves(
    config: Config, target: Target, tables: Sequence[TableCheck], missing: list[str]
) -> Mapping[str, Curve]:
    complete = {
        t.ticker.lower(): t.ticker for t in tables if t.rows and {"pricema", "trend_i"} <= t.nulls.keys()
    }
    with _naming("the curves", missing):
        found = curves(config, target, list(complete)) if complete else {}
        return {complete[table]: curve for table, curve in found.items()}
    return {}


def _logs(target: Target, execution: ExecutionStatus, missing: list[str]) -> Mapping[str, Sequence[StepLine]]:
    """Return the end of the log of the failed step of currencies that failed."""
    failed = (c for c in execution.currencies if c.status in ("FAILED", "ABORTED") and c.step in STEPS)
    found: dict[str, Sequence[StepLine]] = {}
    for currency in islice(failed, LOGS):
        steps = [step for step in STEPS if step == currency.step]
        request = step_logs.LogRequest(currency.ticker, execution.name, steps)
        with _naming(f"the log of {currency.ticker}", missing):
            found[currency.ticker] = list(step_logs.lines(target, request))[-LOG_LINES:]
    return found


def _recent(
    target: Target, execution: ExecutionStatus, last: int, observe: Observe, missing: list[str]
) -> Sequence[ExecutionStatus]:
    with _naming("the last executions", missing):
        found = watching.latest(target, last, observe)
        return [execution if other.name == execution.name else other for other in found]
    return [execution]


def _versions(config: Config) -> Mapping[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"cryptoetl": __version__, "Python": platform.python_version()}
    for name in PACKAGES[config.target]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | ({"AWS Glue": config.aws.glue.version} if config.target == "aws" else {})


def _configuration(config: Config, file: Path) -> str:
    """Return what may be shown of the configuration: no credentials, accounts, roles or addresses."""
    import yaml

    folder = file.resolve().parent

    def shown(path: Path) -> str:
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path.name)

    place: dict[str, Any]
    if config.target == "aws":
        redshift, glue = config.aws.redshift, config.aws.glue
        place = {
            "redshift": {"database": redshift.database, "schema": redshift.schema_name},
            "glue": {"version": glue.version, "worker_type": glue.worker_type, "workers": glue.workers},
        }
    else:
        place = {"home": shown(config.local.home)}
    currencies = [
        {
            **currency.model_dump(mode="json", exclude={"history", "trend"}, exclude_defaults=True),
            "history": shown(currency.history),
            "trend": shown(currency.trend),
        }
        for currency in config.currencies
    ]
    said = {"pipeline": config.pipeline, "target": config.target, "max_age_days": config.max_age_days}
    data = {**said, config.target: place, "currencies": currencies}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)


def published(target: Target, written: ReportResult, seconds: int) -> ReportResult:
    """Store the report where others can open it for some seconds; return the result with the link.

    Raises UsageError if the target cannot do that, AwsError.
    """
    if target.publish is None:
        raise cannot_publish()
    link = target.publish(f"{written.execution}.html", written.path.read_bytes(), seconds)
    return replace(written, url=link.url, expires=link.expires)


def cannot_publish() -> UsageError:
    """Return the error for a target that cannot publish."""
    return UsageError(
        "--publish is for the aws target", hint="The report is one file: send it, or copy it anywhere."
    )
