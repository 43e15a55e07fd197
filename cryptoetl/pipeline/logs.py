"""`logs`: what a currency's job runs wrote, merged in time, as it is or as it comes.

The same for both targets, which differ in where a run's log is (`target.LogReader`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptoetl.errors import UsageError
from cryptoetl.pipeline.results import StepLine
from cryptoetl.pipeline.watching import look
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import CurrencyStatus
from cryptoetl.target import Target
from cryptoetl.target.executions import LogLine, LogReader
from cryptoetl.util import interruption

_ERROR = re.compile(r"\b(ERROR|FATAL|CRITICAL)\b")
_TRACEBACK = "Traceback (most recent call last)"
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def lines(
    target: Target,
    ticker: str,
    execution: str,
    steps: Collection[Step],
    *,
    errors_only: bool = False,
    follow: bool = False,
    sleep: Callable[[float], None] = interruption.sleep,
) -> Iterator[StepLine]:
    """The lines of the currency's steps in this execution; with `follow`, until the currency has ended.

    Raises UsageError if the execution knows no such currency.
    """
    fold = Fold(execution)
    logs: dict[str, _Log] = {}
    ended = False
    for pause in target.executions.pauses():
        record = look(target, execution, fold)
        currency = _currency(fold, record.status != "RUNNING", ticker, execution)
        if currency is not None:
            for step in currency.steps:
                if step.step in steps and step.step not in logs:
                    reader = target.executions.log(execution, currency.ticker, step)
                    if reader is not None:
                        logs[step.step] = _Log(reader, errors_only)
        found = [StepLine(step, line.time, line.text) for step, log in logs.items() for line in log.read()]  # type: ignore[arg-type]
        yield from sorted(found, key=lambda line: line.time or _BEFORE_ALL)
        if not follow or ended:
            return
        # What was written last may come a little after the end.
        ended = record.status != "RUNNING" or (
            currency is not None and currency.status not in ("PENDING", "RUNNING")
        )
        sleep(pause)


def _currency(fold: Fold, over: bool, ticker: str, execution: str) -> CurrencyStatus | None:
    """The currency in the execution; None if that is only about to begin."""
    currencies = fold.status().currencies
    for currency in currencies:
        if currency.ticker.lower() == ticker.lower():
            return currency
    if not currencies and not over:
        return None
    raise UsageError(
        f"{ticker} is not in execution {execution}",
        hint=f"There are {', '.join(currency.ticker for currency in currencies)}."
        if currencies
        else "It ran no currency.",
    )


@dataclass
class _Log:
    """A run's log, or what of it tells of errors: lines that say so, and tracebacks to their last line."""

    reader: LogReader
    errors_only: bool
    _in_traceback: bool = field(default=False)

    def read(self) -> Sequence[LogLine]:
        found = self.reader.read()
        return [line for line in found if self._is_error(line.text)] if self.errors_only else found

    def _is_error(self, text: str) -> bool:
        if _TRACEBACK in text:
            self._in_traceback = True
            return True
        if self._in_traceback:
            # Its frames are indented; the exception that ends it is not.
            self._in_traceback = text.startswith(" ") or not text.strip()
            return True
        return _ERROR.search(text) is not None
