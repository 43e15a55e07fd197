"""Errors in the users' CSV files: each is reported with its line, and none raises an exception."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl.raw_files import delimited
from cryptoetl.raw_files.findings import MAX_FINDINGS, FileReport
from cryptoetl.raw_files.history import HistoryFormat
from tests.conftest import examples
from tests.unit.made import history_report, trend_report

Write = Callable[[str | bytes], Path]

HISTORY = "Date,Price\n"
TREND = "Week,bitcoin\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Store a raw file; text as UTF-8 with its line ends unchanged."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "raw file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def history(path: Path, *, drop: bool = False, **layout: Any) -> FileReport:
    return history_report(path, HistoryFormat(**layout), drop=drop)


def said(report: FileReport) -> list[tuple[str, int | None, str]]:
    return [(finding.severity, finding.line, finding.message) for finding in report.findings]


# --- good files ---------------------------------------------------------------------------------------


def test_a_good_history_reports_its_days_and_how_many_have_no_price(write: Write) -> None:
    report = history(write(HISTORY + '01/03/2024,"1,234.5"\n01/01/2024,-1\n01/02/2024,\n'))
    assert (report.rows, report.missing) == (3, 2)
    assert (report.first, report.last) == (date(2024, 1, 1), date(2024, 1, 3))
    assert said(report) == []
    assert report.reason is None


def test_a_google_export_is_read_below_its_preamble(write: Write) -> None:
    report = trend_report(
        write("Category: All categories\n\nWeek,bitcoin: (World)\n2024-01-07,<1\n2024-01-14,100\n")
    )
    assert (report.rows, report.missing, report.errors) == (2, 0, 0)
    assert (report.first, report.last) == (date(2024, 1, 7), date(2024, 1, 14))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_any_line_ends_will_do_and_the_last_may_be_missing(end: str, last: bool, write: Write) -> None:
    text = end.join(["Date,Price", "01/01/2024,1", "", "01/02/2024,x"]) + (end if last else "")
    assert said(history(write(text))) == [("error", 4, "price 'x' is not a number")]


def test_columns_formats_and_decimal_sign_are_the_configured_ones(write: Write) -> None:
    path = write('\ufeffNr,Schluss,Tag\n1,"1.234,5",9.3.2024\n2,"-1,0",10.3.2024\n')
    report = history(path, date_column="Tag", price_column="Schluss", date_format="d.M.yyyy", decimal=",")
    assert (report.rows, report.missing, report.errors) == (2, 1, 0)


# --- files as a whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\n", " \t\r\n"])
def test_an_empty_file_is_said_to_be_empty(content: str, write: Write) -> None:
    path = write(content)
    assert said(history(path)) == said(trend_report(path)) == [("error", None, "the file is empty")]


def test_a_header_without_the_columns_is_shown(write: Write) -> None:
    path = write("Datum;Schluss\n01.01.2024;1\n")
    message = "columns 'Date' and 'Price' are not in the header (Datum;Schluss)"
    assert said(history(path)) == [("error", 1, message)]


def test_every_missing_column_is_named(write: Write) -> None:
    assert said(history(write("\n\nDay,Close\n"))) == [
        ("error", 3, "columns 'Date' and 'Price' are not in the header (Day, Close)")
    ]


@pytest.mark.parametrize("text", [HISTORY, HISTORY + "\n \n"])
def test_a_header_alone_is_not_enough(text: str, write: Write) -> None:
    assert said(history(write(text))) == [("error", None, "there are no data lines below the header")]


@pytest.mark.parametrize("first", ["2024-02-30,5", "0024-01-07,5", "07/01/2024,5"])
def test_a_trend_file_that_begins_with_data_has_no_header(first: str, write: Write) -> None:
    path = write(f"{first}\n2024-01-14,6\n")
    assert said(trend_report(path)) == [("error", 1, "there is no header line above the data")]


def test_a_trend_file_of_words_alone_has_no_header(write: Write) -> None:
    assert said(trend_report(write("Category: All categories\n\n"))) == [
        ("error", None, "there is no header line")
    ]


def test_several_search_terms_are_refused_by_name(write: Write) -> None:
    path = write("Week,bitcoin,monero\n2024-01-07,5,6\n")
    (finding,) = trend_report(path).findings
    assert (finding.line, "(Week, bitcoin, monero)" in finding.message) == (1, True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named_with_the_remedy(encoding: str, write: Write) -> None:
    path = write((HISTORY + "01/01/2024,1\n").encode(encoding))
    (finding,) = history(path).findings
    assert finding.message == "the file is not UTF-8 text but UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("broken", [b"caf\xe9", b"\xed\xa0\x80", b"a\0b", b"\xc3"])
def test_bytes_that_are_no_text_are_reported_with_their_line(end: bytes, broken: bytes, write: Write) -> None:
    good = HISTORY.encode().rstrip() + end + b"01/01/2024,1" + end
    path = write(good + b"01/02/2024," + broken + end + b"01/03/2024,1" + end)
    assert said(history(path)) == [("error", 3, "the file is not UTF-8 text: save it as UTF-8")]


def test_bytes_far_into_a_large_file_are_reported_with_their_line(write: Write) -> None:
    good = b"01/01/2024,1\r" * 20_000
    path = write(b"Date,Price\r" + good + b"01/01/2024,\xff\r")
    report = history(path)
    assert (report.findings[0].severity, report.findings[0].line) == ("error", 20_002)


def test_a_line_that_does_not_end_is_no_csv(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_LINE", 1000)
    fits, too_long = "x" * 900, "x" * 1001
    path = write(f"{HISTORY}01/01/2024,{fits}\n01/02/2024,1\n{too_long}\n")
    report = history(path)
    assert [finding.line for finding in report.findings] == [4, 2]
    assert report.findings[0].message == "the line is longer than 1,000 bytes: this is not a CSV file"


# --- lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("02/30/2024,1", "date '02/30/2024' is not a MM/dd/yyyy date"),
        (",1", "date '' is not a MM/dd/yyyy date"),
        ("01/02/2024,abc", "price 'abc' is not a number"),
        ("01/02/2024,inf", "price 'inf' is not a number"),
        ("01/02/2024,1_000", "price '1_000' is not a number"),
        ("01/02/2024,٥", "price '٥' is not a number"),
        ('01/02/2024,"1,00.5"', "price '1,00.5' is not a number"),
        ("01/02/2024,-1e39", "price '-1e39' is too large"),
        ("01/02/2024", "1 fields where the header has 2"),
        ("01/02/2024,1,x", "3 fields where the header has 2"),
        ('01/02/2024,1"5', "the quotes are not balanced"),
        ('"01/02/2024,1', "the quotes are not balanced"),
        (f"{'9' * 41},1", f"date '{'9' * 37}...' is not a MM/dd/yyyy date"),
        ("x,y", "date 'x' is not a MM/dd/yyyy date"),
    ],
)
def test_a_bad_line_of_a_history_is_reported_with_its_number(line: str, message: str, write: Write) -> None:
    report = history(write(f"{HISTORY}01/01/2024,1\n\n{line}\n"))
    assert said(report) == [("error", 4, message)]
    assert report.reason == f"history: line 4: {message}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2024-01-14,101", "trend '101' is not within 0 and 100"),
        ("2024-01-14,99999999999999999999", "trend '99999999999999999999' is not within 0 and 100"),
        ("2024-01-14,-1", "trend '-1' is not a whole number"),
        ("2024-01-14,5.5", "trend '5.5' is not a whole number"),
        ("2024-01-14,", "trend '' is not a whole number"),
        ("01/14/2024,5", "date '01/14/2024' is not a yyyy-MM-dd date"),
    ],
)
def test_a_bad_line_of_a_trend_is_reported_with_its_number(line: str, message: str, write: Write) -> None:
    assert said(trend_report(write(f"{TREND}2024-01-07,5\n{line}\n"))) == [("error", 3, message)]


def test_monthly_values_are_recognised_and_the_way_out_is_named(write: Write) -> None:
    (finding,) = trend_report(write("Month,bitcoin\n2024-01,5\n")).findings
    assert finding.line == 2
    assert "the values are monthly, weekly ones are needed" in finding.message
    assert "at most five years" in finding.message


def test_two_prices_for_a_day_are_an_error_and_the_same_twice_a_warning(write: Write) -> None:
    report = history(write(HISTORY + "01/01/2024,1\n01/02/2024,2\n01/01/2024,3\n01/02/2024,2.0\n"))
    assert said(report) == [
        ("error", 4, "date 2024-01-01 is already on line 2 with another price"),
        ("warning", 5, "date 2024-01-02 is already on line 3, with the same value"),
    ]
    assert (report.rows, report.errors, report.warnings) == (2, 1, 1)


def test_two_values_for_a_week_are_an_error(write: Write) -> None:
    report = trend_report(write(TREND + "2024-01-07,5\n2024-01-07,6\n"))
    assert report.reason == ("trend: line 3: date 2024-01-07 is already on line 2 with another trend value")


@pytest.mark.parametrize(("drop", "errors"), [(True, 1), (False, 0)])
def test_a_history_without_any_price_cannot_lose_all_its_days(drop: bool, errors: int, write: Write) -> None:
    report = history(write(HISTORY + "01/01/2024,-1\n01/02/2024,\n"), drop=drop)
    assert report.errors == errors
    assert [finding.message for finding in report.findings] == ["every price is missing"][:errors]


def test_of_many_errors_all_are_counted_the_first_named_and_a_hundred_kept(write: Write) -> None:
    report = history(write(HISTORY + "x,1\n" * 250 + "01/01/2024,1\n01/01/2024,1\n"))
    assert (report.errors, report.warnings) == (250, 1)
    assert len(report.findings) == MAX_FINDINGS + 1
    assert report.reason == (
        "history: 250 lines cannot be read; first: line 2: date 'x' is not a MM/dd/yyyy date"
    )


def test_a_finding_reads_as_a_sentence_with_and_without_a_line(write: Write) -> None:
    assert str(history(write("")).findings[0]) == "history: the file is empty"
    assert str(history(write("a,b")).findings[0]).startswith("history: line 1: columns 'Date'")


# --- size ---------------------------------------------------------------------------------------------


def many_lines(path: Path, count: int, lines: Sequence[str]) -> Path:
    """Write a file of `count` lines that repeat a few."""
    body = "".join(lines)
    path.write_text(HISTORY + body * (count // len(lines)), encoding="utf-8")
    return path


def peak(path: Path) -> tuple[FileReport, int]:
    """Return the report and the peak of Python's memory, in bytes."""
    tracemalloc.start()
    try:
        report = history(path)
        return report, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_depends_on_the_days_and_not_on_the_lines(tmp_path: Path) -> None:
    days = [f"{date(2000, 1, 1) + timedelta(number):%m/%d/%Y},1\n" for number in range(200)]
    small, small_peak = peak(many_lines(tmp_path / "small.csv", 10_000, days))
    large, large_peak = peak(many_lines(tmp_path / "large.csv", 100_000, days))
    assert (small.rows, large.rows, large.warnings) == (200, 200, 99_800)
    assert large_peak < small_peak + 100_000


