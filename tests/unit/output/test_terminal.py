"""What is printed: tables for people, plain lines on a pipe, a live view on a terminal, JSON for scripts."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.aws.stack.changes import Difference, ResourceChange
from cryptoetl.errors import ConfigError, ConfigProblem, Interrupted, UsageError
from cryptoetl.events import Event, FileProgress, Phase, Progressed, ResourceProgress, Warned
from cryptoetl.output.serialize import to_data
from cryptoetl.output.tables import Result
from cryptoetl.output.tables.files import SHOWN_FINDINGS
from cryptoetl.output.tables.words import seconds
from cryptoetl.output.terminal import Terminal
from cryptoetl.pipeline.results import (
    CheckResult,
    CurrencyCheck,
    ExecutionList,
    Plan,
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
from cryptoetl.raw_files.findings import MAX_FINDINGS, FileReport
from cryptoetl.state_machine.bundle import Bundle, Change
from cryptoetl.state_machine.definition import STEPS, Branch, render
from cryptoetl.state_machine.status import (
    CurrencyProgress,
    CurrencyStatus,
    ExecutionStatus,
    Progress,
    StepStatus,
)
from cryptoetl.target.deployment import Cost, Notice, Part, Prediction, Removal, Review
from cryptoetl.target.executions import Left
from cryptoetl.target.warehouse import QueryRows

START = datetime(2026, 1, 1, tzinfo=UTC)


class Stream(io.TextIOWrapper):
    """A standard stream that remembers what was written, on a pipe or on a terminal."""

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
        """The lines as cells, which two blanks or more separate."""
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

    def terminal(self, *, as_json: bool = False, verbose: bool = False) -> Terminal:
        """A command's terminal on these streams."""
        for name, stream in (("stdout", self.out), ("stderr", self.err), ("stdin", self._answers)):
            self._monkeypatch.setattr(f"sys.{name}", stream)
        return Terminal(as_json=as_json, verbose=verbose)

    def show(self, result: Result, *, verbose: bool = False) -> Stream:
        with self.terminal(verbose=verbose) as terminal:
            terminal.show(result)
        return self.out

    def json(self, result: Result) -> Any:
        with self.terminal(as_json=True) as terminal:
            terminal.show(result)
        return json.loads(self.out.raw)


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch) -> Screens:
    """A pipe on either stream; `open` makes them something else."""
    return Screens(monkeypatch)


# --- made-up results ----------------------------------------------------------------------------------


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
    """A currency that came to the step number `at`, or through all of them."""
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


UP = UpResult(upload(), plan(*CHANGES, applied=True), RunResult(MIXED), verified())
EVERYTHING: Mapping[str, Result] = {
    "check": check(1, 1),
    "upload": upload(1),
    "stop": StopResult(MIXED, (Left("crypto-silver2gold of BTC (jr_1)", "it is still STOPPING"),)),
    "log": StepLog("BTC", "e", (StepLine("gold", datetime(2026, 1, 2, tzinfo=UTC), "INFO: one"),)),
    "plan": plan(*CHANGES),
    "run": RunResult(MIXED, refused={"ETH": "history: bad"}),
    "status": MIXED,
    "list": ExecutionList((MIXED,)),
    "verify": verified("rows: 1 in the table, 2 in gold"),
    "query": QueryRows(("date", "price"), ((date(2024, 1, 1), 1.5),), more=True),
    "up": UP,
}


# --- check and upload ---------------------------------------------------------------------------------


def test_a_good_check_is_one_row_per_currency(screens: Screens) -> None:
    assert screens.show(check()).rows[-1] == (
        ["BTC", "ok", "1,234", "2020-01-01 – 2024-12-31", "5", "1,234", "2020-01-01 – 2024-12-31"]
    )


def test_a_finding_is_one_line_with_file_and_line_as_it_is_written(screens: Screens) -> None:
    out = screens.show(check(errors=1))
    assert "1 error" in out.text
    assert out.lines[-1] == "BTC error /data/history [1].csv:2: price '[red]:smile:' is not a number"


