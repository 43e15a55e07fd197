"""A configuration that names a wrong column is warned of; rows about several coins are refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from cryptoetl.raw_files import reading
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.history import HistoryFormat
from cryptoetl.raw_files.trend import TrendFormat

FIRST = date(2024, 1, 7)
PRICES = [120.5, 131.25, 128.0, 119.75, 140.0, 151.5, 149.25, 133.0, 128.5, 139.0, 150.25, 161.0]
WEEKS = [f"{FIRST + timedelta(7 * week)},{week * 3 + 5}" for week in range(12)]


def rows(write: Callable[[int, str, float], str], count: int = 84) -> list[str]:
    return [write(n, f"{FIRST + timedelta(n)}", PRICES[n % 12]) for n in range(count)]


def findings(
    tmp_path: Path, header: str, lines: Sequence[str], column: str = "Close", *, trend: Sequence[str] = WEEKS
) -> list[str]:
    """Return what the check finds in a history, and in the trend about it."""
    history, values = tmp_path / "history.csv", tmp_path / "trend.csv"
    history.write_text("\n".join([header, *lines]) + "\n")
    values.write_text("\n".join(["Week,bitcoin: (Worldwide)", *trend]) + "\n")
    reports = FileReport("history", history), FileReport("trend", values)
    layout = HistoryFormat("Date", column, "yyyy-MM-dd")
    reading.read(reports, (layout, TrendFormat()), drop=False)
    return [f"{found.severity}: {found}" for report in reports for found in report.findings]


@pytest.mark.parametrize("begin", [0, 1])
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_column_that_counts_the_rows_is_warned_of(tmp_path: Path, begin: int, newest_first: bool) -> None:
    lines = rows(lambda n, day, price: f"{day},{(83 - n if newest_first else n) + begin},{price}", 84)
    warning, *others = findings(tmp_path, "Date,No,Close", lines, "No")
    assert len(others) == (begin == 0)  # a price of zero
    assert warning.startswith("warning: history: the prices count the rows")
    assert findings(tmp_path, "Date,No,Close", lines) == []


def test_a_counter_of_more_rows_than_are_compared_is_warned_of(tmp_path: Path) -> None:
    (warning,) = findings(tmp_path, "Date,No", rows(lambda n, day, _: f"{day},{2_000 - n}", 2_000), "No")
    assert "count the rows" in warning


def test_prices_that_rise_by_one_a_day_are_no_counter(tmp_path: Path) -> None:
    assert findings(tmp_path, "Date,Close", rows(lambda n, day, _: f"{day},{n + 100}")) == []


BARS = "Date,Open,High,Low,Close,Volume"


def bar(number: int, day: str, price: float) -> str:
    return f"{day},{price - 1},{price + 2},{price - 2},{price},{9000 + number % 7}"


def test_a_column_that_leaves_the_low_and_high_of_its_rows_is_warned_of(tmp_path: Path) -> None:
    (warning,) = findings(tmp_path, BARS, rows(bar), "Volume")
    assert warning == (
        "warning: history: most prices of column 'Volume' are not between 'Low' and 'High' of their rows: "
        "is it the right column?"
    )
    assert findings(tmp_path, BARS, rows(bar)) == []
    assert findings(tmp_path, BARS, rows(bar), "Open") == []


def test_low_and_high_in_another_currency_say_nothing(tmp_path: Path) -> None:
    lines = rows(lambda n, day, price: f"{day},{price + 2},{price - 2},{price},{2 * price}")
    header = "Date,High (USD),Low (USD),Close (USD),Close (EUR)"
    assert findings(tmp_path, header, lines, "Close (EUR)") == []
    assert findings(tmp_path, header, lines, "Close (USD)") == []


def test_low_and_high_that_never_move_say_nothing(tmp_path: Path) -> None:
    assert findings(tmp_path, BARS, rows(lambda _, day, price: f"{day},1,1,1,{price},9")) == []


def test_a_column_that_is_the_trend_is_warned_of(tmp_path: Path) -> None:
    both = rows(lambda n, day, price: f"{day},{price},{n // 7 * 3 + 5}")
    (warning,) = findings(tmp_path, "Date,Close,Interest", both, "Interest")
    assert "the prices are the values of the trend on all 12 days that both have" in warning
    assert findings(tmp_path, "Date,Close,Interest", both) == []
    few = WEEKS[:4]
    assert findings(tmp_path, "Date,Close,Interest", both, "Interest", trend=few) == []


# --- several coins in one file ------------------------------------------------------------------------

SEVERAL = "several currencies in one file (BTC, ETH): make a file of each"


@pytest.mark.parametrize("column", ["Symbol", "ticker", "Coin", "Name", "crypto_name"])
@pytest.mark.parametrize("rows_of_btc", [3, 400, 6_000])
def test_a_second_coin_is_refused_at_its_first_line(tmp_path: Path, column: str, rows_of_btc: int) -> None:
    lines = rows(
        lambda n, day, price: f"{'BTC' if n < rows_of_btc else 'ETH'},{day},{price}", rows_of_btc + 30
    )
    found = findings(tmp_path, f"{column},Date,Close", lines)
    assert found[0] == f"error: history: line {rows_of_btc + 2}: {SEVERAL}"
    assert [text for text in found if text.startswith("error")] == found[:1]


def test_coins_that_share_their_days_are_refused_by_name_and_not_day_by_day(tmp_path: Path) -> None:
    lines = [
        line.replace("BTC", coin)
        for line in rows(lambda _, day, price: f"BTC,{day},{price}")
        for coin in ("BTC", "ETH")
    ]
    assert findings(tmp_path, "Symbol,Date,Close", lines)[0] == f"error: history: line 3: {SEVERAL}"


def test_one_coin_in_other_letters_or_cells_without_a_name_are_no_second_coin(tmp_path: Path) -> None:
    names = ["BTC", "btc", "", "2781"]
    lines = rows(lambda n, day, price: f"{names[n % 4]},{day},{price}")
    assert findings(tmp_path, "Symbol,Date,Close", lines) == []
    assert findings(tmp_path, "Market,Date,Close", [f"{n}{line}" for n, line in enumerate(lines)]) == []


def test_a_second_search_term_is_refused(tmp_path: Path) -> None:
    trend = ["date,hits,keyword", *(f"{week},bitcoin" for week in WEEKS), f"{WEEKS[0]},ethereum"]
    path = tmp_path / "hits.csv"
    path.write_text("\n".join(trend))
    report = FileReport("trend", path)
    reading.read((FileReport("history", path), report), (HistoryFormat(), TrendFormat()), drop=False)
    assert report.reason == (
        "trend: line 14: several search terms in one file (bitcoin, ethereum): export one search term alone"
    )
