"""Logs of a currency's job runs, merged in order of time.

The targets differ in where a run's log is stored: see `target.LogReader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptoetl.errors import UsageError
from cryptoetl.pipeline.results import StepLine
from cryptoetl.pipeline.watching import read_events
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import CurrencyStatus, Stage
from cryptoetl.target import Target
from cryptoetl.target.executions import LogLine, LogReader
from cryptoetl.util import interruption

_ERROR = re.compile(r"\b(ERROR|FATAL|CRITICAL)\b")
_TRACEBACK = "Traceback (most recent call last)"
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LogRequest:
    """Which log lines to read: those of a currency's steps in an execution.

    With `follow`, lines are read until the currency has ended.
    """

    ticker: str
    execution: str
    steps: Collection[Step]
    errors_only: bool = False
    follow: bool = False


def lines(
    target: Target, request: LogRequest, sleep: Callable[[float], None] = interruption.sleep
) -> Iterator[StepLine]:
    """Yield the log's lines as they are read. Raises UsageError if the execution has no such currency."""
    fold = Fold(request.execution)
    logs: dict[Stage, _Log] = {}
    ended = False
    for pause in target.executions.pauses():
        record = read_events(target, request.execution, fold)
        currency = _currency(fold, record.status != "RUNNING", request)
        if currency is not None:
            for step in currency.steps:
                if step.step in request.steps and step.step not in logs:
                    reader = target.executions.log(request.execution, currency.ticker, step)
                    if reader is not None:
                        logs[step.step] = _Log(reader, request.errors_only)
        found = [StepLine(step, line.time, line.text) for step, log in logs.items() for line in log.read()]
        yield from sorted(found, key=lambda line: line.time or _BEFORE_ALL)
        if not request.follow or ended:
            return
        # The last lines may arrive shortly after the end.
        ended = record.status != "RUNNING" or (
            currency is not None and currency.status not in ("PENDING", "RUNNING")
        )
        sleep(pause)


def _currency(fold: Fold, execution_ended: bool, request: LogRequest) -> CurrencyStatus | None:
    """Return the currency's status in the execution; None before the execution has begun."""
    currencies = fold.status().currencies
    for currency in currencies:
        if currency.ticker.lower() == request.ticker.lower():
            return currency
    if not currencies and not execution_ended:
        return None
    raise UsageError(
        f"{request.ticker} is not in execution {request.execution}",
        hint=f"It has {', '.join(currency.ticker for currency in currencies)}."
        if currencies
        else "It ran no currency.",
    )


@dataclass
class _Log:
    """A run's log; with `errors_only` its error lines and whole tracebacks."""

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
            # Frames are indented; the last line, with the exception, is not.
            self._in_traceback = text.startswith(" ") or not text.strip()
            return True
        return _ERROR.search(text) is not None
