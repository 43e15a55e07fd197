"""What the page shows, made from the facts: sentences, rows and numbers that the templates only place."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from cryptoetl.output.report import marks
from cryptoetl.output.report.marks import Kind, Mark
from cryptoetl.output.tables.words import seconds
from cryptoetl.pipeline.reporting import LOGS, Facts
from cryptoetl.pipeline.results import TableCheck
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus
from cryptoetl.util.text import plural

NAMED = 5
"""Currencies that the verdict names."""
WORDS = ("loaded", "failed", "aborted", "running", "pending", "skipped")


@dataclass(frozen=True)
class Verdict:
    """The outcome of an execution in a word, a sentence, and what it took."""

    kind: Kind
    word: str
    sentence: str
    took: str
    cost: str


@dataclass(frozen=True)
class Row:
    """A currency in the table. `log` says whether the page has lines of its log."""

    status: CurrencyStatus
    mark: Mark
    took: str
    took_seconds: float | None
    table: TableCheck | None
    age: int | None
    log: bool
    logs_command: str
    retry: str | None


@dataclass(frozen=True)
class Bar:
    """A step in the timeline: where it begins and how long it is, in percent of the whole."""

    step: str
    mark: Mark
    left: float
    width: float
    words: str


@dataclass(frozen=True)
class Lane:
    """The steps of a currency, or of the cleaning, in the timeline."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Past:
    """An execution in the list of the last ones; `share` is its length in percent of the longest."""

    status: ExecutionStatus
    mark: Mark
    word: str
    took: str
    share: float
    loaded: int
    failed: int
    failures: str
    here: bool


def verdict(facts: Facts) -> Verdict:
    """Return the verdict of the execution."""
    status = facts.execution
    kind, word = _word(status)
    counts = Counter(currency.status.lower() for currency in status.currencies)
    said = ", ".join(f"{counts[name]:,} {name}" for name in WORDS if counts[name])
    failed = [c for c in status.currencies if c.status in ("FAILED", "ABORTED")]
    named = ", ".join(f"{c.ticker} at {c.step}" if c.step else c.ticker for c in failed[:NAMED])
    more = f" and {len(failed) - NAMED:,} more" if len(failed) > NAMED else ""
    total = plural(len(status.currencies), "currency")
    parts = [f"{total}: {said or 'none ran'}"]
    if named:
        parts.append(f"failed: {named}{more}")
    if status.reason:
        parts.append(status.reason)
    took = seconds(status.started, status.ended)
    return Verdict(kind, word, "; ".join(parts), took or "not ended", _cost(facts))


_KINDS: Mapping[str, Kind] = {
    "running": "running",
    "loaded": "good",
    "partly_loaded": "cut",
    "failed": "bad",
    "timed_out": "bad",
    "stopped": "cut",
    "interrupted": "cut",
}
"""By what became of an execution."""


def _word(status: ExecutionStatus) -> tuple[Kind, str]:
    """Return the kind and the word of an execution's outcome."""
    return _KINDS[status.verdict], status.verdict.replace("_", " ").upper()


def _cost(facts: Facts) -> str:
    """Return the cost of the execution's job runs, or that there is none."""
    if facts.target == "local":
        return "nothing: it ran on this machine"
    steps = [facts.execution.clean, *(step for c in facts.execution.currencies for step in c.steps)]
    known = [(step.dpu_seconds, step.dpu_hour_usd) for step in steps if step.dpu_seconds is not None]
    if not known:
        return "unknown: no job run reported its DPU-seconds"
    dollars = sum(seconds * hour for seconds, hour in known) / 3600
    return f"about ${dollars:,.2f} for {sum(seconds for seconds, _ in known):,.0f} DPU-seconds of Glue"


def options(facts: Facts) -> str:
    """Return the options with which commands find the same pipeline, with a leading space; "" if none."""
    file = str(facts.config_file)
    return "" if file == "config.yaml" else f" -c {shlex.quote(file)}"


def rows(facts: Facts) -> list[Row]:
    """Return the currencies of the execution, and configured ones that have a table without being in it."""
    tables = {table.ticker: table for table in facts.verified.tables}
    return [_row(facts, currency, tables.get(currency.ticker)) for currency in facts.execution.currencies]