def test_a_line_on_a_pipe_is_not_wrapped_however_long(screens: Screens) -> None:
    deep = "/" + "/".join(["folder with a long name"] * 40)
    result = CheckResult((CurrencyCheck("BTC", report(errors=1, folder=deep), report("trend")),))
    assert f"BTC error {deep}/history [1].csv:2: price" in screens.show(result).lines[-1]


def test_of_many_findings_the_first_are_shown_errors_before_warnings(screens: Screens) -> None:
    lines = screens.show(check(errors=4, warnings=60)).lines
    shown = [line.split()[1] for line in lines if line.startswith("BTC") and ".csv:" in line]
    assert shown == ["error"] * 4 + ["warning"] * (SHOWN_FINDINGS - 4)
    assert lines[-1] == "BTC … and 54 more in /data/history [1].csv; --verbose shows more"


def test_verbose_shows_all_findings_that_are_kept(screens: Screens) -> None:
    lines = screens.show(check(errors=MAX_FINDINGS + 50), verbose=True).lines
    assert sum(".csv:" in line for line in lines) == MAX_FINDINGS
    assert lines[-1] == "BTC … and 50 more in /data/history [1].csv"


def test_a_good_upload_says_what_became_of_each_file_and_where_it_is(screens: Screens) -> None:
    out = screens.show(upload())
    assert ["BTC", "history", "uploaded", "2,346 kB", "/data/history.csv"] in out.rows
    assert out.lines[-1] == "The raw files are in /lake/raw."
    assert "Days" not in out.text


def test_an_upload_with_findings_shows_the_check_first(screens: Screens) -> None:
    text = screens.show(upload(errors=1)).text
    assert text.index("is not a number") < text.index("uploaded")


# --- deploy -------------------------------------------------------------------------------------------


def test_a_plan_is_one_line_per_change_and_their_number(screens: Screens) -> None:
    assert screens.show(plan(*CHANGES)).lines == [
        "+ add    branch XMR",
        "~ change script a.py  (+1 −2 lines)",
        "- remove branch BTC  (its data stays)",
        "3 changes to deploy.",
    ]


def test_an_applied_plan_says_where_it_is(screens: Screens) -> None:
    assert screens.show(plan(CHANGES[0], applied=True)).lines[-1] == "1 change deployed to /home/deployed."


def test_a_plan_without_changes_says_so(screens: Screens) -> None:
    assert screens.show(plan()).lines == ["No changes: /home/deployed is up to date."]


# --- executions ---------------------------------------------------------------------------------------


def test_an_execution_shows_each_step_and_below_the_table_why_one_failed(screens: Screens) -> None:
    out = screens.show(MIXED)
    assert out.lines[0] == (
        "Execution 20260101T000000000Z  SUCCEEDED  1 min 15 s  1 loaded, 1 failed, 1 skipped"
    )
    assert ["BTC", "LOADED", "1.0 s", "1.0 s", "1.0 s"] in out.rows
    assert ["XMR", "FAILED", "1.0 s", "failed", "–"] in out.rows
    assert out.lines[-1] == "XMR FAILED at gold: ValueError: no gold [here]"


def test_skipped_currencies_are_shown_to_the_verbose_alone(screens: Screens) -> None:
    assert "ETH" not in screens.show(MIXED).text
    screens.open()
    assert ["ETH", "SKIPPED", "–", "–", "–"] in screens.show(MIXED, verbose=True).rows


def test_the_reason_of_an_execution_comes_last(screens: Screens) -> None:
    out = screens.show(
        execution(currency("BTC", "ABORTED", 0), status="FAILED", reason="the cleaning failed")
    )
    assert ["BTC", "ABORTED", "–", "–", "–"] in out.rows
    assert out.lines[-1] == "the cleaning failed"


def test_two_hundred_currencies_are_all_in_the_result(screens: Screens) -> None:
    out = screens.show(execution(*(currency(f"C{n}", "LOADED") for n in range(200))))
    assert sum(row[1:2] == ["LOADED"] for row in out.rows) == 200


def test_a_run_of_nothing_says_why_and_names_what_was_refused(screens: Screens) -> None:
    out = screens.show(RunResult(None, "Nothing was run.", {"XMR": "history: line 3: [bad]"}))
    assert out.lines == ["Nothing was run.", "XMR FAILED check: history: line 3: [bad]"]


