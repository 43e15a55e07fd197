"""Files are recognised by their content, or refused with the reason."""

from __future__ import annotations

import tracemalloc
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl.discovery.readings import date_formats, decimal_sign
from cryptoetl.discovery.sniffing import sniff
from cryptoetl.discovery.sniffs import Facts, HistorySniff, NotRecognised, TrendSniff
from tests.conftest import examples
from tests.unit.discovery import downloads
from tests.unit.discovery.downloads import DAYS, WEEKS, history_of, rows, stored, trend_of

Columns = tuple[str | int, str | int]


def refusal(folder: Path, content: str | bytes, name: str = "file.csv") -> str:
    (found,) = stored(folder, {name: content})
    assert isinstance(found, NotRecognised), found
    return found.reason


# --- histories as sites write them --------------------------------------------------------------------

NAMED: Columns = ("Date", "Price")
UTC_OFFSET = "Date,Price\n" + rows(lambda day, n: f"{day} 00:00:00+00:00,{n}.5")
UNPADDED = "Date,Price\n" + rows(lambda day, n: f"{day.month}/{day.day}/{day.year},{n}.5")


@pytest.mark.parametrize(
    ("content", "columns", "date_format", "decimal", "delimiter"),
    [
        (downloads.investing(), NAMED, "MM/dd/yyyy", ".", ","),
        (downloads.investing("%b %d, %Y"), NAMED, "MMM dd, yyyy", ".", ","),
        (downloads.italian(), ("Data", "Ultimo"), "dd.MM.yyyy", ",", ","),
        (downloads.iso(), NAMED, "yyyy-MM-dd", ".", ","),
        (downloads.yahoo(), ("Date", "Close"), "yyyy-MM-dd", ".", ","),
        (downloads.coingecko(), ("snapped_at", "price"), "yyyy-MM-dd HH:mm:ss 'UTC'", ".", ","),
        (downloads.coinmarketcap(), ("timeOpen", "close"), "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", ".", ";"),
        (downloads.kraken(), (1, 5), "unix", ".", ","),
        (downloads.binance(), (1, 5), "unix_ms", ".", ","),
        (downloads.binance(per_second=1_000_000), (1, 5), "unix_us", ".", ","),
        (downloads.cryptodatadownload(), ("Date", "Close"), "yyyy-MM-dd HH:mm:ss", ".", ","),
        (downloads.iso().replace(",", "\t"), NAMED, "yyyy-MM-dd", ".", "tab"),
        (downloads.iso().replace(",", "|"), NAMED, "yyyy-MM-dd", ".", "|"),
        (downloads.iso().replace(",", ";").replace(".", ","), NAMED, "yyyy-MM-dd", ",", ";"),
        (UTC_OFFSET, NAMED, "yyyy-MM-dd HH:mm:ss+00:00", ".", ","),
        (UNPADDED, NAMED, "M/d/yyyy", ".", ","),
        (rows(lambda d, n: f"{d},{n}.5"), (1, 2), "yyyy-MM-dd", ".", ","),
    ],
    ids=str,
)  # fmt: skip
def test_each_export_is_recognised(
    tmp_path: Path, content: str, columns: Columns, date_format: str, decimal: str, delimiter: str
) -> None:
    found = history_of(tmp_path, content)

    assert (found.date_column, found.price_column) == columns
    assert (found.date_format, found.decimal, found.delimiter) == (date_format, decimal, delimiter)
    assert found.facts == Facts(60, DAYS[0], DAYS[-1], "daily")
    assert found.doubts == ()


@pytest.mark.parametrize(
    ("header", "date_format"),
    [
        ('"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"', "%d.%m.%Y"),
        ('"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"', "%d/%m/%Y"),
        ('"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."', "%d.%m.%Y"),
    ],
)
def test_columns_are_known_in_other_languages(tmp_path: Path, header: str, date_format: str) -> None:
    lines = rows(lambda day, n: f'"{day:{date_format}}","1,5","2,5","3,5","1,1","","0,1%"')
    found = history_of(tmp_path, f"{header}\n{lines}")

    assert [found.date_column, found.price_column] == [name.strip('"') for name in header.split(",")[:2]]
    assert found.decimal == ","