def _row(facts: Facts, currency: CurrencyStatus, table: TableCheck | None) -> Row:
    name, chosen = facts.execution.name, options(facts)
    retry = None
    if currency.status in ("FAILED", "ABORTED"):
        retry = f"cryptoetl run --retry-failed --execution {name} --tickers {currency.ticker}{chosen}"
    took = None
    if currency.started and currency.ended:
        took = max(0.0, (currency.ended - currency.started).total_seconds())
    return Row(
        status=currency,
        mark=Mark(marks.KINDS.get(currency.status, "none"), currency.status.lower()),
        took=seconds(currency.started, currency.ended),
        took_seconds=took,
        table=table,
        age=table.age_days if table else None,
        log=bool(facts.logs.get(currency.ticker)),
        logs_command=f"cryptoetl logs {currency.ticker} --execution {name}{chosen}",
        retry=retry,
    )


def lanes(facts: Facts) -> list[Lane]:
    """Return the timeline: the cleaning, then each currency that began."""
    status = facts.execution
    times = [time for step in _steps(status) for time in (step.started, step.ended) if time]
    begin = status.started or min(times, default=None)
    if begin is None:
        return []
    end = max([status.ended or facts.made, *times])
    whole = max((end - begin).total_seconds(), 0.001)

    def lane(name: str, steps: Sequence[StepStatus]) -> Lane:
        return Lane(name, tuple(_bar(step, begin, end, whole) for step in steps if step.started))

    made = [lane("Clean S3 buckets", [status.clean])]
    made += [lane(currency.ticker, currency.steps) for currency in status.currencies]
    return [item for item in made if item.bars]


def _steps(status: ExecutionStatus) -> Iterator[StepStatus]:
    yield status.clean
    for currency in status.currencies:
        yield from currency.steps


def _bar(step: StepStatus, begin: datetime, end: datetime, whole: float) -> Bar:
    assert step.started is not None
    first = (step.started - begin).total_seconds()
    last = ((step.ended or end) - begin).total_seconds()
    left = min(max(first / whole * 100, 0), 99.5)
    width = min(max((last - first) / whole * 100, 0.5), 100 - left)
    words = f"{step.step} {first:,.1f} to {last:,.1f} s: {marks.of_step(step).words}"
    return Bar(step.step, marks.of_step(step), round(left, 2), round(width, 2), words)


def ticks(facts: Facts) -> list[tuple[float, str]]:
    """Return the marks of the timeline's axis: percent, and the time since the start."""
    status = facts.execution
    if status.started is None:
        return []
    whole = ((status.ended or facts.made) - status.started).total_seconds()
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 86400):
        if whole / step <= 8:
            break
    else:
        return []
    count = int(whole / step) + 1
    return [(round(n * step / max(whole, 0.001) * 100, 2), _clock(n * step, step)) for n in range(count)]


def _clock(time: float, step: float) -> str:
    if step < 1:
        return f"{time:.1f} s"
    if step < 60:
        return f"{time:.0f} s"
    return f"{time / 60:.0f} min" if step < 3600 else f"{time / 3600:.0f} h"


def past(facts: Facts) -> list[Past]:
    """Return the last executions, newest first."""
    lengths = {s.name: (s.ended - s.started).total_seconds() for s in facts.recent if s.ended and s.started}
    longest = max(lengths.values(), default=0) or 1
    found = []
    for status in facts.recent:
        kind, word = _word(status)
        failed = [c for c in status.currencies if c.status in ("FAILED", "ABORTED")]
        named = ", ".join(f"{c.ticker} at {c.step}" for c in failed[:NAMED])
        found.append(
            Past(
                status=status,
                mark=Mark(kind, word),
                word=word,
                took=seconds(status.started, status.ended),
                share=round(lengths.get(status.name, 0) / longest * 100, 1),
                loaded=sum(c.status == "LOADED" for c in status.currencies),
                failed=len(failed),
                failures=named + (" …" if len(failed) > NAMED else ""),
                here=status.name == facts.execution.name,
            )
        )
    return found


@dataclass(frozen=True)
class Found:
    """A finding of the check."""

    ticker: str
    severity: Literal["error", "warning"]
    file: str
    line: int | None
    message: str


def findings(facts: Facts) -> list[Found]:
    """Return the findings of the check, errors first."""
    found = [
        Found(currency.ticker, finding.severity, finding.file.name, finding.line, finding.message)
        for currency in facts.check.currencies
        for file in (currency.history, currency.trend)
        for finding in file.findings
    ]
    return sorted(found, key=lambda finding: finding.severity)


def logs_left_out(facts: Facts) -> bool:
    """Return whether more currencies failed than the report has logs of."""
    failed = sum(c.status in ("FAILED", "ABORTED") for c in facts.execution.currencies)
    return failed > LOGS


def day(value: date | None) -> str:
    """Return a date as 2024-01-31, a time with seconds in UTC; "" for None."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return value.isoformat() if value else ""
