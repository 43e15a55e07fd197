"""Tables and texts at several widths, of 2 and of 200 currencies: nothing breaks inside a word or number."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from rich.cells import cell_len
from rich.text import Text

from cryptoetl.output.console import between_words
from cryptoetl.output.tables import Result
from cryptoetl.output.tables.layout import fitting, shared, shortened
from cryptoetl.output.tables.view import fold
from cryptoetl.output.tables.words import moment
from cryptoetl.pipeline.results import (
    CheckResult,
    CurrencyCheck,
    ExecutionList,
    RunResult,
    TableCheck,
    UploadResult,
    UpPart,
    VerifyResult,
)
from cryptoetl.state_machine.bundle import Change
from cryptoetl.state_machine.status import ExecutionStatus
from tests.unit.output.screens import (
    NOW,
    REVIEW,
    START,
    Screens,
    aws_plan,
    currency,
    execution,
    plan,
    report,
    upload,
)
from tests.unit.output.screens import screens as screens

WIDTHS = (60, 80, 100, 160)
HEIGHT = 40
SCHEDULED = "aws-scheduler-7f3c2b1a-0d5e-4c1b-9f6a-3f2e1d0c9b8a_20260101T000000Z"


def checks(count: int) -> CheckResult:
    return CheckResult(
        tuple(
            CurrencyCheck(
                f"CURRENCY{n}", report(errors=n == 1, warnings=n % 2, folder="/data"), report("trend")
            )
            for n in range(count)
        )
    )


def run_of(count: int) -> ExecutionStatus:
    failed = currency("CURRENCY1", "FAILED", 1, "ValueError: 2024-01-31 is no date of 1,234,567 rows")
    loaded = (currency(f"CURRENCY{n}", "LOADED") for n in range(2, count + 1))
    made = execution(failed, *loaded)
    return replace(made, name=SCHEDULED, link="https://eu-central-1.console.aws.amazon.com/states/home")


def tables(count: int) -> VerifyResult:
    day, last = date(2024, 1, 31), date(2026, 12, 31)
    return VerifyResult(
        tuple(
            TableCheck(f"C{n}", f"market_data.currency{n}", 1_234_567, day, last, 12_345, (), ("it is old",))
            for n in range(count)
        ),
        "crypto.market_data",
    )


def uploads(count: int) -> UploadResult:
    (file, _) = upload().files
    return UploadResult(checks(count), tuple(replace(file, ticker=f"CURRENCY{n}") for n in range(count)))


RESULTS: dict[str, Callable[[int], Result]] = {
    "check": checks,
    "upload": uploads,
    "deploy": lambda count: aws_plan(*(Change("add", "branch", f"CURRENCY{n}") for n in range(count))),
    "status": run_of,
    "list": lambda count: ExecutionList((run_of(count), replace(run_of(2), name="20260101T000000000Z"))),
    "verify": tables,
}
PHASES: dict[str, Callable[[int], UpPart]] = {
    "check": checks,
    "deploy": lambda count: plan(*(Change("add", "branch", f"CURRENCY{n}") for n in range(count))),
    "upload": uploads,
    "run": lambda count: RunResult(run_of(count)),
    "verify": tables,
}


def words(text: str) -> set[str]:
    """Return the words and numbers of an output; a shortened name is none."""
    return {word for word in re.split(r"[\s─]+", text) if word and "…" not in word}


@pytest.mark.parametrize("count", [2, 200])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", RESULTS)
def test_every_word_number_and_date_on_a_screen_is_whole(
    screens: Screens, name: str, width: int, count: int
) -> None:
    result = RESULTS[name](count)
    screens.open(terminal=True, COLUMNS="1000", LINES=str(HEIGHT))
    whole = words(screens.show(result).text)
    screens.open(terminal=True, COLUMNS=str(width), LINES=str(HEIGHT))
    screen = screens.show(result)
    assert words(screen.text) <= whole
    assert [line for line in screen.lines if cell_len(line) > width and " " in line.strip()] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", RESULTS)
def test_of_two_hundred_currencies_a_table_has_the_rows_of_the_screen(
    screens: Screens, name: str, width: int
) -> None:
    screens.open(terminal=True, COLUMNS=str(width), LINES=str(HEIGHT))
    text = screens.show(RESULTS[name](200)).text
    rows = {line.split()[0] for line in text.splitlines() if re.match(r" ?(CURRENCY|market_data)", line)}
    assert len(rows) <= 2 * HEIGHT  # an upload has two tables
    assert name in ("list", "deploy") or re.search(r"… and 1\d\d more: ", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_all_phases_of_up_fit_on_a_screen_of_two_hundred_currencies(screens: Screens, width: int) -> None:
    screens.open(terminal=True, COLUMNS=str(width), LINES=str(HEIGHT))
    with screens.terminal() as terminal:
        for made in PHASES.values():
            terminal.end_phase(made(200))
    assert len(screens.out.lines) <= HEIGHT
    whole = screens.out.text
    assert "200 currencies: 100 ok, 99 with warnings, 1 refused" in whole
    assert words(whole) >= {"PARTLY", "LOADED", "2024-01-31", "2026-12-31", "246,913,400"}


def test_a_name_is_shortened_on_a_screen_and_whole_on_a_pipe(screens: Screens) -> None:
    listed = RESULTS["list"](2)
    assert SCHEDULED in screens.show(listed).text
    screens.open(terminal=True, COLUMNS="60")
    text = screens.show(listed).text
    assert "20260101T000000000Z " in text
    assert re.search(r"aws-scheduler-\S+… ", text)


def test_a_terminal_that_can_only_print_is_treated_as_a_pipe(screens: Screens) -> None:
    piped = screens.show(run_of(2)).raw
    screens.open(terminal=True, TERM="dumb", COLUMNS="40")
    assert screens.show(run_of(2)).raw == piped
    with screens.terminal() as terminal:
        assert not terminal.can_ask


# --- the parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("least", "spare", "width", "shown"),
    [
        ([10, 10, 10], [0, 2, 1], 60, [0, 1, 2]),
        ([10, 10, 10], [0, 2, 1], 30, [0, 2]),
        ([10, 10, 10], [0, 2, 1], 12, [0]),
        ([10, 10, 10], [0, 0, 0], 12, [0, 1, 2]),
    ],
)
def test_columns_that_can_be_spared_are_left_out(
    least: list[int], spare: list[int], width: int, shown: list[int]
) -> None:
    assert fitting(least, spare, width) == shown


def test_the_width_is_shared_by_the_columns_that_need_it() -> None:
    assert shared([5, 50, 50], [5, 10, 10], 5 + 20 + 20 + 8) == [5, 20, 20]
    assert shared([5, 8, 50], [5, 8, 10], 100) == [5, 8, 50]
    assert shared([5, 5], [5, 5], 10) is None


@pytest.mark.parametrize(("cut", "expected"), [("end", "/data/some…"), ("start", "…tory 1.csv")])
def test_a_long_name_is_shortened_at_one_end(cut: str, expected: str) -> None:
    path = "/data/some folder/history 1.csv"
    assert shortened(path, 11, "end" if cut == "end" else "start") == expected
    assert shortened(path, 99, "end") == path
    assert cell_len(shortened("漢字漢字漢字漢字", 7, "start")) <= 7


def test_lines_are_broken_between_words_only() -> None:
    text = Text("a warning about /a/very/long/path.csv:12 and 1,234 rows", style="red")
    lines = between_words(text, 20)
    assert [line.plain for line in lines] == ["a warning about", "/a/very/long/path.csv:12", "and 1,234 rows"]
    assert {line.style for line in lines} == {"red"}
    assert [line.plain for line in between_words(Text("  indented text"), 60)] == ["  indented text"]
    assert [line.plain for line in between_words(Text(""), 60)] == [""]


def test_of_more_items_than_fit_the_first_in_rank_are_shown_and_the_rest_counted() -> None:
    folded = fold(range(10_000), 3, word=lambda n: "even" if n % 2 == 0 else "odd", rank=lambda n: -n)
    assert folded.shown == [9_999, 9_998, 9_997]
    note = folded.note()
    assert note is not None
    assert note.plain == "… and 9,997 more: 4,999 even, 4,998 odd (-v shows all)"
    assert fold([2, 1], None, word=str, rank=lambda n: n).shown == [1, 2]


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (30, "01:59 UTC"),
        (600, "01:50 UTC, 10 min ago"),
        (7_200, "00:00 UTC, 2 h ago"),
        (86_400, "2025-12-31 02:00 UTC, 24 h ago"),
        (20 * 86_400, "2025-12-12 02:00 UTC, 20 days ago"),
    ],
)
def test_a_time_has_its_zone_and_how_long_ago_it_is(ago: int, text: str) -> None:
    assert moment(NOW - timedelta(seconds=ago), NOW) == text
    assert moment(START, None) == "2026-01-01 00:00 UTC"


def test_costs_that_change_are_shown_in_full(screens: Screens) -> None:
    more_workers = Change("change", "job", "crypto-x", "NumberOfWorkers 2 → 5")
    assert "$0.0885  Glue" in screens.show(aws_plan(more_workers, review=replace(REVIEW, notices=()))).text
