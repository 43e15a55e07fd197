"""What a plan for AWS shows in addition to its changes: concerns, AWS's limits, and costs. No network.

Limits: Step Functions quotas. Prices: state_machine/prices.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptoetl.aws.stack.retries import STEP_MINUTES, Policy, simulate
from cryptoetl.config.aws import Aws, Glue
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine import prices
from cryptoetl.state_machine.definition import (
    HISTORY_LIMIT,
    PARALLEL,
    STEPS,
    state_name,
)
from cryptoetl.target.deployment import Cost, Notice, Prediction, Severity

BRANCH_EVENTS = 24
"""History events of a currency that passes all three steps, or fails at the last."""
FRAME_EVENTS = 17
"""History events outside of the branches."""


# --- limits -------------------------------------------------------------------------------------------


def predict(machine: Mapping[str, Any]) -> Prediction:
    """Predict a run without retries; its output is longest if all currencies fail."""
    tickers = state_machine.tickers(machine)
    record = {"status": "FAILED", "step": STEPS[-1], "error": "Glue.ResourceNumberLimitExceededException"}
    output = json.dumps([{"ticker": ticker, **record} for ticker in tickers])
    return Prediction(
        len(tickers),
        state_machine.size(machine),
        BRANCH_EVENTS * len(tickers) + FRAME_EVENTS,
        len(output.encode()),
    )


def concurrency(aws: Aws, runs: int, account_limit: int | None) -> Iterator[Notice]:
    """Yield warnings if not all job runs of a step can run at once.

    `account_limit` is what Glue's quotas of runs and of DPUs allow, if they are known.
    """
    limit = aws.glue.max_concurrent_runs
    waits = "wait in Glue's queue" if aws.glue.queues else "are rejected and retried"
    if runs > limit:
        yield Notice(
            "warning",
            f"{runs:,} currencies or groups share jobs that run {limit:,} at once "
            f"(aws.glue.max_concurrent_runs): the others {waits}, which takes longer",
        )
    if account_limit is not None and min(runs, limit) > account_limit:
        yield Notice(
            "warning",
            f"this account may run {account_limit:,} such Glue jobs at once: the others {waits}. "
            "Service Quotas raises it on request",
        )


def runs_at_once(aws: Aws, runs: int | None, dpus: int | None) -> int | None:
    """Return how many runs of a Spark job Glue's quotas allow at once; None if neither is known."""
    of_dpus = None if dpus is None else int(dpus // dpus_of(aws.glue))
    return min((limit for limit in (runs, of_dpus) if limit is not None), default=None)


def retries(aws: Aws, machine: Mapping[str, Any], account_limit: int | None) -> Iterator[Notice]:
    """Yield a warning if refused starts would end the execution, or make branches give up.

    With Glue's queue nothing is refused.
    """
    tickers = state_machine.tickers(machine)
    limit = min(aws.glue.max_concurrent_runs, account_limit or aws.glue.max_concurrent_runs)
    if aws.glue.queues or len(tickers) <= limit:
        return
    first = machine["States"][PARALLEL]["Branches"][0]["States"][state_name(tickers[0], STEPS[0])]
    policy = Policy.of(first["Retry"][0])
    found = simulate(len(tickers), limit, policy, branch=BRANCH_EVENTS, frame=FRAME_EVENTS)
    if found.events <= HISTORY_LIMIT and not found.gave_up:
        return
    advice = "leave flex out" if aws.glue.flex else "leave queuing out, so that they wait in Glue's queue"
    yield Notice(
        "warning",
        f"{len(tickers):,} currencies with {limit:,} runs at once and no queue: at {STEP_MINUTES:g} minutes "
        f"a step, the refused starts make about {found.events:,} history events (Step Functions ends an "
        f"execution at {HISTORY_LIMIT:,}), and about {found.gave_up:,} currencies give up, after about "
        f"{policy.hours:.1f} hours. In aws.glue, {advice}, or raise max_concurrent_runs",
    )


# --- costs --------------------------------------------------------------------------------------------

_DPU: Mapping[str, float] = {
    "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16,
    "R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8,
}  # fmt: skip
"""Data processing units of a worker, by its type."""
_SHELL_DPU = 0.0625
_TRANSITIONS_OF_BRANCH = 6
_TRANSITIONS_OF_FRAME = 6
START_SECONDS = 20.0
"""Seconds of a run before its first currency: Spark's start. An assumption."""
GROUP_SECONDS = 1.7
"""Seconds of all steps per currency of a group. An assumption: twice what benchmarks/groups.py measures on
two cores for 1,900 days with files on a disk, since a job's are in S3."""
_MINUTES = 1.0
"""Glue's minimum billing, and more than a step of a few thousand rows takes once its workers have started."""


def dpus_of(glue: Glue) -> float:
    """Return the data processing units of a run of a Spark job."""
    return _DPU[glue.worker_type] * glue.workers


def minutes(size: int) -> float:
    """Return the minutes that a run of a step is billed for, with this many currencies.

    Glue bills at least one.
    """
    return max(_MINUTES, (START_SECONDS + size * GROUP_SECONDS / len(STEPS)) / 60)


def cost(aws: Aws, currencies: int, *, size: int = 1) -> Cost:
    """Estimate one run of all currencies in groups of this size, at the minimum billing of each part."""
    glue = aws.glue
    hour = prices.dpu_hour(glue.version, glue.worker_type, flex=glue.flex)
    shell = prices.dpu_hour(prices.PYTHON_SHELL_VERSION)
    doubts = prices.glue_prices(glue.version).doubts if glue.flex else ""
    dpu = dpus_of(glue)
    groups = math.ceil(currencies / size)
    steps, each = len(STEPS) * groups, minutes(size)
    shells = 1 if size == 1 else 2
    transitions = _TRANSITIONS_OF_BRANCH * groups + _TRANSITIONS_OF_FRAME
    redshift = max(1.0, currencies / 25)
    parts = {
        "Glue, Spark steps": steps * dpu * hour * each / 60,
        "Glue, clearing" if size == 1 else "Glue, clearing and summary": shells * _SHELL_DPU * shell / 60,
        "Step Functions": prices.TRANSITION * transitions,
        "Redshift Serverless": aws.redshift.capacity * prices.RPU_HOUR * redshift / 60,
    }
    billing = (
        f"{each:g} minute, Glue's minimum billing"
        if each == _MINUTES
        else f"{each:.1f} minutes ({START_SECONDS:g} s, and {GROUP_SECONDS:g} s per currency in all steps)"
    )
    return Cost(
        parts,
        (
            f"each of {steps:,} steps takes {billing}, on "
            f"{glue.workers} × {glue.worker_type} ({dpu:g} DPU at ${hour:g}/hour: Glue {glue.version}"
            f"{', Flex' if glue.flex else ''}{f'; {doubts}' if doubts else ''})",
            f"the cleaning{' and the summary take' if size > 1 else ' takes'} a minute of a Python shell "
            f"({_SHELL_DPU:g} DPU at ${shell:g}/hour)",
            f"{transitions:,} state transitions of Step Functions (${prices.TRANSITION * 1000:g} per 1,000)",
            f"Redshift runs at {aws.redshift.capacity} RPU for a minute per 25 tables "
            f"(${prices.RPU_HOUR:g}/RPU-hour)",
            f"prices of {prices.AS_OF}; storage, logs and requests are cents per month",
        ),
    )


def most_concerning_first(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Sort the notices by severity: errors, warnings, notes."""
    order: Sequence[Severity] = ("error", "warning", "note")
    return tuple(sorted(notices, key=lambda notice: order.index(notice.severity)))