def test_a_byte_order_mark_carriage_returns_empty_lines_and_trailing_delimiters_do_no_harm(
    tmp_path: Path,
) -> None:
    plain = downloads.iso()
    odd = "\ufeff" + plain.replace("\n", ",,\r\n\r\n").rstrip()

    assert history_of(tmp_path, odd) == history_of(tmp_path, plain)


def test_missing_prices_and_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    found = history_of(tmp_path, downloads.iso() + "2024-03-01,-1\n2024-03-02,\n2024-03-03,n/a\nTotal,5\n")

    assert (found.facts.rows, found.facts.missing, found.facts.unreadable) == (63, 3, 1)


def test_the_closing_price_of_columns_without_names_is_found_by_highest_and_lowest(tmp_path: Path) -> None:
    content = rows(lambda day, n: f"BTC,{day},77,1.5,3.0,1.0,2.{n}")

    assert history_of(tmp_path, content).price_column == 7


def test_a_guessed_column_is_in_doubt(tmp_path: Path) -> None:
    found = history_of(tmp_path, "Date,spam,eggs\n" + rows(lambda day, n: f"{day},{n}.5,{n}.25"))

    assert found.price_column == "spam"
    assert found.doubts == ("no column's name says that it holds the price",)
    assert found.rivals == ("eggs",)


def test_volumes_are_not_taken_for_unix_seconds(tmp_path: Path) -> None:
    found = history_of(tmp_path, "Volume,Day,Price\n" + rows(lambda day, n: f"1381017600,{day},{n}.5"))

    assert found.date_column == "Day"


# --- what all values decide ---------------------------------------------------------------------------


def test_days_that_could_be_months_are_distinguished_by_their_sequence(tmp_path: Path) -> None:
    days = [date(2024, 3, day) for day in (10, 11, 12)]
    american = history_of(tmp_path, "Date,Price\n" + rows(lambda day, n: f"{day:%m/%d/%Y},1.5", days))
    european = history_of(tmp_path, "Date,Price\n" + rows(lambda day, n: f"{day:%d/%m/%Y},1.5", days))

    assert (american.date_format, european.date_format) == ("MM/dd/yyyy", "dd/MM/yyyy")
    assert american.facts == european.facts
    assert "neighbouring dates" in american.decisions[0]


def test_a_late_line_decides_what_the_first_lines_leave_open(tmp_path: Path) -> None:
    open_days = [
        date(year, month, day) for year in range(2010, 2020) for month in range(1, 13) for day in range(1, 13)
    ]
    lines = [f"{day:%d/%m/%Y},1.5\n" for day in (*open_days, date(2020, 1, 31))]

    assert history_of(tmp_path, "Date,Price\n" + "".join(lines)).date_format == "dd/MM/yyyy"


def test_dates_that_nothing_decides_are_in_doubt(tmp_path: Path) -> None:
    found = history_of(tmp_path, "Date,Price\n05/07/2024,1.5\n")

    assert found.date_format == "MM/dd/yyyy"
    assert found.doubts == ("date_format could also be dd/MM/yyyy: nothing distinguishes day from month",)


@pytest.mark.parametrize(
    ("prices", "others", "decimal", "decided"),
    [
        (["1.234", "1.236"], "0,5%", ",", "as in the other columns"),
        (["1.234", "1.236"], "0.5%", ".", "as in the other columns"),
        (["1,234", "987"], "x", ".", "a thousandfold"),
        (["1.234", "987"], "x", ",", "a thousandfold"),
    ],
)
def test_three_digits_behind_the_only_sign_are_decided_by_the_other_values(
    tmp_path: Path, prices: list[str], others: str, decimal: str, decided: str
) -> None:
    lines = [f'2024-01-0{number},"{price}","{others}"\n' for number, price in enumerate(prices, start=1)]
    found = history_of(tmp_path, "Date,Price,Change\n" + "".join(lines))

    assert found.decimal == decimal
    assert decided in found.decisions[0]


