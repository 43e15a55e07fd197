"""How much of a running execution a screen can show, and times in words. The rest is in test_console.py."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from cryptoetl.output.tables import render
from cryptoetl.output.tables.executions import execution
from cryptoetl.output.tables.files import SHOWN_UPLOADS
from cryptoetl.output.tables.words import seconds
from cryptoetl.pipeline.results import CheckResult, UploadAction, UploadedFile, UploadResult
from cryptoetl.state_machine.status import (
    CurrencyProgress,
    CurrencyStatus,
    ExecutionStatus,
    Stage,
    StepStatus,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
LONG_REASON = "history: line 812: price 'abc' is not a number; " * 5
BESIDES = 6
"""Lines of a live view that are not currencies: title, head, and what is counted."""


def currency(
    ticker: str, status: CurrencyProgress, step: Stage | None = None, reason: str | None = None
) -> CurrencyStatus:
    steps = tuple(
        StepStatus(name, "SUCCEEDED" if status == "LOADED" else "FAILED" if name == step else "PENDING")
        for name in ("silver", "gold", "redshift")
    )
    return CurrencyStatus(ticker, status, step, None, reason, steps, "silver")


def two_hundred() -> ExecutionStatus:
    """197 loaded, two failed with long reasons, and the last one running."""
    loaded = [currency(f"C{number}", "LOADED") for number in range(197)]
    failed = [currency(name, "FAILED", "silver", LONG_REASON) for name in ("BAD", "WORSE")]
    currencies = (*loaded, *failed, currency("LAST", "RUNNING"))
    return ExecutionStatus("e1", "RUNNING", START, None, currencies, StepStatus("clean", "SUCCEEDED"))


def live(status: ExecutionStatus, *, rows: int, width: int) -> list[str]:
    """The lines of the live view."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    console.print(execution(status, now=START, rows=rows))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [45, 60, 80, 200])
@pytest.mark.parametrize("rows", [3, 10, 18])
def test_of_two_hundred_currencies_a_screen_shows_what_matters_and_counts_the_rest(
    rows: int, width: int
) -> None:
    lines = live(two_hundred(), rows=rows, width=width)
    first_words = [line.split()[0] for line in lines if line.strip()]
    assert {"LAST", "BAD", "WORSE"} <= set(first_words)
    assert f"… and {200 - rows} more: {200 - rows} loaded" in [line.rstrip() for line in lines]
    assert len(lines) <= rows + BESIDES
    assert max(map(cell_len, lines)) <= width


def test_where_all_fit_none_is_counted() -> None:
    lines = live(two_hundred(), rows=200, width=80)
    assert sum(" LOADED " in line for line in lines) == 197
    assert [line for line in lines if "more:" in line] == []


@pytest.mark.parametrize(
    ("taken", "words"),
    [(59.4, "59 s"), (59.7, "1 min 00 s"), (60, "1 min 00 s"), (119.6, "2 min 00 s"), (7265, "121 min 05 s")],
)
def test_times_are_rounded_before_minutes_are_taken_from_them(taken: float, words: str) -> None:
    assert seconds(START, START + timedelta(seconds=taken)) == words


def uploaded(action: UploadAction, count: int) -> tuple[UploadedFile, ...]:
    return tuple(
        UploadedFile(f"C{n}", "history", Path(f"/{n}.csv"), f"s3://raw/C{n}/history.csv", action, 1)
        for n in range(count)
    )


def printed(files: tuple[UploadedFile, ...], *, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in render(UploadResult(CheckResult(()), files), verbose=verbose):
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_an_upload_shows_what_changed_and_counts_the_rest() -> None:
    files = uploaded("uploaded", SHOWN_UPLOADS + 3) + uploaded("refused", 1) + uploaded("unchanged", 5)
    text = printed(files)
    assert text.count(".csv") == SHOWN_UPLOADS
    assert "… and 3 files more uploaded; --verbose shows all" in text
    assert "… and 1 file more refused; --verbose shows all" in text
    assert "5 files unchanged." in text
    assert printed(files, verbose=True).count(".csv") == len(files)
    assert "Currency" not in printed(uploaded("unchanged", 5))
