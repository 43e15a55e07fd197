"""Reading blocks of lines gives the same result as reading line by line, for any content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl.raw_files import delimited
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.history import HistoryFormat, read_history
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.trend import TrendFormat, read_trend
from tests.conftest import examples

FIRST = date(2024, 1, 1)
ODD = [
    *("", "-1", "-1.0", "1e400", "-1e400", "1,5", "1,234.5", "1,23.5", ".5", "5.", "1_0", "nan", " 2", "7 "),
    *("<1", "05", "100", "101", "x", '""', ",", '","', '"', "2024-01-01", "\t"),
]

DAYS = st.one_of(
    st.integers(0, 40).map(lambda n: f"{FIRST + timedelta(n)}"),
    st.sampled_from(["2024-02-30", "2024-1-1", "1899-12-31", "", " 2024-01-01", "2024-01-01 ", "x"]),
)
VALUES = st.one_of(st.integers(0, 100).map(str), st.sampled_from(ODD))
ROWS = st.lists(st.lists(st.one_of(DAYS, VALUES), min_size=0, max_size=4), max_size=6)
GOOD = st.integers(0, 40).flatmap(
    lambda first: st.integers(0, 30).map(
        lambda count: [[f"{FIRST + timedelta(first + n)}", f"{n}"] for n in range(count)]
    )
)


MARKS = {",": ",", "tab": "\t"}


def bare(fields: list[str], mark: str = ",") -> str:
    return mark.join(fields)


def quoted(fields: list[str], mark: str = ",") -> str:
    return mark.join(f'"{field}"' for field in fields)


def half_quoted(fields: list[str], mark: str) -> str:
    return mark.join([quoted(fields[:1]), *fields[1:]])


@pytest.fixture(params=["history", "trend"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Any]:
    """Read a text and return its report and series."""
    path = tmp_path / "file.csv"

    def read(text: str, delimiter: str = ",") -> Any:
        path.write_text(text, encoding="utf-8", newline="")
        report = FileReport(request.param, path)
        if request.param == "history":
            layout = HistoryFormat(date_format="yyyy-MM-dd", delimiter=delimiter)
            series: Series = read_history(report, layout, drop=False)
        else:
            series = read_trend(report, TrendFormat(delimiter=delimiter))
        return report, list(series), series.missing, series.first, series.last

    return read


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    database=None,
    max_examples=examples(400),
)
@given(
    good=st.lists(GOOD, min_size=1, max_size=3),
    bad=ROWS,
    write=st.sampled_from([bare, quoted, half_quoted]),
    delimiter=st.sampled_from(list(MARKS)),
    backwards=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    chunk=st.sampled_from([7, 60, 1 << 16]),
)
def test_blocks_and_lines_give_the_same(
    read: Callable[..., Any],
    good: list[list[list[str]]],
    bad: list[list[str]],
    write: Callable[[list[str], str], str],
    delimiter: str,
    backwards: bool,
    end: str,
    chunk: int,
) -> None:
    rows = [*good[0], *bad, *(row for rows in good[1:] for row in rows)]
    mark = MARKS[delimiter]
    below = [write(row, mark) for row in (reversed(rows) if backwards else rows)]
    lines = [bare(["Date", "Price"], mark), *below]
    text = end.join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_CHUNK", chunk)
        together = read(text, delimiter)
        patch.setattr(delimited.Splitter, "columns", lambda *_: None)
        assert together == read(text, delimiter)


def test_a_blank_line_above_a_whole_block_says_nothing_about_what_is_below_it(
    read: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_CHUNK", 7)
    report, *_ = read("Date,Price\n\n\n2024-01-01,0\n2024-01-01\n")
    assert [finding.message for finding in report.findings] == ["1 fields where the header has 2"]


def test_what_is_plain_is_not_looked_at_line_by_line(
    read: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    one_by_one = delimited.Splitter.__call__

    def look(self: delimited.Splitter, text: str) -> list[str] | None:
        looked.append(text)
        return one_by_one(self, text)

    monkeypatch.setattr(delimited.Splitter, "__call__", look)
    for write in (bare, quoted):
        looked.clear()
        lines = [write([f"{FIRST + timedelta(n)}", f"{n}"]) for n in range(50)]
        _, days, *_ = read("\n".join(["Date,Price", *lines]))
        assert len(days) == 50
        assert looked == ["Date,Price"]


@pytest.mark.parametrize(
    "lines",
    [
        ['"a""x","b","c"', '","'],  # as many quotes as fields need, in other places
        ['"a","b","c"', '"a","b"'],
        ['"a","b","c"', "a,b,c"],
        ['"a","b","c', 'x","b","c"'],
        ["a,b,c", "a,b"],
        ["a,b,c", "a,b,c,"],
        ["a,b,c", ""],
    ],
)
def test_lines_of_other_forms_give_no_columns(lines: list[str]) -> None:
    assert delimited.Splitter(",").columns(lines, 3, (0, 2)) is None


def test_columns_are_those_of_the_lines() -> None:
    split = delimited.Splitter(",")
    assert split.columns(["a,b,c", "d,e,f"], 3, (0, 2)) == (["a", "d"], ["c", "f"])
    assert split.columns(['",","b","c"', '"d","","f"'], 3, (0, 1)) == ([",", "d"], ["b", ""])
