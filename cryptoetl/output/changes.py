"""What is new in the status of an execution: as data for JSON, and as lines for a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat

from cryptoetl.output.tables.live import progress
from cryptoetl.output.tables.words import seconds
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus

EACH_STEP = 20
"""Currencies up to which each step is a line on a pipe; of more, the end of each currency is one."""


@dataclass(frozen=True, kw_only=True)
class StepChange(StepStatus):
    """A step of a currency that began or ended, with its new status."""

    execution: str
    ticker: str

    def __str__(self) -> str:
        took = seconds(self.started, self.ended)
        duration = f" in {took}" if took else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.ticker} {self.step} {self.status.lower()}{duration}{reason}"


class StepChanges:
    """Finds what is new in each status of an execution."""

    def __init__(self) -> None:
        self._known: dict[str, CurrencyStatus] = {}

    def since_last(self, status: ExecutionStatus) -> Iterator[StepChange]:
        """Yield each step that began or ended since the last call."""
        for currency in status.currencies:
            before = self._known.get(currency.ticker)
            if currency is before:  # the same object: nothing has happened to it
                continue
            self._known[currency.ticker] = currency
            known = [step.status for step in before.steps] if before else repeat("PENDING")
            for step, known_status in zip(currency.steps, known, strict=False):
                if step.status not in (known_status, "PENDING"):
                    yield StepChange(**vars(step), execution=status.name, ticker=currency.ticker)


class ProgressLines:
    """The changes of an execution as lines: time, how many currencies have ended, what has happened."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._steps = StepChanges()
        self._ended: set[str] = set()

    def since_last(self, status: ExecutionStatus, now: datetime) -> Iterator[str]:
        """Yield a line for each change since the last call; times are in the zone of `now`."""
        total, done = progress(status)
        if self._verbose or total <= EACH_STEP:
            for change in self._steps.since_last(status):
                yield _line(change.ended or change.started or now, now, f"{done:,} of {total:,}", str(change))
            return
        ended = [currency for currency in status.currencies if self._has_just_ended(currency)]
        for currency in sorted(ended, key=lambda currency: currency.ended or now):
            self._ended.add(currency.ticker)
            of = f"{len(self._ended):,} of {total:,}"
            yield _line(currency.ended or now, now, of, _outcome(currency))

    def _has_just_ended(self, currency: CurrencyStatus) -> bool:
        return currency.status not in ("PENDING", "RUNNING", "SKIPPED") and currency.ticker not in self._ended


def _line(when: datetime, now: datetime, done: str, text: str) -> str:
    return f"{when.astimezone(now.tzinfo):%H:%M:%S}  {done}  {text}"


def _outcome(currency: CurrencyStatus) -> str:
    at = f" at {currency.step}" if currency.bad and currency.step else ""
    took = seconds(currency.started, currency.ended)
    reason = f": {currency.reason}" if currency.reason else ""
    return f"{currency.ticker} {currency.status.lower()}{at}{f' in {took}' if took else ''}{reason}"