def test_a_decimal_sign_that_nothing_decides_is_in_doubt(tmp_path: Path) -> None:
    found = history_of(tmp_path, "Date,Price\n2024-01-01,1.234\n2024-01-02,1.235\n")

    assert found.decimal == "."
    assert "decimal could also be" in found.doubts[0]


@pytest.mark.parametrize(
    ("text", "sign"),
    [("65.619,5", ","), ("65,619.5", "."), ("1.28K", "."), ("-0,37%", ","), ("0,123", ","), ("1.234", None)],
)
def test_numbers_give_away_their_decimal_sign(text: str, sign: str | None) -> None:
    assert decimal_sign(text) == sign


def test_a_day_that_is_not_in_the_calendar_has_no_format() -> None:
    assert date_formats("30/02/2024") == ()
    assert date_formats("0024-01-01") == ()


# --- trends -------------------------------------------------------------------------------------------


def test_a_google_export_is_a_trend_with_its_search_term(tmp_path: Path) -> None:
    found = trend_of(tmp_path, downloads.trend())

    assert found.term == "bitcoin: (Worldwide)"
    assert found.facts == Facts(12, WEEKS[0], WEEKS[-1], "weekly")
    assert (found.trend_date_format, found.trend_delimiter) == ("yyyy-MM-dd", ",")


def test_a_monthly_export_is_a_monthly_trend(tmp_path: Path) -> None:
    assert trend_of(tmp_path, downloads.monthly_trend()).facts.cadence == "monthly"


def test_a_trend_saved_again_elsewhere_keeps_its_format(tmp_path: Path) -> None:
    found = trend_of(tmp_path, "Settimana;interesse\n" + rows(lambda day, n: f"{day:%d/%m/%Y};{n}", WEEKS))

    assert (found.trend_date_format, found.trend_delimiter) == ("dd/MM/yyyy", ";")


