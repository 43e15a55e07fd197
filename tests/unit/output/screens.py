"""Screens to print on, and results to print: what the tests of this folder share."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.aws.stack.changes import Difference, ResourceChange
from cryptoetl.discovery.results import InitResult, ProposedCurrency, UnpairedFile
from cryptoetl.discovery.sniffs import Facts, HistorySniff, TrendSniff
from cryptoetl.output.tables import Result
from cryptoetl.output.terminal import Terminal
from cryptoetl.pipeline.reporting import ReportResult
from cryptoetl.pipeline.results import (
    CheckResult,
    ConfigCheck,
    CurrencyCheck,
    DoctorResult,
    ExecutionList,
    Preview,
    RunResult,
    StepLine,
    StepLog,
    StopResult,
    TableCheck,
    UploadedFile,
    UploadResult,
    UpResult,
    VerifyResult,
)
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.state_machine.bundle import Bundle, Change
from cryptoetl.state_machine.definition import STEPS, Branch, render
from cryptoetl.state_machine.status import (
    CurrencyProgress,
    CurrencyStatus,
    ExecutionStatus,
    Progress,
    StepStatus,
)
from cryptoetl.target.deployment import Cost, Notice, Part, Plan, Prediction, Removal, Review
from cryptoetl.target.diagnosis import Diagnosis
from cryptoetl.target.executions import StillRunning
from cryptoetl.target.warehouse import QueryRows

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(hours=2)


class Stream(io.TextIOWrapper):
    """A standard stream that keeps what was written, on a pipe or on a terminal."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True, newline="\n")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def raw(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)

    @property
    def text(self) -> str:
        """Without colours and cursor movements, trailing blanks and empty lines."""
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw)
        return "\n".join(line.rstrip() for line in plain.splitlines() if line.strip())

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def rows(self) -> list[list[str]]:
        """The lines as cells, separated by two blanks or more."""
        return [re.split(r" {2,}", line.strip()) for line in self.lines]


class Screens:
    """Both output streams of a command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.open()

    def open(self, *, terminal: bool = False, encoding: str = "utf-8", stdin: str = "", **env: str) -> None:
        self.out = Stream(terminal=terminal, encoding=encoding)
        self.err = Stream(terminal=terminal, encoding=encoding)
        self._answers = Stream(terminal=terminal)
        self._answers.write(stdin)
        self._answers.seek(0)
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm", "COLUMNS": "100", "LINES": "30", **env}.items():
            self._monkeypatch.setenv(name, value)

    def terminal(self, *, as_json: bool = False, verbose: bool = False, quiet: bool = False) -> Terminal:
        """A command's terminal on these streams."""
        for name, stream in (("stdout", self.out), ("stderr", self.err), ("stdin", self._answers)):
            self._monkeypatch.setattr(f"sys.{name}", stream)
        return Terminal(as_json=as_json, verbose=verbose, quiet=quiet, clock=lambda: NOW)

    def show(self, result: Result, *, verbose: bool = False, failed: bool = False) -> Stream:
        with self.terminal(verbose=verbose) as terminal:
            terminal.show(result, failed=failed)
        return self.out

    def json(self, result: Result) -> Any:
        with self.terminal(as_json=True) as terminal:
            terminal.show(result)
        return json.loads(self.out.raw)


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch) -> Screens:
    """Return a pipe for either stream; `open` replaces them."""
    return Screens(monkeypatch)


# --- results ------------------------------------------------------------------------------------------


def report(kind: str = "history", errors: int = 0, warnings: int = 0, folder: str = "/data") -> FileReport:
    made = FileReport("history" if kind == "history" else "trend", Path(folder) / f"{kind} [1].csv")
    made.rows, made.missing = 1_234, 5
    made.first, made.last = date(2020, 1, 1), date(2024, 12, 31)
    for line in range(warnings):
        made.warning(line + 2, "date 2024-01-01 is already on line 1, with the same value")
    for line in range(errors):
        made.error(line + 2, "price '[red]:smile:' is not a number")
    return made


def check(errors: int = 0, warnings: int = 0, ticker: str = "BTC") -> CheckResult:
    return CheckResult((CurrencyCheck(ticker, report(errors=errors, warnings=warnings), report("trend")),))


def upload(errors: int = 0) -> UploadResult:
    history = Path("/data/history.csv")
    trend = Path("/data/trend.csv")
    files = (
        UploadedFile("BTC", "history", history, "/lake/raw/BTC/history.csv", "uploaded", 2_345_678),
        UploadedFile("BTC", "trend", trend, "/lake/raw/BTC/trend.csv", "unchanged", 12),
    )
    return UploadResult(check(errors), files)


def plan(*changes: Change, applied: bool = False) -> Plan:
    bundle = Bundle({"States": {"Parallel": {"Branches": []}}}, (), {"b.py": b"", "a.py": b""})
    return Plan(bundle, changes, "/home/deployed", applied)


CHANGES = (
    Change("add", "branch", "XMR"),
    Change("change", "script", "a.py", "+1 −2 lines"),
    Change("remove", "branch", "BTC", "its data stays"),
)


