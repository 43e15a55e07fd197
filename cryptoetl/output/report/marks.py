"""What happened to each state of the machine, as a mark, a word and a kind for its colour.

A colour never carries meaning alone: every mark has a sign and a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cryptoetl.output.tables.words import seconds
from cryptoetl.state_machine.definition import CLEAN, PARALLEL, state_name
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus

Kind = Literal["good", "bad", "cut", "running", "none"]
SIGNS: Mapping[Kind, str] = {"good": "✓", "bad": "✗", "cut": "!", "running": "…", "none": "–"}
KINDS: Mapping[str, Kind] = {
    "SUCCEEDED": "good",
    "LOADED": "good",
    "FAILED": "bad",
    "TIMED_OUT": "bad",
    "ABORTED": "cut",
    "INTERRUPTED": "cut",
    "RUNNING": "running",
}
"""By status of an execution, a currency or a step; any other is "none"."""


@dataclass(frozen=True)
class Mark:
    """What happened, in a kind and in words."""

    kind: Kind
    words: str

    @property
    def text(self) -> str:
        """Return sign and words."""
        return f"{SIGNS[self.kind]} {self.words}"


def of_step(step: StepStatus) -> Mark:
    """Return the mark of a currency's step, or of the cleaning."""
    took = seconds(step.started, step.ended)
    again = f", retry {step.retries}" if step.retries else ""
    match step.status:
        case "SUCCEEDED":
            return Mark("good", f"{took or 'done'}{again}")
        case "FAILED":
            return Mark("bad", f"failed, {took}" if took else "failed")
        case "ABORTED":
            return Mark("cut", "cut off")
        case "RUNNING":
            return Mark("running", f"running{again}")
        case _:
            return Mark("none", "not run")


def of_states(execution: ExecutionStatus) -> dict[str, Mark]:
    """Return the marks of the states that the execution has reached, by the state's name."""
    marks = {CLEAN: of_step(execution.clean)}
    for currency in execution.currencies:
        marks |= _of_branch(currency)
    began = any(currency.started for currency in execution.currencies)
    if execution.status == "SUCCEEDED":
        marks[PARALLEL] = marks["SuccessState"] = Mark("good", "reached")
    elif execution.status == "FAILED":
        marks["S3 cleaning failure" if marks[CLEAN].kind == "bad" else "Pipeline failure"] = Mark(
            "bad", "reached"
        )
    if began and execution.status != "SUCCEEDED":
        marks[PARALLEL] = Mark(KINDS.get(execution.status, "none"), execution.status.lower())
    return marks


def _of_branch(currency: CurrencyStatus) -> dict[str, Mark]:
    marks = {state_name(currency.ticker, "silver"): Mark("none", "not run")}
    for step in currency.steps:
        match step.step:
            case "silver" | "gold" | "redshift" as role:
                marks[state_name(currency.ticker, role)] = of_step(step)
    if any(step.status == "FAILED" for step in currency.steps):
        marks[state_name(currency.ticker, "caught")] = Mark("good", "they went on")
    return marks