def test_progress_is_reported_in_bytes_up_to_the_whole_file(tmp_path: Path) -> None:
    path = many_lines(tmp_path / "raw.csv", 10_000, ["01/01/2024,1\n"])
    progress: list[int] = []
    history_report(path, on_bytes=progress.append)
    assert progress == sorted(progress)
    assert len(progress) == 2
    assert progress[-1] == path.stat().st_size


# --- anything -----------------------------------------------------------------------------------------

ANY_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=examples(150),
    database=None,
)


@ANY_FILE
@given(content=st.binary(max_size=400) | st.text(alphabet='",\r\n\t 0123456789-/.<e\0\ufeffé', max_size=120))
def test_whatever_a_file_holds_the_check_ends_with_findings(content: str | bytes, write: Write) -> None:
    path = write(content)
    for report in (history(path), trend_report(path)):
        assert report.errors > 0
        assert report.reason is not None


@ANY_FILE
@given(body=st.binary(max_size=200))
def test_whatever_follows_a_header_each_finding_has_a_line_of_the_file(body: bytes, write: Write) -> None:
    content = HISTORY.encode() + body
    count = content.count(b"\n") + content.count(b"\r") + 1
    for finding in history(write(content)).findings:
        assert finding.line is None or 1 <= finding.line <= count


def test_years_of_the_buddhist_calendar_are_refused(write: Write) -> None:
    report = history_report(write("Date,Price\n09/20/2567,1\n09/21/2567,2\n"))
    assert report.reason == (
        "history: its dates begin in 2567, a year of the Buddhist calendar: write them in the Gregorian one, "
        "in which it is 2024"
    )
