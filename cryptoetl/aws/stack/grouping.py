"""What a machine of groups takes of AWS's limits, what it costs, and how long it runs. No network.

Limits: Step Functions Developer Guide, "Using Map state in Distributed mode".
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from cryptoetl.aws.stack import review
from cryptoetl.config.models import Config
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import PAYLOAD_LIMIT, STEPS
from cryptoetl.target.deployment import Notice, Prediction

CHILDREN = 10_000
"""Child executions of a Map Run."""
PARENT_EVENTS = 44
"""History events of the execution itself, whatever the number of groups."""
_OUTPUT_BYTES = 3
"""Of a group in the list of all outputs: `{},`."""

START_MINUTES = 1.0
"""Minutes until a run has its workers, which are not billed: a cautious assumption."""


def predict(bundle: Bundle) -> Prediction:
    """Predict a run of all currencies without retries."""
    assert bundle.currencies is not None
    found = bundle.currencies.groups(bundle.size)
    items = [[bundle.currencies.items[ticker].arguments() for ticker in group] for group in found]
    largest = max((len(json.dumps(group).encode()) for group in items), default=0)
    return Prediction(
        currencies=len(bundle.currencies.items),
        definition_bytes=state_machine.size(bundle.machine),
        history_events=PARENT_EVENTS,
        # The script gets the items as text.
        payload_bytes=max(2 * largest, _OUTPUT_BYTES * len(found)),
        groups=len(found),
    )


def limits(prediction: Prediction) -> Iterator[Notice]:
    """Yield an error for each limit that is exceeded, with what to do."""
    if prediction.groups > CHILDREN:
        yield Notice(
            "error",
            f"{prediction.currencies:,} currencies are {prediction.groups:,} groups, and a Map Run has at "
            f"most {CHILDREN:,} child executions: raise currencies_per_run",
        )
    if prediction.payload_bytes > PAYLOAD_LIMIT:
        yield Notice(
            "error",
            f"the input or the result of the groups can have {prediction.payload_bytes:,} bytes, and Step "
            f"Functions accepts {PAYLOAD_LIMIT:,}: "
            + ("raise" if prediction.groups > CHILDREN // 4 else "lower")
            + " currencies_per_run",
        )


def explanation(config: Config, prediction: Prediction, size: int, runs: int) -> Iterator[Notice]:
    """Yield why currencies run in groups of this size, and what that changes.

    `runs` is how many job runs fit at once.
    """
    why = "currencies_per_run" if config.currencies_per_run > 1 else "they do not fit into a branch each"
    as_branches = review.cost(config.aws, prediction.currencies).total
    in_groups = review.cost(config.aws, prediction.currencies, size=size).total
    waves = math.ceil(prediction.groups / runs)
    minutes = waves * len(STEPS) * (review.minutes(size) + START_MINUTES)
    yield Notice(
        "note",
        f"{prediction.currencies:,} currencies run in {prediction.groups:,} groups of {size} ({why}): as "
        f"branches ${as_branches:,.2f} a run, in groups of {size} ${in_groups:,.2f}; about {minutes:,.0f} "
        f"minutes, with {min(runs, prediction.groups):,} runs at once",
    )
