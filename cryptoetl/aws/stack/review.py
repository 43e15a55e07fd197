"""What a plan for AWS shows in addition to its changes: concerns, AWS's limits, and costs. No network.

Limits: Step Functions quotas. Prices: state_machine/prices.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptoetl.aws.stack.retries import STEP_MINUTES, Policy, simulate
from cryptoetl.config.aws import Aws
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle, prices
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.definition import (
    HISTORY_LIMIT,
    PARALLEL,
    PAYLOAD_LIMIT,
    SIZE_LIMIT,
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


def limits(config: Config, prediction: Prediction) -> Iterator[Notice]:
    """Yield an error for each limit that is exceeded; the definition's says how many currencies fit."""
    if prediction.definition_bytes > SIZE_LIMIT:
        yield Notice(
            "error",
            f"the state machine of {prediction.currencies:,} currencies has {prediction.definition_bytes:,} "
            f"bytes, and Step Functions accepts {SIZE_LIMIT:,}: the first {fitting(config):,} currencies "
            "fit. Give the others a configuration with another `pipeline` name",
        )
    if prediction.history_events > HISTORY_LIMIT:
        yield Notice(
            "error",
            f"a run of {prediction.currencies:,} currencies makes {prediction.history_events:,} history "
            f"events, and Step Functions ends it at {HISTORY_LIMIT:,}",
        )
    if prediction.payload_bytes > PAYLOAD_LIMIT:
        yield Notice(
            "error",
            f"the result of {prediction.currencies:,} currencies can have {prediction.payload_bytes:,} "
            f"bytes, and Step Functions accepts {PAYLOAD_LIMIT:,}",
        )


def fitting(config: Config) -> int:
    """Return how many of the configuration's currencies, from the first, fit into one state machine."""

    def fits(count: int) -> bool:
        found = predict(state_machine.render(config.pipeline, bundle.branches(config)[:count]))
        return (
            found.definition_bytes <= SIZE_LIMIT
            and found.history_events <= HISTORY_LIMIT
            and found.payload_bytes <= PAYLOAD_LIMIT
        )

    low, high = 0, len(config.currencies)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def concurrency(aws: Aws, currencies: int, account_limit: int | None) -> Iterator[Notice]:
    """Yield warnings if not all branches can run at once; `account_limit` is Glue's quota, if known."""
    limit = aws.glue.max_concurrent_runs
    waits = "wait in Glue's queue" if aws.glue.queues else "are rejected and retried"
    if currencies > limit:
        yield Notice(
            "warning",
            f"{currencies:,} currencies share jobs that run {limit:,} at once "
            f"(aws.glue.max_concurrent_runs): the others {waits}, which takes longer",
        )
    if account_limit is not None and min(currencies, limit) > account_limit:
        yield Notice(
            "warning",
            f"this account may run {account_limit:,} Glue jobs at once: the others {waits}. "
            "Service Quotas raises it on request",
        )


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
_MINUTES = 1.0
"""Glue's minimum billing, and more than a step of a few thousand rows takes once its workers have started."""


def cost(aws: Aws, currencies: int) -> Cost:
    """Estimate one run of all currencies, at the minimum billing of each part."""
    glue = aws.glue
    hour = prices.dpu_hour(glue.version, glue.worker_type, flex=glue.flex)
    shell = prices.dpu_hour(prices.PYTHON_SHELL_VERSION)
    doubts = prices.glue_prices(glue.version).doubts if glue.flex else ""
    dpu = _DPU[glue.worker_type] * glue.workers
    steps = len(STEPS) * currencies
    transitions = _TRANSITIONS_OF_BRANCH * currencies + _TRANSITIONS_OF_FRAME
    redshift = max(1.0, currencies / 25)
    parts = {
        "Glue, Spark steps": steps * dpu * hour * _MINUTES / 60,
        "Glue, clearing": _SHELL_DPU * shell * _MINUTES / 60,
        "Step Functions": prices.TRANSITION * transitions,
        "Redshift Serverless": aws.redshift.capacity * prices.RPU_HOUR * redshift / 60,
    }
    return Cost(
        parts,
        (
            f"each of {steps:,} steps takes {_MINUTES:g} minute, Glue's minimum billing, on "
            f"{glue.workers} × {glue.worker_type} ({dpu:g} DPU at ${hour:g}/hour: Glue {glue.version}"
            f"{', Flex' if glue.flex else ''}{f'; {doubts}' if doubts else ''})",
            f"clearing takes a minute of a Python shell ({_SHELL_DPU:g} DPU at ${shell:g}/hour)",
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