def currency(
    ticker: str, status: CurrencyProgress, at: int | None = None, reason: str | None = None
) -> CurrencyStatus:
    """Return a currency that reached the step number `at`, or all steps."""
    done = len(STEPS) if status == "LOADED" else at or 0
    steps = []
    for number, step in enumerate(STEPS):
        begun, ended = START + timedelta(seconds=number), START + timedelta(seconds=number + 1)
        ending: Progress = "FAILED" if status == "FAILED" else "RUNNING"
        if number < done:
            steps.append(StepStatus(step, "SUCCEEDED", begun, ended))
        elif number == at and status in ("FAILED", "RUNNING"):
            over = ended if status == "FAILED" else None
            steps.append(StepStatus(step, ending, begun, over, reason=reason))
        else:
            steps.append(StepStatus(step))
    where = None if at is None else STEPS[at]
    error = "States.TaskFailed" if reason else None
    return CurrencyStatus(ticker, status, where, error, reason, tuple(steps), "silver")


def execution(
    *currencies: CurrencyStatus, status: str = "SUCCEEDED", reason: str | None = None
) -> ExecutionStatus:
    running = status == "RUNNING"
    return ExecutionStatus(
        "20260101T000000000Z",
        "RUNNING" if running else "FAILED" if status == "FAILED" else "SUCCEEDED",
        START,
        None if running else START + timedelta(seconds=75),
        currencies,
        StepStatus("clean", "SUCCEEDED"),
        None,
        reason,
    )


MIXED = execution(
    currency("BTC", "LOADED"),
    currency("XMR", "FAILED", 1, "ValueError: no gold [here]"),
    currency("ETH", "SKIPPED"),
)


def verified(*problems: str, rows: int | None = 1_000) -> VerifyResult:
    day = None if rows is None else date(2024, 1, 1)
    missing = None if rows is None else 3
    notes = () if rows is None else ("its newest day is old",)
    nulls = {} if rows is None else {"price": 3}
    table = TableCheck("BTC", "market_data.btc", rows, day, day, missing, problems, notes, nulls, 5)
    return VerifyResult((table,), "/home/warehouse.duckdb")


SNIFFED = Facts(1_234, date(2020, 1, 1), date(2024, 12, 31), "daily")
INIT = InitResult(
    Path("config.yaml"),
    Path("/data"),
    (
        ProposedCurrency(
            "BTC",
            HistorySniff(Path("/data/btc.csv"), SNIFFED, price_column=2),
            TrendSniff(Path("/data/trend.csv"), SNIFFED, "bitcoin"),
            ("its trend is short",),
            ("- ticker: BTC",),
        ),
    ),
    (UnpairedFile(Path("/data/notes.csv"), None, "it has no dates", ()),),
    "currencies: []",
)
UP = UpResult(upload(), plan(*CHANGES, applied=True), RunResult(MIXED), verified())
EVERYTHING: Mapping[str, Result] = {
    "check": check(1, 1),
    "upload": upload(1),
    "stop": StopResult(MIXED, (StillRunning("crypto-silver2gold of BTC (jr_1)", "it is still STOPPING"),)),
    "log": StepLog("BTC", "e", (StepLine("gold", datetime(2026, 1, 2, tzinfo=UTC), "INFO: one"),)),
    "plan": plan(*CHANGES),
    "run": RunResult(MIXED, refused={"ETH": "history: bad"}),
    "status": MIXED,
    "list": ExecutionList((MIXED,)),
    "verify": verified("rows: 1 in the table, 2 in gold"),
    "query": QueryRows(("date", "price"), ((date(2024, 1, 1), 1.5),), more=True),
    "config check": ConfigCheck(Path("config.yaml"), ("dev", "prod")),
    "up": UP,
    "doctor": DoctorResult(
        (
            Diagnosis("home", "lock", "passed", "is free"),
            Diagnosis("home", "disk space", "failed", "9 MB are free", "Free some space."),
        )
    ),
    "report": ReportResult("e", Path("report.html"), 1_400_000, 2, "https://bucket/e.html", START),
    "destroy": Removal("/home", (Part("bundle", "deployed"),), (Part("data", "raw", "3 files"),)),
    "init": INIT,
    "preview": Preview(
        "BTC",
        "market_data.btc",
        QueryRows(
            ("date", "price", "trend", "pricema", "trend_i"),
            tuple((date(2024, 1, day), 1.0 * day, None, 1.0, 1.0) for day in range(1, 9)),
            more=False,
        ),
    ),
}


# --- a deploy on AWS ----------------------------------------------------------------------------------

REVIEW = Review(
    "123456789012",
    "eu-central-1",
    (
        Notice("error", "the workgroup does not exist"),
        Notice("warning", "it takes longer"),
        Notice("note", "not verified"),
    ),
    Prediction(2, 9_389, 65, 226),
    Cost({"Glue": 0.0885, "Redshift": 0.05}, ("each step takes a minute",)),
)
JOB = ResourceChange(
    "replace",
    "job",
    "crypto-x",
    "Name a → b",
    "XJob",
    "AWS::Glue::Job",
    False,
    (Difference("Name", "a", "b"),),
)


LINKS = {"stack": "https://console/stack", "state machine": "https://console/machine"}


def aws_plan(*changes: Change, review: Review | None = REVIEW, applied: bool = False) -> Plan:
    return Plan(
        Bundle(render("crypto", [Branch("BTC")]), (), {}),
        changes,
        "stack cryptoetl-crypto",
        applied,
        review,
        LINKS,
    )
