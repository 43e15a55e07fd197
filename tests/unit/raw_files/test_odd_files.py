"""Odd files, and files that are made up: read as they should be, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl.raw_files.history import HistoryFormat
from cryptoetl.raw_files.trend import TrendFormat
from tests.conftest import examples
from tests.unit.made import plain_rows
from tests.unit.raw_files.odd_files import ODD_FILES, OddFile

EMPTY = "is missing or empty"
NOT_TEXT = "the file is not UTF-8 text"

per_file = settings(
    max_examples=examples(200),
    deadline=None,
    database=None,
    derandomize=True,
    # Each example overwrites the files of the one before.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def layout(**options: str) -> HistoryFormat:
    """Return the format that the options of an odd file describe."""
    plain = HistoryFormat()
    return HistoryFormat(
        column(options.get("DATE_COLUMN", plain.date_column)),
        column(options.get("PRICE_COLUMN", plain.price_column)),
        options.get("DATE_FORMAT", plain.date_format),
        "," if options.get("DECIMAL") == "," else ".",
        options.get("DELIMITER", plain.delimiter),
    )


def trend_layout(**options: str) -> TrendFormat:
    """Return the same for the trend file."""
    plain = TrendFormat()
    return TrendFormat(
        options.get("TREND_DATE_FORMAT", plain.date_format), options.get("TREND_DELIMITER", plain.delimiter)
    )


def column(name: str | int) -> str | int:
    """Return a column by its name, or by its number, written as #1."""
    text = str(name)
    return int(text[1:]) if text.startswith("#") and text[1:].isdigit() else text


def config_stops(odd: OddFile) -> bool:
    """Return whether the check never sees the case: the configuration is refused first."""
    return odd.content is None or "must hold year, month and day" in str(odd.expected)


@pytest.mark.parametrize("odd", [odd for odd in ODD_FILES if not config_stops(odd)], ids=lambda odd: odd.name)
def test_an_odd_file_is_read_as_it_should_be_or_refused_with_its_reason(odd: OddFile, tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_bytes(odd.content or b"")
    drop = odd.options.get("DROP") == "Y"
    form = layout(**odd.options) if odd.kind == "history" else trend_layout(**odd.options)
    report, found = plain_rows(odd.kind, path, form, drop=drop)

    if isinstance(odd.expected, str):
        assert report.reason is not None
        expected = odd.expected.replace(f"{{uri}} {EMPTY}", "the file is empty")
        if NOT_TEXT in expected:  # with the line, and what to do
            assert NOT_TEXT in report.reason
        else:
            assert report.reason == expected
    else:
        assert report.reason is None
        assert silver(found, drop=drop) == [(date.fromisoformat(day), value) for day, value in odd.expected]


def silver(days: Sequence[tuple[date, float | None]], *, drop: bool) -> list[tuple[date, float | None]]:
    """Return the rows of silver: missing prices dropped, or the last earlier one in their place."""
    rows: list[tuple[date, float | None]] = []
    last: float | None = None
    for day, price in days:
        last = last if price is None else price
        if price is not None or not drop:
            rows.append((day, last))
    return rows


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
    """A good file as a site could have exported it, and the days that it holds."""

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


@per_file
@given(history=histories(), trend=trends())
def test_a_good_file_of_any_form_is_read_whole(history: Written, trend: Written, tmp_path: Path) -> None:
    for kind, written in (("history", history), ("trend", trend)):
        path = tmp_path / f"{kind}.csv"
        path.write_bytes(written.text.encode())
        form = layout(**written.options) if kind == "history" else None
        drop = written.options.get("DROP") == "Y"
        report, found = plain_rows("history" if kind == "history" else "trend", path, form, drop=drop)
        assert report.reason is None
        assert found == sorted(written.days.items())
        assert (report.rows, report.first, report.last) == (
            len(written.days),
            min(written.days),
            max(written.days),
        )
        assert report.missing == sum(price is None for price in written.days.values())
