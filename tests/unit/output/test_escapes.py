"""Untrusted text is printed without control characters: keys, values, names, cells, errors, log lines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.errors import QueryError
from cryptoetl.events import Event, FileProgress, Progressed, ResourceProgress, Warned
from cryptoetl.output import picture
from cryptoetl.output.tables import Result
from cryptoetl.pipeline.results import Preview, RunResult, StepLine, StepLog
from cryptoetl.target.warehouse import QueryRows
from cryptoetl.util.text import printable
from tests.unit.cli.command_line import REPOSITORY, CommandLine
from tests.unit.cli.command_line import run as run
from tests.unit.made import HISTORY, TREND, write_config
from tests.unit.output.screens import Screens, currency, execution
from tests.unit.output.screens import screens as screens

HOSTILE = "a\x1b]0;title\x07\x1b[2J\x9b31m\x7f\u202e\x08\u200b\r!"
"""Sets a title, erases the screen, sets a colour by C1; DEL, reversed direction, a zero-width space."""
ATTACKS = ["\x1b]0;", "\x1b[2J", "\x07", "\x9b", "\x7f", "\u202e", "\u200b", "\x08"]
CELL = HOSTILE.replace("\r", "")
NAME = f"{HOSTILE}.csv"
ALLOWED_NAME = "a\u202e\u200b.csv"
"""A name that the configuration accepts; it refuses other control characters."""


def assert_plain(text: str) -> None:
    raw = sorted({letter for letter in text if not letter.isprintable() and letter != "\n"})
    assert raw == [], text


# --- the functions ------------------------------------------------------------------------------------


def test_control_and_invisible_characters_are_escaped_and_others_kept() -> None:
    assert printable("plain – 比特币 🚀 [red]\n\tnext") == "plain – 比特币 🚀 [red]\n\tnext"
    assert printable("\x1b[2J\x9b1m\x7f\u202e\r\n") == r"\x1b[2J\x9b1m\x7f\u202e\r" + "\n"
    assert printable("\udc80") == r"\udc80"


# --- through the commands -----------------------------------------------------------------------------


def configured(**changes: Any) -> Callable[[CommandLine], None]:
    """Return what writes a configuration with these settings of a currency; `top` has keys at its top."""

    def write(run: CommandLine) -> None:
        top = changes.get("top", {})
        settings = {key: value for key, value in changes.items() if key != "top"}
        one = {"ticker": "BTC", "history": "h.csv", "trend": "t.csv"} | settings
        Path("config.yaml").write_text(json.dumps({"currencies": [one], **top}))  # JSON is YAML

    return write


def files(prices: str = HISTORY, trends: str = TREND, **settings: Any) -> Callable[[CommandLine], None]:
    """Return what writes such a configuration and its raw files."""

    def write(run: CommandLine) -> None:
        Path(settings.get("history", "h.csv")).write_text(prices, encoding="utf-8", newline="")
        Path(settings.get("trend", "t.csv")).write_text(trends, encoding="utf-8", newline="")
        configured(**settings)(run)

    return write


def found_by_init(run: CommandLine) -> None:
    Path(f"ETH {HOSTILE} history.csv").write_text(HISTORY)
    Path("BTC \u202e history.csv").write_text(HISTORY)
    Path("BTC trend.csv").write_text(TREND)
    Path(f"ETH {HOSTILE} trend.csv").write_text(TREND)
    Path(f"left {NAME}").write_text(f"{HOSTILE},b\n1,2\n")


def answered(run: CommandLine) -> None:
    write_config(run.folder, "BTC")
    run.fakes.warehouse.answer = QueryRows((HOSTILE, "b"), ((HOSTILE, [HOSTILE]), (None, 1)), more=True)


def failing(run: CommandLine) -> None:
    write_config(run.folder, "BTC")

    def query(sql: str, limit: int | None, **others: Any) -> QueryRows:
        raise QueryError(f"Parser Error at {HOSTILE}", hint=HOSTILE)

    run.fakes.warehouse.query = query  # type: ignore[method-assign]


def failed_run(run: CommandLine) -> None:
    write_config(run.folder, "BTC")
    run.fakes.executions.broken = {"BTC": ("gold", f"ValueError: {HOSTILE}")}


COMMANDS: Mapping[str, tuple[Callable[[CommandLine], None], list[str]]] = {
    "an unknown key": (configured(top={HOSTILE: 1}), ["check"]),
    "an unknown key of a currency": (configured(**{HOSTILE: 1}), ["check"]),
    "a value of a choice": (configured(top={"target": HOSTILE}), ["check"]),
    "a value of a number": (configured(top={"max_age_days": HOSTILE}), ["check"]),
    "a date format": (configured(date_format=HOSTILE), ["check"]),
    "a delimiter": (configured(delimiter=HOSTILE), ["check"]),
    "a ticker": (configured(ticker=HOSTILE), ["check"]),
    "a name of a file that is missing": (configured(history=NAME), ["check"]),
    "a name of a file": (files(history=ALLOWED_NAME), ["check"]),
    "a name of a file that is uploaded": (files(history=ALLOWED_NAME), ["upload"]),
    "a name of a broken file": (files(HISTORY.replace("1.5", CELL), trend=ALLOWED_NAME), ["check"]),
    "a name of a column": (files(f'Date,"{CELL}"\n01/01/2024,1\n'), ["check"]),
    "a column that is wanted": (files(price_column=HOSTILE), ["check"]),
    "a price": (files(f'Date,Price\n01/01/2024,"{CELL}"\n'), ["check"]),
    "a date": (files(f'Date,Price\n"{CELL}",1\n'), ["check"]),
    "a trend": (files(trends=f'Week,x\n2024-01-07,"{CELL}"\n'), ["check"]),
    "names of files that init finds": (found_by_init, ["init", "--yes"]),
    "names of files that init only shows": (found_by_init, ["init"]),
    "an option": (configured(), ["check", "--tickers", HOSTILE]),
    "a configuration's name": (configured(), ["check", "-c", HOSTILE]),
    "rows of a query": (answered, ["query", "SELECT 1"]),
    "an error of a query": (failing, ["query", "SELECT 1"]),
    "a reason of a failure": (failed_run, ["up"]),
}


@pytest.mark.parametrize("where", COMMANDS)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "as JSON"])
def test_a_command_prints_no_raw_control_character(
    run: CommandLine, where: str, form: tuple[str, ...]
) -> None:
    prepare, arguments = COMMANDS[where]
    prepare(run)
    ended = run(*arguments, *form)
    assert_plain(ended.out + ended.err)
    assert not form or isinstance(ended.data, dict)


def test_json_keeps_what_it_escapes(run: CommandLine) -> None:
    answered(run)
    assert run("query", "SELECT 1", "--json").data["rows"][0] == {HOSTILE: HOSTILE, "b": [HOSTILE]}
    files(history=ALLOWED_NAME)(run)
    assert run("check", "--json").data["currencies"][0]["history"]["file"].endswith(ALLOWED_NAME)


def test_data_for_another_program_keeps_every_character(run: CommandLine) -> None:
    answered(run)
    assert (
        HOSTILE
        in run("query", "SELECT 1", "--format", "csv", "-o", "it.csv").out
        + Path("it.csv").read_bytes().decode()
    )


def test_a_traceback_is_plain_as_well(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(json.dumps({HOSTILE: 1}))
    ended = subprocess.run(
        [sys.executable, "-m", "cryptoetl", "check", "--debug"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "Traceback" in ended.stderr
    assert_plain(ended.stderr + ended.stdout)


# --- through the terminal -----------------------------------------------------------------------------

DAYS = tuple((date(2024, 1, day), 1.0 * day, day, 1.0, 1.0) for day in range(1, 9))
PREVIEW = Preview(
    f"${HOSTILE}^$",
    f"market_data.{HOSTILE}",
    QueryRows(("date", "price", "trend", "pricema", "trend_i"), DAYS, more=False),
)
FAILED = execution(currency("BTC", "FAILED", 1, f"Error: {HOSTILE}"), status="FAILED", reason=HOSTILE)
RESULTS: Mapping[str, Result] = {
    "log": StepLog("BTC", HOSTILE, (StepLine("gold", None, HOSTILE),)),
    "no log": StepLog("BTC", HOSTILE, ()),
    "failure": FAILED,
    "note": RunResult(None, HOSTILE),
    "preview": PREVIEW,
    "query": QueryRows((HOSTILE,), ((HOSTILE,),), more=False),
}
EVENTS: Mapping[str, Event] = {
    "warning": Warned(HOSTILE),
    "progress": Progressed(FAILED),
    "file": FileProgress("BTC", Path(f"/[/x]{HOSTILE}"), 10**8, 10**9),
    "resource": ResourceProgress("bucket", HOSTILE, "failed", HOSTILE, 1, 2),
    "resource that begins": ResourceProgress("bucket", f"[/x]{HOSTILE}", "begins", "", 1, 2),
}


def assert_harmless(screens: Screens) -> None:
    """Assert that no attack is in the output; rich's own sequences may be."""
    raw = screens.out.raw + screens.err.raw
    assert [attack for attack in ATTACKS if attack in raw] == []


