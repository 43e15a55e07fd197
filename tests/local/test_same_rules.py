"""One set of rules, written twice: `cryptoetl check` and the silver step judge the same files alike.

The check must not let through what fails an hour later, nor refuse what the step would read; and where
both refuse, they say so in the same words, so that whoever searches for a message finds one cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl import dates
from cryptoetl.findings import FileReport
from cryptoetl.raw_files import HistoryFormat, TrendFormat
from tests.conftest import examples
from tests.local.odd_files import ODD_FILES, OddFile
from tests.local.scripts import TREND, Lake
from tests.unit.made import history_report, trend_report

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PLAIN_HISTORY = "Date,Price\n01/01/2024,1.5\n01/02/2024,2.5\n"
EMPTY = "is missing or empty"
NOT_TEXT = "the file is not UTF-8 text"

per_file = settings(
    max_examples=examples(40),
    deadline=None,
    database=None,
    derandomize=True,
    # Each example overwrites the files of the one before.
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)


@pytest.fixture(scope="module")
def common_lake(tmp_path_factory: pytest.TempPathFactory, engine: SparkSession) -> Lake:
    """One lake for all examples of a property; every example writes what it reads."""
    return Lake(tmp_path_factory.mktemp("lake"))


def layout(**options: str) -> HistoryFormat:
    """The options of a job run as the check takes them."""
    plain = HistoryFormat()
    return HistoryFormat(
        column(options.get("DATE_COLUMN", plain.date_column)),
        column(options.get("PRICE_COLUMN", plain.price_column)),
        options.get("DATE_FORMAT", plain.date_format),
        "," if options.get("DECIMAL") == "," else ".",
        options.get("DELIMITER", plain.delimiter),
    )


def trend_layout(**options: str) -> TrendFormat:
    """The same for the trend file."""
    plain = TrendFormat()
    return TrendFormat(
        options.get("TREND_DATE_FORMAT", plain.date_format), options.get("TREND_DELIMITER", plain.delimiter)
    )


def column(name: str | int) -> str | int:
    """A column by its name, or by its number, which a job run is given as #1."""
    text = str(name)
    return int(text[1:]) if text.startswith("#") and text[1:].isdigit() else text


@dataclass(frozen=True)
class Judged:
    """What the check says of two files, and what the silver step made of them: None is no objection."""

    history: FileReport
    trend: FileReport
    step: str | None

    @property
    def check(self) -> str | None:
        return "; ".join(reason for file in (self.history, self.trend) if (reason := file.reason)) or None


def judge(
    lake: Lake, history: str | bytes = PLAIN_HISTORY, trend: str | bytes = TREND, **options: str
) -> Judged:
    """Let the check and the script read the same two files."""
    files = [lake.write_raw("BTC/history.csv", history), lake.write_raw("BTC/trend.csv", trend)]
    checked = history_report(files[0], layout(**options), drop=options.get("DROP") == "Y")
    refusal = None
    try:
        lake.run_silver(**options)
    except ValueError as error:
        refusal = str(error)
        for path in files:
            refusal = refusal.replace(f"{path.as_uri()} {EMPTY}", "the file is empty")
    return Judged(checked, trend_report(files[1], trend_layout(**options)), refusal)


# --- the odd files that every reader is held to -------------------------------------------------------


def config_stops(odd: OddFile) -> bool:
    """Whether the check never sees the case: the configuration is refused first."""
    return odd.content is None or "must hold year, month and day" in str(odd.expected)


