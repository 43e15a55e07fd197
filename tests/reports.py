"""Facts of executions that never ran, and their reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import sin
from pathlib import Path

from cryptoetl.pipeline.curves import Curve
from cryptoetl.pipeline.reporting import Facts
from cryptoetl.pipeline.results import (
    CheckResult,
    CurrencyCheck,
    StepLine,
    TableCheck,
    VerifyResult,
)
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.state_machine.definition import STEPS, Branch, Step, render
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus

BEGIN = datetime(2026, 1, 1, 6, tzinfo=UTC)
FIRST = date(2023, 1, 2)
NAME = "20260101T060000000Z"


def tickers(number: int) -> list[str]:
    """Return tickers: BTC, XMR, then C2, C3 and so on."""
    return ["BTC", "XMR", *(f"C{place}" for place in range(2, number))][:number]


def currency(ticker: str, fails: Step | None = None, reason: str = "no rows") -> CurrencyStatus:
    """Return a currency that was loaded, or that failed at a step."""
    steps, begin, end, failed = [], BEGIN, BEGIN, False
    for step in STEPS:
        if failed:
            steps.append(StepStatus(step))
            continue
        begin += timedelta(seconds=1)
        end = begin + timedelta(seconds=1)
        if step == fails:
            steps.append(StepStatus(step, "FAILED", begin, end, error="States.TaskFailed", reason=reason))
            failed = True
        else:
            steps.append(StepStatus(step, "SUCCEEDED", begin, end))
    return CurrencyStatus(
        ticker,
        "FAILED" if fails else "LOADED",
        fails,
        "States.TaskFailed" if fails else None,
        reason if fails else None,
        tuple(steps),
        "silver",
        BEGIN,
        end,
    )


def execution(
    names: Sequence[str], fails: Mapping[str, Step] | None = None, reason: str = "no rows"
) -> ExecutionStatus:
    """Return an execution of these currencies, some of which failed."""
    failing = fails or {}
    clean = StepStatus("clean", "SUCCEEDED", BEGIN, BEGIN + timedelta(seconds=1))
    found = tuple(currency(name, failing.get(name), reason) for name in names)
    return ExecutionStatus(NAME, "SUCCEEDED", BEGIN, BEGIN + timedelta(seconds=5), found, clean)


def curve(days: int) -> Curve:
    """Return prices that swing between 50 and 150, without one on the third day."""
    prices: list[float | None] = [100 + 50 * sin(day / 40) for day in range(days)]
    prices[2:3] = [None]
    first = (FIRST - date(1970, 1, 1)).days
    means = [100.0] * days
    return Curve(
        [first + day for day in range(days)], prices, means, [float(d % 101) for d in range(days)], days
    )


def table(ticker: str, days: int, problems: tuple[str, ...] = ()) -> TableCheck:
    """Return a table of so many days."""
    last = FIRST + timedelta(days=days - 1)
    return TableCheck(ticker, f"market_data.{ticker.lower()}", days, FIRST, last, 1, problems, age_days=400)


def facts(
    names: Sequence[str],
    fails: Mapping[str, Step] | None = None,
    *,
    reason: str = "no rows",
    days: int = 400,
) -> Facts:
    """Return the facts of a report on an execution of these currencies."""
    ran = execution(names, fails, reason)
    report = FileReport("history", Path("data/btc.csv"), days)
    report.warning(7, f"1 of {days} prices missing: {reason}")
    checked = CurrencyCheck(names[0], report, FileReport("trend", Path("data/trend.csv"), 50))
    return Facts(
        pipeline="crypto",
        target="local",
        made=BEGIN + timedelta(hours=1),
        execution=ran,
        machine=render("crypto", [Branch(name) for name in names]),
        check=CheckResult((checked,)),
        verified=VerifyResult(tuple(table(name, days) for name in names), "memory:tables"),
        curves={name: curve(days) for name in names},
        logs={name: (StepLine(step, BEGIN, f"Traceback: {reason}"),) for name, step in (fails or {}).items()},
        recent=(ran,),
        versions={"cryptoetl": "0.1.0"},
        configuration=f"pipeline: crypto # {reason}\n",
        config_file=Path("config.yaml"),
        missing=(),
    )