@pytest.mark.parametrize("terminal", [False, True], ids=["on a pipe", "on a terminal"])
@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_shown_without_escapes(screens: Screens, name: str, terminal: bool) -> None:
    screens.open(terminal=terminal)
    screens.show(RESULTS[name], verbose=True)
    assert_harmless(screens)
    if not terminal:
        assert_plain(screens.out.raw)
    assert "x1b" in screens.out.raw


@pytest.mark.parametrize("terminal", [False, True], ids=["on a pipe", "on a terminal"])
@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_shown_without_escapes(screens: Screens, name: str, terminal: bool) -> None:
    screens.open(terminal=terminal)
    with screens.terminal() as shown:
        shown.observe(EVENTS[name])
    assert_harmless(screens)
    if not terminal:
        assert_plain(screens.err.raw)


@pytest.mark.parametrize("terminal", [False, True], ids=["on a pipe", "on a terminal"])
def test_messages_questions_and_documents_are_shown_without_escapes(screens: Screens, terminal: bool) -> None:
    screens.open(terminal=terminal, stdin="y\n")
    with screens.terminal() as shown:
        shown.say(HOSTILE)
        shown.warn(HOSTILE)
        shown.error(QueryError(HOSTILE, hint=HOSTILE))
        shown.ask(HOSTILE)
        shown.show_line(StepLine("gold", None, HOSTILE))
        shown.text(HOSTILE)
        if terminal:
            shown.data(HOSTILE)
    assert_harmless(screens)
    assert r"a\x1b]0;title\x07\x1b[2J\x9b31m\x7f\u202e\x08\u200b\r!" in screens.err.text


def test_a_line_of_a_log_as_json_is_the_same_when_it_is_read(screens: Screens) -> None:
    with screens.terminal(as_json=True) as shown:
        shown.show_line(StepLine("gold", None, HOSTILE + "\udc80\U000e0001"))
    assert_plain(screens.out.raw)
    assert json.loads(screens.out.raw)["text"] == HOSTILE + "\udc80\U000e0001"


def test_a_table_keeps_its_columns_where_cells_hold_escapes(screens: Screens) -> None:
    rows = QueryRows(("a", "b"), (("\x1b[2J\x9b31m", "x"), ("plain", "y")), more=False)
    _, _, first, second = screens.show(rows).lines
    assert first.index("x", 12) == second.index("y")
    assert "\\x1b[2J\\x9b31m" in first


def test_colours_pass_and_a_styled_text_keeps_its_styles(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as shown:
        shown.warn("\x9bx")
    assert "\x1b[33mwarning: \x1b[0m\\x9bx" in screens.err.raw


def test_the_picture_has_a_title_of_plain_letters() -> None:
    assert picture.png(PREVIEW).startswith(b"\x89PNG"), "no warning of a missing glyph, no formula"