def test_executions_are_listed_with_what_failed(screens: Screens) -> None:
    many = execution(*(currency(f"C{n}", "FAILED", 0, "x") for n in range(7)), status="FAILED")
    rows = screens.show(ExecutionList((MIXED, many))).rows
    assert rows[-2] == ["20260101T000000000Z", "SUCCEEDED", "1 min 15 s", "1", "1", "XMR at gold"]
    assert rows[-1][-1] == "C0 at silver, C1 at silver, C2 at silver, C3 at silver, C4 at silver …"


def test_an_empty_list_of_executions_says_so(screens: Screens) -> None:
    assert screens.show(ExecutionList(())).lines == ["There is no execution yet."]


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [
        (0, "0.0 s"),
        (0.34, "0.3 s"),
        (9.99, "10.0 s"),
        (42.4, "42 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (-1, "0.0 s"),
    ],
)
def test_times_are_written_for_people(elapsed: float, text: str) -> None:
    assert seconds(START, START + timedelta(seconds=elapsed)) == text
    assert seconds(None, START) == seconds(START, None) == ""


# --- verify, query, up --------------------------------------------------------------------------------


def test_a_verified_table_equals_gold(screens: Screens) -> None:
    out = screens.show(verified())
    assert ["market_data.btc", "equals gold", "1,000", "2024-01-01 – 2024-01-01", "3"] in out.rows
    assert out.lines[-1] == "The tables are in /home/warehouse.duckdb."


def test_a_table_that_differs_says_in_what(screens: Screens) -> None:
    lines = screens.show(
        verified("rows: 1 in the table, 2 in gold", "first: a in the table, b in gold")
    ).lines
    assert lines[-3:-1] == [
        "market_data.btc differs: rows: 1 in the table, 2 in gold; first: a in the table, b in gold",
        "market_data.btc note: its newest day is old",
    ]


def test_where_no_table_is_no_place_is_named(screens: Screens) -> None:
    lines = screens.show(verified("the table is missing", rows=None)).lines
    assert lines[-1] == "market_data.btc missing: the table is missing"


def test_rows_are_shown_as_they_are(screens: Screens) -> None:
    out = screens.show(QueryRows(("[b]day", ">n"), (("[red]x[/red] :smile:", None), ("y", 0)), more=False))
    assert out.rows[0] == ["[b]day", ">n"]
    assert out.rows[-2:] == [["[red]x[/red] :smile:"], ["y", "0"]]


def test_a_cut_result_says_how_to_see_more(screens: Screens) -> None:
    result = QueryRows(("n",), tuple((n,) for n in range(1_000)), more=True)
    assert screens.show(result).lines[-1] == "The first 1,000 rows; --limit shows more."


def test_up_shows_its_parts_in_order_and_what_to_do_next(screens: Screens) -> None:
    text = screens.show(UP).text
    parts = [
        "uploaded",
        "3 changes deployed",
        "Execution 2026",
        "equals gold",
        "cryptoetl run --retry-failed",
    ]
    assert sorted(parts, key=text.index) == parts


def test_up_of_broken_files_alone_says_what_to_do(screens: Screens) -> None:
    assert screens.show(UpResult(upload(1))).lines[-1] == (
        "No currency can be loaded: mend the files above and run the same command again."
    )


# --- pipes and terminals ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYTHING)
def test_nothing_on_a_pipe_is_coloured_and_nothing_is_on_the_other_stream(
    screens: Screens, name: str
) -> None:
    assert "\x1b" not in screens.show(EVERYTHING[name]).raw
    assert screens.out.text
    assert screens.err.raw == ""


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_is_coloured_unless_it_does_not_want_to_be(
    screens: Screens, environment: dict[str, str], coloured: bool
) -> None:
    screens.open(terminal=True, **environment)
    assert ("\x1b[32m" in screens.show(MIXED).raw) is coloured


