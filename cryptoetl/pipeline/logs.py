"""Logs of a currency's job runs, merged in order of time.

The targets differ in where a run's log is stored: see `target.LogReader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cryptoetl.errors import UsageError
from cryptoetl.pipeline.results import StepLine
from cryptoetl.pipeline.watching import read_events
from cryptoetl.state_machine.definition import STEPS
from cryptoetl.state_machine.history import Fold
from cryptoetl.state_machine.status import CurrencyStatus, Stage, StepStatus
from cryptoetl.target import Target
from cryptoetl.target.executions import LogLine, LogReader
from cryptoetl.util import interruption
from cryptoetl.util.text import did_you_mean, enumerated

_ERROR = re.compile(r"\b(ERROR|FATAL|CRITICAL)\b")
_TRACEBACK = "Traceback (most recent call last)"
_OWNED = re.compile(r"((?:\S+ ){0,4}?)([A-Za-z]\w{0,14}) \| (.*)", re.DOTALL)
"""A line of a currency in a group's log, after at most the logger's date, time, level and name: see
glue_scripts/groups.py."""
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LogRequest:
    """Which log lines to read: those of a currency's steps, or of the cleaning, in an execution.

    `ticker` is "" only for the cleaning alone, which belongs to all currencies. With `follow`, lines are read
    until the currency, or the cleaning, has ended.
    """

    ticker: str
    execution: str
    steps: Collection[Stage]
    errors_only: bool = False
    follow: bool = False


def chosen(step: str | None) -> list[Stage]:
    """Return the step of this name, or all of a currency. Raises UsageError."""
    known: tuple[Stage, ...] = ("clean", *STEPS)
    found = [item for item in known if item == step]
    if step is not None and not found:
        raise UsageError(
            f"{step!r} is not a step", hint=f"{did_you_mean([step], known)}The steps are {', '.join(known)}."
        )
    return found or list(STEPS)


def lines(
    target: Target, request: LogRequest, sleep: Callable[[float], None] = interruption.sleep
) -> Iterator[StepLine]:
    """Yield the log's lines as they are read. Raises UsageError if the execution has no such currency."""
    fold = Fold(request.execution)
    logs: dict[Stage, _Log] = {}
    ended = False
    for pause in target.executions.pauses():
        record = read_events(target, request.execution, fold)
        ticker, steps, over = _steps(fold, request, ended=record.status != "RUNNING")
        for step in steps:
            if step.step in request.steps and step.step not in logs:
                reader = _reader(target, request.execution, ticker, step, fold)
                if reader is not None:
                    logs[step.step] = _Log(reader, request.errors_only)
        found = [StepLine(step, line.time, line.text) for step, log in logs.items() for line in log.read()]
        yield from sorted(found, key=lambda line: line.time or _BEFORE_ALL)
        if not request.follow or ended:
            return
        # The last lines may arrive shortly after the end.
        ended = over
        sleep(pause)


def why_none(target: Target, request: LogRequest) -> str | None:
    """Return why a currency has no log lines, and where to look; None if there is no special reason."""
    fold = Fold(request.execution)
    ended = read_events(target, request.execution, fold).status != "RUNNING"
    currency = _currency(fold, ended, request) if request.ticker else None
    if currency is None or currency.status != "FAILED":
        return None
    if currency.step == "check":
        seen = f"`cryptoetl check --tickers {currency.ticker}` shows all findings"
        return f"{currency.ticker} was refused by the check, before any step: {currency.reason}. {seen}."
    if currency.step == "clean":
        seen = "`cryptoetl logs --step clean` shows why"
        return f"{currency.ticker} was not started, because the cleaning failed: {seen}."
    return None


def _steps(fold: Fold, request: LogRequest, *, ended: bool) -> tuple[str, Sequence[StepStatus], bool]:
    """Return the currency as it is spelled, its steps with the cleaning, and whether all have ended."""
    clean = fold.status().clean
    if not request.ticker:
        return "", [clean], ended or clean.status not in ("PENDING", "RUNNING")
    currency = _currency(fold, ended, request)
    if currency is None:
        return request.ticker, [clean], ended
    over = ended or currency.status not in ("PENDING", "RUNNING")
    return currency.ticker, [clean, *currency.steps], over


def _reader(target: Target, execution: str, ticker: str, step: StepStatus, fold: Fold) -> LogReader | None:
    """Return the log of a currency's step: its lines, if the log is that of a group."""
    group = fold.groups.group_of(ticker) if fold.groups is not None else None
    reader = target.executions.log(execution, group or ticker, step)
    if reader is None or fold.groups is None or group is None:
        return reader
    if step.step == "clean":
        return reader
    outcomes, of_step = fold.groups, next(name for name in STEPS if name == step.step)

    def died() -> bool:
        return outcomes.died(group, of_step, ended=fold.ended)

    return _GroupLog(reader, ticker, died)


@dataclass
class _GroupLog:
    """The lines of a currency in the log of its group, without its name before them.

    Lines of no currency, such as the traceback of the run itself, are added once the whole run has failed.
    """

    reader: LogReader
    ticker: str
    died: Callable[[], bool]
    _others: list[LogLine] = field(default_factory=list)

    def read(self) -> Sequence[LogLine]:
        found: list[LogLine] = []
        for line in self.reader.read():
            owned = _OWNED.fullmatch(line.text)
            if owned is None:
                self._others.append(line)
            elif owned[2] == self.ticker:
                found.append(replace(line, text=f"{owned[1]}{owned[3]}"))
        if self._others and self.died():
            found += self._others
            self._others = []
            found.sort(key=lambda line: line.time or _BEFORE_ALL)
        return found


def _currency(fold: Fold, execution_ended: bool, request: LogRequest) -> CurrencyStatus | None:
    """Return the currency's status in the execution; None before the execution has begun."""
    currencies = fold.status().currencies
    for currency in currencies:
        if currency.ticker.lower() == request.ticker.lower():
            return currency
    if not currencies and not execution_ended:
        return None
    names = [currency.ticker for currency in currencies]
    raise UsageError(
        f"{request.ticker} is not in execution {request.execution}",
        hint=f"{did_you_mean([request.ticker], names)}It has {enumerated(names)}."
        if names
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
