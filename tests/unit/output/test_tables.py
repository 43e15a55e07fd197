"""Results as tables and sentences."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from cryptoetl.output.tables import render
from cryptoetl.output.tables.files import SHOWN_FINDINGS, upload_summary
from cryptoetl.output.tables.live import live as live_table
from cryptoetl.output.tables.view import PIPED_ROWS, View
from cryptoetl.output.tables.words import seconds
from cryptoetl.pipeline.results import (
    CheckResult,
    CurrencyCheck,
    ExecutionList,
    RunResult,
    UploadAction,
    UploadedFile,
    UploadResult,
    UpResult,
    VerifyResult,
)
from cryptoetl.raw_files.findings import MAX_FINDINGS
from cryptoetl.state_machine.bundle import Change
from cryptoetl.state_machine.status import (
    CurrencyProgress,
    CurrencyStatus,
    ExecutionStatus,
    Stage,
    StepStatus,
)
from cryptoetl.target.deployment import Part, Prediction, Removal
from cryptoetl.target.warehouse import QueryRows
from tests.unit.output.screens import (
    CHANGES,
    JOB,
    LINKS,
    MIXED,
    REVIEW,
    START,
    Screens,
    aws_plan,
    check,
    currency,
    execution,
    plan,
    report,
    upload,
    verified,
)
from tests.unit.output.screens import screens as screens

# --- check and upload ---------------------------------------------------------------------------------


def test_a_good_check_is_one_row_per_currency(screens: Screens) -> None:
    assert screens.show(check()).rows[-1] == (
        ["BTC", "ok", "1,234", "2020-01-01 – 2024-12-31", "5", "1,234", "2020-01-01 – 2024-12-31"]
    )


def test_a_finding_is_one_line_with_file_and_line(screens: Screens) -> None:
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


def test_an_upload_shows_what_was_done_with_each_file_and_where_it_is(screens: Screens) -> None:
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
        "3 changes to deploy to /home/deployed.",
    ]


def test_an_applied_plan_says_where_it_is(screens: Screens) -> None:
    assert screens.show(plan(CHANGES[0], applied=True)).lines == [
        "1 change deployed to /home/deployed.",
        "Next: cryptoetl upload, then cryptoetl run",
    ]


def test_a_plan_without_changes_says_so(screens: Screens) -> None:
    assert screens.show(plan()).lines == ["No changes: /home/deployed is up to date."]


# --- executions ---------------------------------------------------------------------------------------


def test_an_execution_shows_each_step_and_below_the_table_why_one_failed(screens: Screens) -> None:
    out = screens.show(MIXED)
    assert out.lines[:2] == [
        "Execution 20260101T000000000Z  PARTLY LOADED",
        "started 00:00 UTC, 2 h ago, took 1 min 15 s: 1 loaded, 1 failed, 1 skipped",
    ]
    assert out.rows[4:6] == [
        ["XMR", "FAILED", "1.0 s", "failed", "–"],
        ["BTC", "LOADED", "1.0 s", "1.0 s", "1.0 s"],
    ]
    assert out.lines[-1] == "XMR FAILED at gold: ValueError: no gold [here]"


def test_skipped_currencies_are_shown_with_verbose_only(screens: Screens) -> None:
    assert "ETH" not in screens.show(MIXED).text
    screens.open()
    assert ["ETH", "SKIPPED", "–", "–", "–"] in screens.show(MIXED, verbose=True).rows


def test_the_reason_of_an_execution_comes_last(screens: Screens) -> None:
    out = screens.show(
        execution(currency("BTC", "ABORTED", 0), status="FAILED", reason="the cleaning failed")
    )
    assert ["BTC", "ABORTED", "–", "–", "–"] in out.rows
    assert out.lines[-1] == "the cleaning failed"


def test_of_two_hundred_currencies_the_failed_ones_come_first_and_loaded_ones_are_counted(
    screens: Screens,
) -> None:
    many = execution(
        *(currency(f"C{n}", "LOADED") for n in range(197)),
        *(currency(f"BAD{n}", "FAILED", 0, "no") for n in range(3)),
    )
    rows = screens.show(many).rows
    assert [row[0] for row in rows[4:8]] == ["BAD0", "BAD1", "BAD2", "C0"]
    assert sum(row[1:2] == ["LOADED"] for row in rows) == PIPED_ROWS - 3
    assert ["… and 160 more: 160 loaded (-v shows all)"] in rows
    screens.open()
    assert sum(row[1:2] == ["LOADED"] for row in screens.show(many, verbose=True).rows) == 197
    screens.open()
    failed = screens.show(many, failed=True)
    assert failed.lines[1].endswith("197 loaded, 3 failed")
    assert [row[0] for row in failed.rows[4:]] == [
        *("BAD0", "BAD1", "BAD2"),
        *("BAD0 FAILED at silver: no", "BAD1 FAILED at silver: no", "BAD2 FAILED at silver: no"),
    ]


def test_a_run_of_nothing_says_why_and_lists_refused_currencies(screens: Screens) -> None:
    out = screens.show(RunResult(None, "Nothing was run.", {"XMR": "history: line 3: [bad]"}))
    assert out.lines == ["Nothing was run.", "XMR FAILED check: history: line 3: [bad]"]


def test_executions_are_listed_with_what_failed(screens: Screens) -> None:
    many = execution(*(currency(f"C{n}", "FAILED", 0, "x") for n in range(7)), status="FAILED")
    rows = screens.show(ExecutionList((MIXED, many))).rows
    assert rows[0] == ["Execution", "Status", "Started", "Currencies", "Failed currencies"]
    assert rows[-2] == [
        "20260101T000000000Z",
        "PARTLY LOADED",
        "00:00 UTC, 2 h ago, took 1 min 15 s",
        "1 loaded, 1 failed, 1 skipped",
        "XMR at gold",
    ]
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
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (119.6, "2 min 00 s"),
        (185, "3 min 05 s"),
        (7265, "121 min 05 s"),
        (-1, "0.0 s"),
    ],
)
def test_durations_are_rounded_to_words(elapsed: float, text: str) -> None:
    assert seconds(START, START + timedelta(seconds=elapsed)) == text
    assert seconds(None, START) == seconds(START, None) == ""


# --- verify, query, up --------------------------------------------------------------------------------


def test_a_verified_table_equals_gold(screens: Screens) -> None:
    out = screens.show(verified())
    assert ["market_data.btc", "equals gold", "1,000", "2024-01-01 – 2024-01-01", "3"] in out.rows
    assert out.lines[-1] == "The tables are in /home/warehouse.duckdb."


def test_the_differences_of_a_table_are_listed(screens: Screens) -> None:
    lines = screens.show(
        verified("rows: 1 in the table, 2 in gold", "first: a in the table, b in gold")
    ).lines
    assert lines[-3:-1] == [
        "market_data.btc differs: rows: 1 in the table, 2 in gold; first: a in the table, b in gold",
        "market_data.btc note: its newest day is old",
    ]


def test_no_location_is_shown_without_a_table(screens: Screens) -> None:
    lines = screens.show(verified("the table is missing", rows=None)).lines
    assert lines[-2:] == [
        "market_data.btc missing: the table is missing",
        "`cryptoetl run` loads what is missing; `cryptoetl status` says why a load failed.",
    ]


def test_the_command_that_loads_missing_tables_names_a_few_of_them(screens: Screens) -> None:
    there = verified().tables[0]
    lost = [replace(there, ticker=f"C{n}", rows=None, problems=("the table is missing",)) for n in range(6)]
    few = screens.show(VerifyResult((there, *lost[:2]), "Redshift"))
    assert few.lines[-1].startswith("`cryptoetl run --tickers C0,C1` loads what is missing;")
    many = screens.show(VerifyResult((there, *lost), "Redshift"))
    assert many.lines[-1].startswith("`cryptoetl run` loads what is missing;")


def test_rows_are_shown_without_markup(screens: Screens) -> None:
    out = screens.show(QueryRows(("[b]day", ">n"), (("[red]x[/red] :smile:", None), ("y", 0)), more=False))
    assert out.rows[0] == ["[b]day", ">n"]
    assert out.rows[-2:] == [["[red]x[/red] :smile:"], ["y", "0"]]


def test_a_truncated_result_says_how_to_see_more(screens: Screens) -> None:
    result = QueryRows(("n",), tuple((n,) for n in range(1_000)), more=True)
    assert screens.show(result).lines[-1] == "The first 1,000 rows; --limit shows more."


def test_up_with_only_broken_files_says_what_to_do(screens: Screens) -> None:
    assert screens.show(UpResult(upload(1))).lines[-1] == (
        "No currency can be loaded. Fix the files above and run the same command again."
    )


# --- a deploy on AWS ----------------------------------------------------------------------------------


def test_a_plan_for_aws_shows_limits_costs_and_notices_below_its_changes(screens: Screens) -> None:
    assert screens.show(aws_plan(Change("add", "branch", "BTC"), JOB)).lines == [
        "+ add    branch BTC",
        "± replace job crypto-x  (Name a → b)",
        "A run of all currencies costs about $0.14:",
        "  $0.0885  Glue",
        "  $0.0500  Redshift",
        "  each step takes a minute",
        "error: the workgroup does not exist",
        "warning: it takes longer",
        "note: not verified",
        "2 changes to deploy to stack cryptoetl-crypto.",
    ]


def test_unchanged_costs_are_one_line_unless_all_is_wanted(screens: Screens) -> None:
    planned = aws_plan(
        Change("change", "script", "silver2gold.py"), review=replace(REVIEW, notices=()), applied=False
    )
    assert screens.show(planned).lines == [
        "~ change script silver2gold.py",
        "A run of all currencies costs about $0.14, as before (-v shows its parts).",
        "1 change to deploy to stack cryptoetl-crypto.",
    ]
    screens.open()
    text = screens.show(planned, verbose=True).text
    assert "$0.0885  Glue" in text
    assert "9,389 of 1,048,576 bytes; a run of all 2 currencies makes 65 of 25,000 events" in text


def test_a_plan_shows_limits_that_are_half_reached(screens: Screens) -> None:
    near = replace(REVIEW, prediction=Prediction(150, 600_000, 65, 226))
    assert "600,000 of 1,048,576 bytes" in screens.show(aws_plan(JOB, review=near)).text


def test_many_branches_alike_share_a_line_of_a_plan(screens: Screens) -> None:
    added = [Change("add", "branch", f"C{n}") for n in range(198)]
    gone = [Change("remove", "branch", f"OLD{n}", "its data stays") for n in range(2)]
    assert screens.show(plan(*added, *gone)).lines[:3] == [
        "+ add    198 branches C0, C1, C2, C3, C4, …",
        "- remove branch OLD0  (its data stays)",
        "- remove branch OLD1  (its data stays)",
    ]
    screens.open()
    assert len(screens.show(plan(*added, *gone), verbose=True).lines) == 201


def test_an_applied_plan_shows_no_review(screens: Screens) -> None:
    shown = screens.show(aws_plan(JOB, review=replace(REVIEW, notices=()), applied=True)).lines
    assert shown == [
        "1 change deployed to stack cryptoetl-crypto.",
        *(f"{what}: {address}" for what, address in LINKS.items()),
        "Next: cryptoetl upload, then cryptoetl run",
    ]


def test_a_plan_without_changes_still_shows_notices(screens: Screens) -> None:
    assert screens.show(aws_plan()).lines[-2:] == [
        "note: not verified",
        "No changes: stack cryptoetl-crypto is up to date.",
    ]


def test_a_removal_shows_what_is_removed_and_what_stays(screens: Screens) -> None:
    removal = Removal(
        "stack cryptoetl-crypto", (Part("job", "crypto-x"),), (Part("bucket", "raw", "with all raw data"),)
    )
    assert screens.show(removal).lines == [
        "- remove job crypto-x",
        "  stays  bucket raw  (with all raw data)",
        "1 part to remove from stack cryptoetl-crypto.",
    ]


# --- large results ------------------------------------------------------------------------------------

LONG_REASON = "history: line 812: price 'abc' is not a number; " * 5
OTHER_LINES = 5
"""Lines of a live view that are not currencies: title, counts, head."""


def reached(
    ticker: str, status: CurrencyProgress, step: Stage | None = None, reason: str | None = None
) -> CurrencyStatus:
    steps = tuple(
        StepStatus(name, "SUCCEEDED" if status == "LOADED" else "FAILED" if name == step else "PENDING")
        for name in ("silver", "gold", "redshift")
    )
    return CurrencyStatus(ticker, status, step, None, reason, steps, "silver")


def two_hundred() -> ExecutionStatus:
    """Return an execution with 197 loaded, two failed and one running currency."""
    loaded = [reached(f"C{number}", "LOADED") for number in range(197)]
    failed = [reached(name, "FAILED", "silver", LONG_REASON) for name in ("BAD", "WORSE")]
    currencies = (*loaded, *failed, reached("LAST", "RUNNING"))
    return ExecutionStatus("e1", "RUNNING", START, None, currencies, StepStatus("clean", "SUCCEEDED"))


def live(status: ExecutionStatus, *, rows: int, width: int) -> list[str]:
    """Return the lines of the live view."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    console.print(live_table(status, View(now=START, rows=rows)))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [45, 60, 80, 200])
