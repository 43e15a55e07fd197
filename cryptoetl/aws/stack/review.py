"""What a plan for AWS shows in addition to its changes: concerns, AWS's limits, and costs. No network.

Limits: Step Functions quotas. Prices: on-demand in US East (N. Virginia), November 2026; other regions
differ by some percent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptoetl.config.aws import Aws
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.definition import HISTORY_LIMIT, PAYLOAD_LIMIT, SIZE_LIMIT, STEPS
from cryptoetl.state_machine.status import DPU_HOUR
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
    waits = "wait in Glue's queue" if aws.glue.queuing else "are rejected and retried"
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


# --- costs --------------------------------------------------------------------------------------------

_DPU: Mapping[str, float] = {
    "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16,
    "R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8,
}  # fmt: skip
"""Data processing units of a worker, by its type."""
_DPU_HOUR_FLEX = 0.29
_DPU_HOUR_MEMORY = 0.52
_SHELL_DPU = 0.0625
_TRANSITION = 0.025 / 1000
_TRANSITIONS_OF_BRANCH = 6
_TRANSITIONS_OF_FRAME = 6
_RPU_HOUR = 0.375
_MINUTES = 1.0
"""Glue's minimum billing, and more than a step of a few thousand rows takes once its workers have started."""


def cost(aws: Aws, currencies: int) -> Cost:
    """Estimate one run of all currencies, at the minimum billing of each part."""
    glue = aws.glue
    memory = glue.worker_type.startswith("R.")
    hour = _DPU_HOUR_FLEX if glue.flex else _DPU_HOUR_MEMORY if memory else DPU_HOUR
    dpu = _DPU[glue.worker_type] * glue.workers
    steps = len(STEPS) * currencies
    parts = {
        "Glue, Spark steps": steps * dpu * hour * _MINUTES / 60,
        "Glue, clearing": _SHELL_DPU * DPU_HOUR * _MINUTES / 60,
        "Step Functions": _TRANSITION * (_TRANSITIONS_OF_BRANCH * currencies + _TRANSITIONS_OF_FRAME),
        "Redshift Serverless": aws.redshift.capacity * _RPU_HOUR * max(1.0, currencies / 25) / 60,
    }
    return Cost(
        parts,
        (
            f"each of {steps:,} steps takes {_MINUTES:g} minute, Glue's minimum billing, on "
            f"{glue.workers} × {glue.worker_type} ({dpu:g} DPU at ${hour}/hour)",
            f"Redshift runs at {aws.redshift.capacity} RPU for a minute per 25 tables "
            f"(${_RPU_HOUR}/RPU-hour)",
            "prices of US East (N. Virginia), November 2026; storage, logs and requests are cents per month",
        ),
    )


def most_concerning_first(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Sort the notices by severity: errors, warnings, notes."""
    order: Sequence[Severity] = ("error", "warning", "note")
    return tuple(sorted(notices, key=lambda notice: order.index(notice.severity)))
