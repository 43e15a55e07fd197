"""On-demand prices of what a run uses, in US dollars, and where they come from.

Read in November 2026 for US East (N. Virginia) from the pages AWS Glue pricing, Step Functions pricing and
Amazon Redshift pricing, and from AWS's Price List. Other regions differ by some percent. Where two sources
disagree, the higher price counts, so that an estimate is rather too high.
"""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "US East (N. Virginia), November 2026"
"""Region and date of every price here."""


@dataclass(frozen=True)
class GluePrices:
    """Prices of a DPU-hour, from the Glue version `since` on.

    `memory` is the price with R workers. `doubts` says which price AWS's sources disagree on.
    """

    since: float
    standard: float
    flex: float
    memory: float
    doubts: str = ""


GLUE = (
    GluePrices(6.0, standard=0.308, flex=0.29, memory=0.52, doubts="Flex may cost $0.203 only"),
    GluePrices(0.9, standard=0.44, flex=0.29, memory=0.52),
)
"""The newest first."""

PYTHON_SHELL_VERSION = "3.0"
"""The Glue version of Python shell jobs, which has a price of its own."""

TRANSITION = 0.025 / 1000
"""Step Functions: a state transition of a standard workflow."""

RPU_HOUR = 0.375
"""Redshift Serverless: an RPU-hour."""


def glue_prices(version: str | None) -> GluePrices:
    """Return the prices of a Glue version such as "6.0"; the highest ones if it is unknown."""
    try:
        number = float(version or 0)
    except ValueError:
        number = 0.0
    return next((prices for prices in GLUE if number >= prices.since), GLUE[-1])


def dpu_hour(version: str | None, worker_type: str | None = None, *, flex: bool = False) -> float:
    """Return the price of a DPU-hour of a job."""
    prices = glue_prices(version)
    if flex:
        return prices.flex
    return prices.memory if (worker_type or "").startswith("R.") else prices.standard