@pytest.mark.parametrize("columns", ["20", "40", "80"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_no_line_is_wider_than_the_terminal(screens: Screens, name: str, columns: str) -> None:
    screens.open(terminal=True, COLUMNS=columns)
    lines = screens.show(EVERYTHING[name]).lines
    assert lines
    assert [line for line in lines if len(line) > int(columns)] == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_a_terminal_without_the_letters_gets_others(screens: Screens, name: str, encoding: str) -> None:
    screens.open(encoding=encoding)
    assert "?" not in screens.show(EVERYTHING[name]).text


def test_what_no_encoding_can_spell_is_a_question_mark(screens: Screens) -> None:
    screens.open(encoding="ascii")
    screens.show(RunResult(None, "1 → 2 … 3 – 4 − 5 ж \udce9"))
    assert screens.out.text == r"1 -> 2 ... 3 - 4 - 5 ? \udce9"


# --- while it happens ---------------------------------------------------------------------------------


def test_on_a_pipe_every_change_of_a_step_is_one_line_told_once(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(Phase("run"))
        running = execution(currency("BTC", "RUNNING", 1), currency("XMR", "PENDING"), status="RUNNING")
        terminal.observe(Progressed(running))
        terminal.observe(Progressed(running))
        failed = execution(currency("BTC", "FAILED", 1, "no [gold]"), currency("XMR", "RUNNING", 0))
        terminal.observe(Progressed(failed))
    assert screens.err.lines == [
        "BTC silver succeeded in 1.0 s",
        "BTC gold running",
        "BTC gold failed in 1.0 s: no [gold]",
        "XMR silver running",
    ]
    assert screens.out.raw == ""


def test_on_a_pipe_files_are_read_without_a_word(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(FileProgress("BTC", Path("h.csv"), 1, 10**9))
    assert screens.out.raw + screens.err.raw == ""


def test_a_large_file_on_a_terminal_has_a_bar_and_a_small_one_none(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(FileProgress("XMR", Path("/x/small.csv"), 500, 1_000))
        assert screens.err.raw == ""
        terminal.observe(FileProgress("BTC", Path("/x/large.csv"), 10**8, 10**9))
        terminal.observe(Phase("upload"))
        drawn = screens.err.text
    assert "BTC large.csv" in drawn
    assert "small.csv" not in drawn
    assert screens.out.raw == ""


def test_on_a_terminal_a_run_is_a_view_that_gives_way_to_the_result(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(Progressed(execution(currency("BTC", "RUNNING", 0), status="RUNNING")))
        terminal.observe(Progressed(MIXED))
        terminal.show(MIXED)
    assert "1 loaded, 1 failed" in screens.err.text
    assert "\x1b[2K" in screens.err.raw  # the view is wiped
    assert screens.err.raw.count("\x1b[?25l") == screens.err.raw.count("\x1b[?25h") == 1  # cursor back
    assert screens.out.lines[0].startswith("Execution 2026")


def test_the_view_is_wiped_when_an_error_ends_it(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(Progressed(execution(currency("BTC", "RUNNING", 0), status="RUNNING")))
        terminal.error(Interrupted("it goes on", hint="come back"))
    assert screens.err.lines[-2:] == ["interrupted: it goes on", "come back"]
    assert screens.err.raw.endswith("\n")


def test_two_hundred_currencies_on_a_small_terminal_are_counted_beyond_its_rows(screens: Screens) -> None:
    screens.open(terminal=True, LINES="16", COLUMNS="80")
    states = [
        *(currency(f"OK{n}", "LOADED") for n in range(150)),
        *(currency(f"WAIT{n}", "PENDING") for n in range(45)),
        *(currency(f"RUN{n}", "RUNNING", 0) for n in range(3)),
        *(
            currency(f"BAD{n}", "FAILED", 0, "ValueError: " + "far too long for a line " * 9)
            for n in range(2)
        ),
    ]
    with screens.terminal() as terminal:
        terminal.observe(Progressed(execution(*states, status="RUNNING")))
    lines = [line.strip() for line in screens.err.lines]
    tickers = [line.split()[0] for line in lines if re.match(r"(OK|WAIT|RUN|BAD)\d", line)]
    assert tickers == ["BAD0", "BAD1", "RUN0", "RUN1", "RUN2", *(f"WAIT{n}" for n in range(5))]
    assert "… and 190 more: 150 loaded, 40 pending" in lines
    assert max(map(len, screens.err.lines)) <= 80
    assert "at silver: Value" in next(line for line in lines if line.startswith("BAD0"))


def test_warnings_and_messages_go_to_the_other_stream(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(Warned("[BTC] is :old:"))
        terminal.say("Nothing [was] deployed.")
    assert screens.err.lines == ["warning: [BTC] is :old:", "Nothing [was] deployed."]
    assert screens.out.raw == ""


def test_a_question_is_asked_where_somebody_is_there_to_answer(screens: Screens) -> None:
    for answer, expected in (("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)):
        screens.open(terminal=True, stdin=answer)
        with screens.terminal() as terminal:
            assert terminal.can_ask
            assert terminal.confirm("Deploy [this]?") is expected
        assert screens.err.text == "Deploy [this]? [y/N]"


@pytest.mark.parametrize("as_json", [True, False])
def test_nobody_is_asked_on_a_pipe_or_in_json(screens: Screens, as_json: bool) -> None:
    screens.open(terminal=as_json)
    with screens.terminal(as_json=as_json) as terminal:
        assert not terminal.can_ask


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_that_has_gone_does_not_end_the_command(
    monkeypatch: pytest.MonkeyPatch, name: str, as_json: bool
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(f"sys.{name}", pipe)
        with Terminal(as_json=as_json) as terminal:
            terminal.observe(Progressed(MIXED))
            terminal.show(MIXED)
            terminal.text("more")
            terminal.error(UsageError("no", hint="look"))
        assert os.path.samestat(os.fstat(pipe.fileno()), Path(os.devnull).stat())  # nothing fails at exit


# --- errors -------------------------------------------------------------------------------------------


def test_an_error_is_told_with_its_hint_on_the_other_stream(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.error(UsageError("[DOGE]: unknown", hint="It has BTC."))
    assert screens.err.lines == ["error: [DOGE]: unknown", "It has BTC."]
    assert screens.out.raw == ""


def test_every_problem_of_a_configuration_is_a_line(screens: Screens) -> None:
    problems = [ConfigProblem(Path("c.yaml"), line, f"f{line}", "is wrong") for line in (3, 7)]
    with screens.terminal() as terminal:
        terminal.error(ConfigError(problems))
    assert screens.err.lines == ["error: c.yaml:3: f3: is wrong", "c.yaml:7: f7: is wrong"]


def test_an_error_in_json_is_an_object_on_standard_output_and_a_message_beside_it(screens: Screens) -> None:
    with screens.terminal(as_json=True) as terminal:
        terminal.error(UsageError("no such thing", hint="look"))
    assert json.loads(screens.out.raw) == {"error": "no such thing", "hint": "look", "exit_code": 2}
    assert screens.err.lines == ["error: no such thing", "look"]


# --- JSON ---------------------------------------------------------------------------------------------


def shape(data: Any) -> Any:
    """Keys, and of a list its first item."""
    match data:
        case dict():
            return {key: shape(value) for key, value in data.items()}
        case [first, *_]:
            return [shape(first)]
        case _:
            return type(data).__name__


FINDING = {"severity": "str", "kind": "str", "file": "str", "line": "int", "message": "str"}
REPORT = {
    "kind": "str",
    "file": "str",
    "rows": "int",
    "missing": "int",
    "first": "str",
    "last": "str",
    "errors": "int",
    "warnings": "int",
    "findings": "list",
}
CHECKED = {
    "currencies": [
        {"ticker": "str", "ok": "bool", "history": REPORT | {"findings": [FINDING]}, "trend": REPORT}
    ]
}
UPLOADED = {
    "check": CHECKED,
    "files": [
        {"ticker": "str", "kind": "str", "source": "str", "location": "str", "action": "str", "bytes": "int"}
    ],
}
PLANNED = {
    "bundle": {"tickers": "list", "scripts": ["str"]},
    "changes": [{"action": "str", "what": "str", "name": "str", "detail": "str"}],
    "location": "str",
    "applied": "bool",
}
STEP = {
    "step": "str",
    "status": "str",
    "started": "str",
    "ended": "str",
    "retries": "int",
    "job_run_id": "NoneType",
    "error": "NoneType",
    "reason": "NoneType",
    "cause": "NoneType",
    "dpu_seconds": "NoneType",
}
CURRENCY = {
    "ticker": "str",
    "status": "str",
    "step": "NoneType",
    "error": "NoneType",
    "reason": "NoneType",
    "steps": [STEP],
    "begins": "str",
    "started": "NoneType",
    "ended": "NoneType",
}
EXECUTION = {
    "name": "str",
    "status": "str",
    "started": "str",
    "ended": "str",
    "currencies": [CURRENCY],
    "clean": STEP | {"started": "NoneType", "ended": "NoneType"},
    "error": "NoneType",
    "reason": "NoneType",
}
RAN = {"execution": EXECUTION, "note": "NoneType", "refused": {"ETH": "str"}, "left": "list"}
VERIFIED = {
    "tables": [
        {
            "ticker": "str",
            "table": "str",
            "rows": "int",
            "first": "str",
            "last": "str",
            "missing_prices": "int",
            "problems": ["str"],
            "notes": ["str"],
            "nulls": {"price": "int"},
            "age_days": "int",
        }
    ],
    "location": "str",
}
SHAPES: Mapping[str, Any] = {
    "check": CHECKED,
    "upload": UPLOADED,
    "plan": PLANNED,
    "run": RAN,
    "status": EXECUTION,
    "list": {"executions": [EXECUTION]},
    "stop": {"execution": EXECUTION, "left": [{"what": "str", "reason": "str"}]},
    "log": {
        "ticker": "str",
        "execution": "str",
        "lines": [{"step": "str", "time": "str", "text": "str"}],
    },
    "verify": VERIFIED,
    "query": {"columns": ["str"], "rows": [{"date": "str", "price": "float"}], "more": "bool"},
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_result_in_json_has_every_field_under_its_own_name(screens: Screens, name: str) -> None:
    assert shape(screens.json(EVERYTHING[name])) == SHAPES[name]
    assert screens.err.raw == ""


def test_up_in_json_begins_with_what_a_script_wants_first(screens: Screens) -> None:
    data = screens.json(UP)
    assert list(data) == ["exit_code", "currencies", "upload", "deploy", "run", "verify"]
    assert data["exit_code"] == 1
    assert [(c["ticker"], c["status"]) for c in data["currencies"]] == [
        ("BTC", "LOADED"),
        ("XMR", "FAILED"),
        ("ETH", "SKIPPED"),
    ]
    assert data["currencies"] == data["run"]["execution"]["currencies"]


def test_up_of_nothing_in_json_has_no_currencies(screens: Screens) -> None:
    data = screens.json(UpResult(upload(1)))
    assert (data["exit_code"], data["currencies"], data["run"]) == (1, [], None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (date(2024, 1, 31), "2024-01-31"),
        (START, "2026-01-01T00:00:00+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(seconds=5), "0:00:05"),
        (Decimal("1.50"), 1.5),
        (Decimal("NaN"), "nan"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (Path("a b"), "a b"),
        (b"\xff", "b'\\xff'"),
        ({date(2024, 1, 1): (1, [2])}, {"2024-01-01": [1, [2]]}),
    ],
)
def test_any_value_of_a_database_is_valid_json(value: Any, expected: Any) -> None:
    assert to_data(value) == expected
    assert json.loads(json.dumps(to_data(value), allow_nan=False)) == expected


def test_two_columns_of_one_name_are_both_in_the_json(screens: Screens) -> None:
    data = screens.json(QueryRows(("a", "a", "b"), ((1, 2, 3),), more=False))
    assert data["columns"] == ["a", "a_2", "b"]
    assert data["rows"] == [{"a": 1, "a_2": 2, "b": 3}]


@pytest.mark.parametrize(("encoding", "written"), [("utf-8", "näher"), ("ascii", "n\\u00e4her")])
def test_names_survive_any_encoding_in_json(screens: Screens, encoding: str, written: str) -> None:
    screens.open(encoding=encoding)
    assert screens.json(QueryRows(("x",), (("näher",),), more=False))["rows"] == [{"x": "näher"}]
    assert written in screens.out.raw


@pytest.mark.parametrize("name", EVERYTHING)
def test_json_on_a_terminal_is_the_same_as_on_a_pipe(screens: Screens, name: str) -> None:
    screens.json(EVERYTHING[name])
    piped = screens.out.raw
    screens.open(terminal=True, COLUMNS="20")
    screens.json(EVERYTHING[name])
    assert screens.out.raw == piped


def test_a_document_is_printed_as_it_is(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.text('{"a": "[red]"}')
        terminal.text("b\n")
    assert screens.out.raw == '{"a": "[red]"}\nb\n'


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


def aws_plan(*changes: Change, review: Review | None = REVIEW, applied: bool = False) -> Plan:
    return Plan(
        Bundle(render("crypto", [Branch("BTC")]), (), {}), changes, "stack cryptoetl-crypto", applied, review
    )


def test_a_plan_for_aws_shows_limits_costs_and_concerns_below_its_changes(screens: Screens) -> None:
    assert screens.show(aws_plan(Change("add", "branch", "BTC"), JOB)).lines == [
        "+ add    branch BTC",
        "± replace job crypto-x  (Name a → b)",
        "State machine: 9,389 of 1,048,576 bytes; a run of all 2 currencies makes 65 of 25,000 events and at "
        "most 226 of 262,144 bytes of result.",
        "A run of all currencies costs about $0.14:",
        "  $0.0885  Glue",
        "  $0.0500  Redshift",
        "  each step takes a minute",
        "error: the workgroup does not exist",
        "warning: it takes longer",
        "note: not verified",
        "2 changes to deploy.",
    ]


def test_a_plan_that_was_carried_out_says_no_more_than_that(screens: Screens) -> None:
    shown = screens.show(aws_plan(JOB, review=replace(REVIEW, notices=()), applied=True)).lines
    assert shown == [
        "± replace job crypto-x  (Name a → b)",
        "1 change deployed to stack cryptoetl-crypto.",
    ]


def test_a_plan_without_changes_still_tells_what_was_found(screens: Screens) -> None:
    assert screens.show(aws_plan()).lines[-2:] == [
        "note: not verified",
        "No changes: stack cryptoetl-crypto is up to date.",
    ]


def test_the_review_of_a_plan_is_beside_its_changes_in_json() -> None:
    data = to_data(aws_plan(JOB))
    assert data["changes"][0]["properties"] == [{"path": "Name", "before": "a", "after": "b"}]
    assert data["notices"][0] == {"severity": "error", "message": "the workgroup does not exist"}
    assert data["cost"]["total_usd"] == 0.1385
    assert data["prediction"]["definition_bytes"] == 9_389
    assert "review" not in data
    local = to_data(aws_plan(Change("add", "branch", "BTC"), review=None))
    assert set(local) == {"bundle", "changes", "location", "applied"}


def test_what_goes_and_what_stays_are_told_apart(screens: Screens) -> None:
    removal = Removal(
        "stack cryptoetl-crypto", (Part("job", "crypto-x"),), (Part("bucket", "raw", "with all raw data"),)
    )
    assert screens.show(removal).lines == [
        "- remove job crypto-x",
        "  stays  bucket raw  (with all raw data)",
        "1 part to remove from stack cryptoetl-crypto.",
    ]


RESOURCES: list[Event] = [
    ResourceProgress("bucket", "raw", "begins", "", 0, 2),
    ResourceProgress("bucket", "raw", "created", "", 1, 2),
    ResourceProgress("job", "crypto-x", "failed", "no more jobs", 1, 2),
]


def test_on_a_pipe_each_resource_that_is_through_is_a_line(screens: Screens) -> None:
    with screens.terminal() as terminal:
        for event in RESOURCES:
            terminal.observe(event)
    assert screens.err.lines == ["created bucket raw", "failed job crypto-x: no more jobs"]
    assert screens.out.raw == ""


def test_on_a_terminal_a_bar_shows_what_is_being_worked_on(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        for event in RESOURCES:
            terminal.observe(event)
    assert "0/2 bucket raw" in screens.err.text
    assert "created bucket raw" in screens.err.text
    assert "1/2 job crypto-x" in screens.err.text