@pytest.mark.parametrize("rows", [3, 10, 18])
def test_of_two_hundred_currencies_a_screen_shows_failed_and_running_ones_and_counts_the_rest(
    rows: int, width: int
) -> None:
    lines = live(two_hundred(), rows=rows, width=width)
    first_words = [line.split()[0] for line in lines if line.strip()]
    assert {"LAST", "BAD", "WORSE"} <= set(first_words)
    assert any(line.startswith(f"… and {200 - rows} more: {200 - rows} loaded") for line in lines)
    assert len(lines) <= rows + OTHER_LINES
    assert max(map(cell_len, lines)) <= width


def test_no_currency_is_counted_if_all_fit() -> None:
    lines = live(two_hundred(), rows=200, width=80)
    assert sum(" LOADED " in line for line in lines) == 197
    assert [line for line in lines if "more:" in line] == []


def uploaded(action: UploadAction, count: int) -> tuple[UploadedFile, ...]:
    return tuple(
        UploadedFile(f"C{n}", "history", Path(f"/{n}.csv"), f"s3://raw/C{n}/history.csv", action, 1)
        for n in range(count)
    )


def printed(files: tuple[UploadedFile, ...], *, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in render(UploadResult(CheckResult(()), files), View(verbose=verbose, rows=PIPED_ROWS)):
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_an_upload_shows_what_changed_and_counts_the_rest() -> None:
    files = uploaded("uploaded", PIPED_ROWS + 3) + uploaded("unchanged", 5)
    text = printed(files)
    assert text.count(".csv") == PIPED_ROWS
    assert "… and 3 more: 3 uploaded (-v shows all)" in text
    assert "5 files unchanged." in text
    assert printed(files, verbose=True).count(".csv") == len(files)
    assert "Currency" not in printed(uploaded("unchanged", 5))


@pytest.mark.parametrize(("errors", "severity"), [(0, "warning"), (1, "error")])
def test_the_summary_of_an_upload_names_histories_that_replace_others(errors: int, severity: str) -> None:
    result = replace(upload(errors), differences={"BTC": ["it covers 60 days less"]})
    lines = [text.plain for text in upload_summary(result, View())]
    assert lines == [
        "1 file uploaded (2,346 kB), 1 file unchanged",
        f"BTC {severity} /data/history [1].csv: it covers 60 days less",
        "The raw files are in /lake/raw.",
    ]