def test_a_line_that_is_no_value_does_not_make_a_trend_a_history(tmp_path: Path) -> None:
    found = trend_of(
        tmp_path, "Settimana,bitcoin\n" + rows(lambda day, n: f"{day},{n}", WEEKS) + "2024-03-24,n/a\n"
    )

    assert (found.facts.rows, found.facts.unreadable) == (13, 1)


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        ("date,ltc\n" + rows(lambda day, n: f"{day},{n}", WEEKS), "a.csv", TrendSniff),
        ("date,ltc\n" + rows(lambda day, n: f"{day},{n}.5", WEEKS), "trend.csv", HistorySniff),
        ("date,price\n" + rows(lambda day, n: f"{day},{n}", WEEKS), "a.csv", HistorySniff),
        ("date,ltc\n" + rows(lambda day, n: f"{day},{n}"), "a.csv", HistorySniff),
        ("date,ltc\n" + rows(lambda day, n: f"{day},{n}"), "ltc trend.csv", TrendSniff),
        ("Day,Close: (USD)\n" + rows(lambda day, n: f"{day},{n}.5"), "trend.csv", HistorySniff),
        ("Day,ltc: (Italy)\n" + rows(lambda day, n: f"{day},{n}"), "a.csv", TrendSniff),
    ],
)
def test_content_tells_trends_from_histories_and_the_name_only_where_it_does_not(
    tmp_path: Path, content: str, name: str, kind: type
) -> None:
    assert [type(found) for found in stored(tmp_path, {name: content})] == [kind]


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("Date,Price\n", "there are no data lines below the header"),
        ("Dear reader,\nthis is, well, text\n", "no line holds a date and a number"),
        ("one\ntwo\n", "it has no columns: there is no comma, semicolon, tab or bar"),
        (b"\x00\x01,\x02\n", "the file is not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n", "line 1: the file is not UTF-8 text: save it as UTF-8"),
        (b"PK\x03\x04\x14\x00", "it is a zip archive or an Excel workbook"),
        ("Date,Price\n2024-01-01,5\n".encode("utf-16"), "the file is not UTF-8 text but UTF-16"),
        ("Date,Prix é\n2024-01-01,5\n".encode("latin-1"), "line 1: the file is not UTF-8 text"),
        ("x" * 2_000_000, "line 1: the line is longer than 1,000,000 bytes"),
        ("Date,Price\n" + "2024-01-01,5," * 300, "it has more than 200 columns"),
        ("Date,Price\n1/2/4,5\n", "the dates, such as '1/2/4', are in no known format"),
        ("Date,Price\n2024-01-01,five\n", "the prices, such as 'five', are not plain numbers"),
        (",Price\n2024-01-01,5\n", "column 1 has no name"),
        ("My prices\n2024-01-01,5\n", "there is a title above the data, but no header"),
        ("Date,Close\n2024-01,5.5\n2024-02,6.5\n", "its prices are monthly: daily ones are needed"),
        ("Date,Symbol,Close\n2024-01-01,BTC,5\n2024-01-01,ETH,6\n", "it holds several currencies (BTC, ETH)"),
        ("Week,a: (World),b: (World)\n2024-01-07,1,2\n2024-01-14,3,4\n", "it holds 2 search terms"),
        ("Date,ETH,Ethereum\n2024-01-07,1,2\n2024-01-14,3,4\n", "it holds 2 search terms"),
        ("Week,a: (World)\n2024-01-07,101\n", "it is a trend with values that are not whole numbers"),
    ],
    ids=range(21),
)
def test_what_is_no_usable_file_is_refused_with_the_reason(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    assert refusal(tmp_path, content).startswith(reason)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (found,) = sniff(tmp_path / "missing.csv")
    assert isinstance(found, NotRecognised)
    assert found.reason == "it cannot be read (No such file or directory)"


def test_huge_lines_are_read_in_little_memory(tmp_path: Path) -> None:
    content = "Date,Price,Note\n" + rows(lambda day, n: f"{day},{n}.5,{'x' * 900_000}", DAYS[:30])
    path = tmp_path / "huge.csv"
    path.write_text(content, encoding="utf-8")
    tracemalloc.start()
    try:
        assert isinstance(sniff(path)[0], HistorySniff)
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


CSV_LIKE = st.text(
    st.sampled_from('0123456789/-.,;|\t\r\n" :T<DatePriceWeekMonthjan\x00é'), max_size=300
).map(str.encode)


@settings(
    max_examples=examples(300), deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300) | CSV_LIKE | CSV_LIKE.map(b"Date,Price\n2024-01-01,5\n".__add__))
def test_any_bytes_are_something_or_nothing_but_never_an_error(tmp_path: Path, content: bytes) -> None:
    (found,) = stored(tmp_path, {"any.csv": content})

    assert isinstance(found, HistorySniff | TrendSniff | NotRecognised)


def test_memory_stays_flat(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        first = date(1950, 1, 1)
        with path.open("w", encoding="utf-8") as file:
            file.write("Date,Price\n")
            file.writelines(f"{first + timedelta(number)},{number}.5\n" for number in range(count))
        tracemalloc.start()
        try:
            assert isinstance(sniff(path)[0], HistorySniff)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(500)  # what is kept between files
    assert peak(50_000) < 1.2 * peak(15_000)


def test_columns_that_have_no_name_are_no_alternatives(tmp_path: Path) -> None:
    content = "Date,spam,eggs,\n" + rows(lambda day, n: f"{day},{n}.5,{n}.25,{n}.75,{n}.1")

    assert history_of(tmp_path, content).rivals == ("eggs",)