@pytest.mark.parametrize("odd", [odd for odd in ODD_FILES if not config_stops(odd)], ids=lambda odd: odd.name)
def test_the_check_says_of_an_odd_file_what_the_silver_step_says(odd: OddFile, tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_bytes(odd.content or b"")
    if odd.kind == "history":
        report = history_report(path, layout(**odd.options), drop=odd.options.get("DROP") == "Y")
    else:
        report = trend_report(path, trend_layout(**odd.options))

    if isinstance(odd.expected, str):
        assert report.reason is not None
        expected = odd.expected.replace(f"{{uri}} {EMPTY}", "the file is empty")
        if NOT_TEXT in expected:  # the check knows the line, and what to do
            assert NOT_TEXT in report.reason
            assert "save it as UTF-8" in report.reason
        else:
            assert report.reason == expected
    else:
        assert report.reason is None
        days = [date.fromisoformat(day) for day, _ in odd.expected]
        if odd.options.get("DROP") != "Y":
            assert (report.rows, report.first, report.last) == (len(days), min(days), max(days))


@pytest.mark.parametrize("date_format", ["MM/yyyy", "MM/MMM/dd/yyyy"])
def test_a_format_that_the_script_refuses_is_refused_in_the_configuration(date_format: str) -> None:
    (expected,) = [odd.expected for odd in ODD_FILES if odd.options.get("DATE_FORMAT") == date_format]
    with pytest.raises(ValueError) as refusal:
        dates.pattern(date_format)
    assert f"history: {refusal.value}" == expected


# --- further oddities, read by both -------------------------------------------------------------------

PLAIN_FIRST_LINES: dict[str, tuple[str, dict[str, str]]] = {
    "a title above the header": ("Bitcoin\nDate,Price\n01/01/2024,1\n", {}),
    "semicolons and decimal commas": ("Date;Price\n01/01/2024;1,5\n", {"DECIMAL": ","}),
}

ODD_HISTORIES: dict[str, tuple[str, dict[str, str]]] = {
    "a header without commas": ("Date\n01/01/2024\n", {}),
    "one column for both": ("Date\n01/01/2024\n", {"PRICE_COLUMN": "Date"}),
    "a header of blanks and commas": (" , ,\n01/01/2024,1\n", {}),
    "a header of quotes": ('"",""\n01/01/2024,1\n', {}),
    "a header twice": ("Date,Price\nDate,Price\n01/01/2024,1\n", {}),
    "names twice": ("Date,Price,Price\n01/01/2024,1,x\n", {}),
    "names within blanks and quotes": ('\t"Date " , " Price"\n01/01/2024,1\n', {}),
    "other case": ("DATE,PRICE\n01/01/2024,1\n", {}),
    "a second BOM": ("\ufeff\ufeffDate,Price\n01/01/2024,1\n", {}),
    "a BOM inside": ("Date,Price\n01/01/2024,1\n\ufeff01/02/2024,1\n", {}),
    "other line separators": ("Date,Price\n01/01/2024,1\u2028\n01/02/2024,1\x0b\n01/03/2024,1\x85\n", {}),
    "a form feed between lines": ("Date,Price\n01/01/2024,1\x0c01/02/2024,1\n", {}),
    "a line of a hard space": ("Date,Price\n01/01/2024,1\n\u00a0\n", {}),
    "a line of quotes": ('Date,Price\n01/01/2024,1\n""\n"",""\n', {}),
    "a quoted line end": ('Date,Price\n01/01/2024,"1\n2"\n', {}),
    "LF before CR": ("Date,Price\n\r01/01/2024,x\n\r", {}),
    "CR CR LF": ("Date,Price\r\r\n01/01/2024,x\r\r\n", {}),
    "a quote in a column too many": ('Date,Price\n01/01/2024,1,""""\n', {}),
    "zero twice": ("Date,Price\n01/01/2024,0\n01/01/2024,-0\n01/01/2024,0e5\n", {}),
    "equal to the float's precision": ("Date,Price\n01/01/2024,0.1\n01/01/2024,0.10000000149\n", {}),
    "almost -1": ("Date,Price\n01/01/2024,-1.00000001\n01/01/2024,-1.000001\n", {}),
    "-1 as exponent": ("Date,Price\n01/01/2024,-10e-1\n01/01/2024,\n", {}),
    "tiny prices": ("Date,Price\n01/01/2024,1e-46\n01/01/2024,0\n01/02/2024,1e-44\n01/02/2024,0\n", {}),
    "every price missing and a bad one": ("Date,Price\n01/01/2024,-1\n01/02/2024,x\n", {"DROP": "Y"}),
    "nothing but a bad line": ("Date,Price\nx\n", {"DROP": "Y"}),
    "thousands with the other sign": ("Date,Price\n01/01/2024,1.234.567\n", {"DECIMAL": ","}),
    "thousands without their first group": ("Date,Price\n01/01/2024,.234\n", {"DECIMAL": ","}),
    "both signs": ('Date,Price\n01/01/2024,"1.234,5"\n01/02/2024,"1,234.5"\n', {}),
    "a Chinese date": ("Date,Price\n2024年1月5日,1\n2024年01月06日,2\n", {"DATE_FORMAT": "yyyy年M月d日"}),
    "signs of patterns": ("Date,Price\n2024.*01[05],1\n2024..01[06],2\n", {"DATE_FORMAT": "yyyy.*MM[dd]"}),
    "a backslash": ("Date,Price\n2024\\01\\05,1\n", {"DATE_FORMAT": "yyyy\\MM\\dd"}),
    "dollars": ("Date,Price\n$2024$01$05$,1\n", {"DATE_FORMAT": "$yyyy$MM$dd$"}),
    "blanks in the format": (
        "Date,Price\n5  May   2024,1\n05  may   2024,1\n",
        {"DATE_FORMAT": "d  MMM   yyyy"},
    ),
    "letters without a separator": ("Date,Price\n1Jan2024,1\n011an2024,1\n", {"DATE_FORMAT": "dMMMyyyy"}),
    "one or two digits side by side": ("Date,Price\n1112024,1\n1122024,2\n", {"DATE_FORMAT": "dMyyyy"}),
    "month zero and day zero": ("Date,Price\n00/01/2024,1\n01/00/2024,1\n", {}),
    "month thirteen": ("Date,Price\n13/01/2024,1\n", {}),
    "the first and the last year": ("Date,Price\n01/01/1900,1\n12/31/9999,1\n12/31/1899,1\n", {}),
    "a century that is no leap year": ("Date,Price\n02/29/1900,1\n02/29/2000,1\n", {}),
    "a date of forty letters": (f"Date,Price\n{'x' * 40},1\n{'x' * 41},1\n", {}),
    "emoji": ("Date,Price\n01/01/2024,🚀\n", {}),
    "combining accents": ("Date,Price\n01/01/2024,1\u0301\n", {}),
}

ODD_TRENDS: dict[str, str] = {
    "a first date that is not in the calendar": "2024-02-30,5\n2024-01-07,5\n",
    "a first date of an early year": "0024-01-07,5\n2024-01-07,5\n",
    "a first line of a month": "2024-01,5\n2024-02,5\n",
    "an empty name": "Week,\n2024-01-07,5\n",
    "a header of a comma": ",\n2024-01-07,5\n",
    "an empty column more": "Week,bitcoin,\n2024-01-07,5,\n2024-01-14,5\n",
    "a quoted preamble": '"Category: All, categories"\n\nWeek,bitcoin\n2024-01-07,5\n',
    "a preamble with a comma": "Category: this, that\n\nWeek,bitcoin\n2024-01-07,5\n",
    "a quote in the preamble": 'Category: "All\n\nWeek,bitcoin\n2024-01-07,5\n',
    "a preamble alone": "Category: All categories\n\n",
    "a long preamble": "about\n" * 80 + "Week,bitcoin\n2024-01-07,5\n",
    "a preamble below the data": "Week,bitcoin\n2024-01-07,5\nCategory: All categories\n",
    "less than one in other forms": "Week,bitcoin\n2024-01-07, <1 \n2024-01-14,< 1\n2024-01-21,<2\n",
    "leading zeros": "Week,bitcoin\n2024-01-07,000000100\n2024-01-14,0000000100\n",
    "an exponent": "Week,bitcoin\n2024-01-07,1e1\n",
    "zero and less than one on one date": "Week,bitcoin\n2024-01-07,<1\n2024-01-07,0\n",
    "two values and a bad line on one date": "Week,bitcoin\n2024-01-07,x\n2024-01-07,5\n2024-01-07,6\n",
    "a date with blanks": 'Week,bitcoin\n" 2024-01-07\t",5\n',
    "an hour": "Time,bitcoin\n2024-01-07T01,5\n",
}


@pytest.mark.parametrize("name", ODD_HISTORIES)
def test_an_odd_history_gets_the_same_verdict_in_the_same_words(name: str, lake: Lake) -> None:
    content, options = ODD_HISTORIES[name]
    judged = judge(lake, content, **options)
    assert judged.check == judged.step
    if judged.step is None:
        assert_same_days(judged.history, [day for day, _ in lake.history()])


@pytest.mark.parametrize("name", PLAIN_FIRST_LINES)
def test_the_first_line_of_a_history_is_its_header_for_both(name: str, lake: Lake) -> None:
    content, options = PLAIN_FIRST_LINES[name]
    judged = judge(lake, content, **options)
    assert judged.check == judged.step


@pytest.mark.parametrize("more", ['","', '" "" "', '""""', '""" "', '" """', ',"x"', ' "" , " " ,, ""'])
def test_a_column_too_many_is_judged_alike_whether_it_holds_a_mark_or_nothing(more: str, lake: Lake) -> None:
    judged = judge(lake, f"Date,Price\n01/01/2024,1,{more}\n")
    assert judged.check == judged.step


@pytest.mark.parametrize("name", ODD_TRENDS)
def test_an_odd_trend_gets_the_same_verdict_in_the_same_words(name: str, lake: Lake) -> None:
    judged = judge(lake, trend=ODD_TRENDS[name])
    assert judged.check == judged.step
    if judged.step is None:
        assert_same_days(judged.trend, [day for day, _ in lake.trend()])


def test_both_files_are_blamed_at_once_in_the_same_order(lake: Lake) -> None:
    judged = judge(lake, "Date,Price\nx,1\ny,1\n", "Week,bitcoin\n2024-01-07,200\n")
    assert judged.check == judged.step
    assert judged.step == (
        "history: 2 lines cannot be read; first: line 2: date 'x' is not a MM/dd/yyyy date; "
        "trend: line 2: trend '200' is not within 0 and 100"
    )


@pytest.mark.parametrize("broken", [b"Date,Price\n01/01/2024,1\n\xff,1\n", PLAIN_HISTORY.encode("utf-16")])
def test_what_is_no_text_is_refused_by_both(broken: bytes, lake: Lake) -> None:
    judged = judge(lake, broken)
    assert judged.step == f"history: {NOT_TEXT}"
    assert judged.check is not None
    assert NOT_TEXT in judged.check


def assert_same_days(report: FileReport, days: Sequence[date]) -> None:
    assert (report.rows, report.first, report.last) == (len(days), min(days), max(days))


# --- files that are made up ---------------------------------------------------------------------------

FORMATS = {
    "MM/dd/yyyy": "{d:%m/%d/%Y}",
    "dd.MM.yyyy": "{d:%d.%m.%Y}",
    "d.M.yyyy": "{d.day}.{d.month}.{d:%Y}",
    "MMM dd, yyyy": "{d:%b %d, %Y}",
    "d-MMM-yyyy": "{d.day}-{d:%b}-{d:%Y}",
    "yyyy-MM-dd": "{d:%Y-%m-%d}",
    "yyyyMMdd": "{d:%Y%m%d}",
    "yyyy年M月d日": "{d:%Y}年{d.month}月{d.day}日",
}
EPOCH = date(1990, 1, 1)

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
BLANK_LINES = st.sampled_from(["", "", "", " ", "\t \t"])


@dataclass(frozen=True)
class Written:
    """A good file as somebody could have exported it, and the days that it holds."""

    text: str
    days: dict[date, float | None]
    options: dict[str, str]


@st.composite
def fields(draw: st.DrawFn, text: str) -> str:
    """A field as it may be written: quoted or not, with blanks around or none."""
    quoted = "," in text or draw(st.booleans())
    inner = f'"{text}"' if quoted else text
    before, after = draw(st.sampled_from([("", ""), ("", ""), (" ", ""), ("", "\t"), (" ", "  ")]))
    return before + inner + after


@st.composite
def lines(draw: st.DrawFn, cells: Sequence[str]) -> str:
    """A line of fields."""
    return ",".join([draw(fields(cell)) for cell in cells])


@st.composite
def files(draw: st.DrawFn, written: Sequence[str]) -> str:
    """Lines as a file: blank lines between, any line ends, a BOM or none, a last line end or none."""
    end = draw(LINE_ENDS)
    parts = [part for line in written for part in (draw(BLANK_LINES), line)]
    kept = [part for number, part in enumerate(parts) if part or number % 2 == 0]
    return draw(st.sampled_from(["", "\ufeff"])) + end.join(kept) + draw(st.sampled_from(["", end, end * 3]))


PRICES = st.one_of(
    st.none(),
    st.integers(0, 2**24).map(lambda quarters: quarters / 4),  # exact in a float
)


def price_text(price: float | None, decimal: str, form: int) -> str:
    """A price in one of the ways in which sites write it."""
    if price is None:
        return ("-1", "", "-1.0".replace(".", decimal))[form % 3]
    text = (f"{price:,.2f}", f"{price:.2f}", f"{price:,.3f}")[form % 3]
    return text if decimal == "." else text.translate(str.maketrans(",.", ".,"))


@st.composite
def histories(draw: st.DrawFn) -> Written:
    date_format, decimal = draw(st.sampled_from(sorted(FORMATS))), draw(st.sampled_from(".,"))
    drop = draw(st.booleans())
    offsets = draw(st.lists(st.integers(0, 14_000), min_size=1, max_size=8, unique=True))
    days = {EPOCH + timedelta(offset): draw(PRICES) for offset in offsets}
    if drop:  # a file without any price is refused then
        days[EPOCH] = 7.25
    repeated = draw(st.lists(st.sampled_from(sorted(days)), max_size=2))
    names = draw(st.permutations(["Day, written", "Price", "Note"]))
    written = [draw(lines(names))]
    for day in [*days, *repeated]:
        cells = {
            "Day, written": FORMATS[date_format].format(d=day),
            "Price": price_text(days[day], decimal, draw(st.integers(0, 2))),
            "Note": draw(st.sampled_from(["", "1.5K", "48,36%", "näher"])),
        }
        written.append(draw(lines([cells[name] for name in names])))
    options = {
        "DATE_COLUMN": "Day, written",
        "DATE_FORMAT": date_format,
        "DECIMAL": decimal,
        "DROP": "Y" if drop else "N",
    }
    return Written(draw(files(written)), days, options)


@st.composite
def trends(draw: st.DrawFn) -> Written:
    offsets = draw(st.lists(st.integers(0, 2_000), min_size=1, max_size=6, unique=True))
    days: dict[date, float | None] = {
        EPOCH + timedelta(7 * offset): draw(st.integers(0, 100)) for offset in offsets
    }
    preamble = draw(st.sampled_from([[], ["Category: All categories"], ["Category: All", "", "by week"]]))
    written = [*preamble, draw(lines(["Week", "bitcoin: (Worldwide)"]))]
    for day, value in days.items():
        text = "<1" if value == 0 and draw(st.booleans()) else str(value)
        written.append(draw(lines([f"{day}", text])))
    return Written(draw(files(written)), days, {})


def carried(days: dict[date, float | None], *, drop: bool) -> list[tuple[date, float | None]]:
    """The rows of silver: missing prices dropped, or the last earlier one in their place."""
    rows: list[tuple[date, float | None]] = []
    last: float | None = None
    for day in sorted(days):
        last = last if days[day] is None else days[day]
        if days[day] is not None or not drop:
            rows.append((day, last))
    return rows


@per_file
@given(history=histories(), trend=trends())
def test_good_files_are_read_by_both_with_the_same_rows(
    history: Written, trend: Written, common_lake: Lake
) -> None:
    judged = judge(common_lake, history.text, trend.text, **history.options)

    assert judged.check is None
    assert judged.step is None
    assert_same_days(judged.history, sorted(history.days))
    assert_same_days(judged.trend, sorted(trend.days))
    assert judged.history.missing == sum(price is None for price in history.days.values())
    assert judged.trend.missing == 0
    assert common_lake.history() == carried(history.days, drop=history.options["DROP"] == "Y")
    assert common_lake.trend() == sorted(trend.days.items())


PIECES = [
    "01/01/2024", "01/02/2024", "2024-01-07", "2024-01-14", "-1", "1", "1.5", "1,000.5", "<1", "100", "101",
    "-", "x", "e9", "Week", ",", ",", ",", '"', '""', " ", "\t", "\n", "\n", "\r",
    "\ufeff", "\u00a0", "\u2028",
]  # fmt: skip
NOISE = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@per_file
@given(history=NOISE, trend=NOISE, drop=st.sampled_from("YN"), decimal=st.sampled_from(".,"))
def test_noise_is_judged_by_both_in_the_same_words(
    history: str, trend: str, drop: str, decimal: str, common_lake: Lake
) -> None:
    judged = judge(
        common_lake,
        f"Date,Price\n01/01/2024,5\n{history}\n",
        f"Week,bitcoin\n2024-01-07,5\n{trend}\n",
        DROP=drop,
        DECIMAL=decimal,
    )
    assert judged.check == judged.step


@per_file
@given(history=NOISE, trend=NOISE)
def test_noise_in_the_place_of_a_header_is_judged_by_both_in_the_same_words(
    history: str, trend: str, common_lake: Lake
) -> None:
    judged = judge(common_lake, history, f"{trend}\n2024-01-07,5\n", DATE_COLUMN="1", PRICE_COLUMN="x")
    assert judged.check == judged.step
