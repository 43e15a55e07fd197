"""Columns that look like dates or prices and are none of the coin's: none of them is taken."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cryptoetl.discovery.entries import Pairing
from cryptoetl.discovery.pairing import pair
from cryptoetl.discovery.sniffs import HistorySniff, NotRecognised
from tests.unit.discovery.downloads import DAYS, WEEKS, history_of, iso, rows, stored, trend, trend_of


def paired(folder: Path, files: dict[str, str]) -> Pairing:
    return pair(stored(folder, files), folder)


def test_a_volume_without_a_name_is_no_time_although_it_could_be_a_count(tmp_path: Path) -> None:
    table = rows(lambda day, n: f"1.5,3.0,1.0,2.{n:02},{1_400_000_000 + n * n * 3_000_017}.85,{day}")
    found = history_of(tmp_path, table)
    assert (found.date_column, found.price_column, found.date_format) == (6, 4, "yyyy-MM-dd")


def test_numbers_that_are_far_apart_are_no_dates(tmp_path: Path) -> None:
    table = rows(lambda day, n: f"{1_400_000_000 + n * n * 3_000_017},2.{n:02}")
    (found,) = stored(tmp_path, {"volumes.csv": table})
    assert isinstance(found, NotRecognised)


@pytest.mark.parametrize("header", ["close_btc,close_eth", "BTC price,ETH price", "BTC,ETH"])
def test_each_column_belongs_to_the_coin_that_its_name_says(tmp_path: Path, header: str) -> None:
    table = f"Date,{header}\n" + rows(lambda day, n: f"{day},{100 + n}.5,{9 + n}.25")
    eth = paired(tmp_path / "eth", {"prices.csv": table, "t.csv": trend("ethereum: (World)")})
    assert [(found.ticker, found.history.price_column) for found in eth.pairs] == [
        ("ETH", header.split(",")[1])
    ]
    assert paired(tmp_path / "ltc", {"prices.csv": table, "t.csv": trend("litecoin: (World)")}).pairs == ()


def test_the_only_column_of_prices_belongs_to_its_coin_too(tmp_path: Path) -> None:
    table = "Date,btc_price\n" + rows(lambda day, n: f"{day},{100 + n}.5")
    files = {"prices.csv": table, "t.csv": trend("litecoin: (World)")}
    assert paired(tmp_path / "ltc", files).pairs == ()
    found = paired(tmp_path / "btc", {**files, "t.csv": trend()})
    assert [pair.ticker for pair in found.pairs] == ["BTC"]


def test_a_price_in_a_coin_is_not_taken_beside_one_in_money(tmp_path: Path) -> None:
    table = "date,price_btc,price_usd\n" + rows(lambda day, n: f"{day},0.00{100 + n},{100 + n}.5")
    assert history_of(tmp_path, table, "ADA.csv").price_column == "price_usd"


def test_a_file_of_one_coin_with_a_column_of_another_is_left_out(tmp_path: Path) -> None:
    table = "date,price_btc\n" + rows(lambda day, n: f"{day},0.00{100 + n}")
    found = paired(tmp_path, {"ADA.csv": table, "t.csv": trend("cardano: (World)")})
    assert found.pairs == ()
    assert "it names ADA, and its column 'price_btc' another coin" in found.leftovers[0].reason


def test_files_that_name_no_coin_do_no_harm_to_those_that_do(tmp_path: Path) -> None:
    files = {"one two.csv": iso(), "t.csv": trend(), "u.csv": trend("ethereum: (World)")}
    assert paired(tmp_path, files).pairs == ()


def test_a_close_that_is_not_within_low_and_high_is_left_to_the_user(tmp_path: Path) -> None:
    table = "Date,Open,High,Low,Close\n" + rows(lambda day, n: f"{day},{n + 2}.5,{n + 3}.5,{n + 1}.5,{n}e6")
    found = history_of(tmp_path, table, "BTC.csv")
    assert found.rivals == ("Open", "High", "Low")
    assert "not between the low and the high" in found.doubts[0]
    result = paired(tmp_path, {"BTC.csv": table, "t.csv": trend()})
    assert result.pairs == ()
    assert [
        left.entry.history.price_column for left in result.leftovers if left.entry and left.entry.history
    ] == [
        "Close",
        "Open",
        "High",
        "Low",
    ]


def test_the_strict_form_of_a_date_is_preferred_behind_a_weekday_too(tmp_path: Path) -> None:
    found = history_of(tmp_path, "Date,Price\n" + rows(lambda day, n: f"{day:%a %b %d %Y},{n}.5"))
    assert isinstance(found, HistorySniff)
    assert found.date_format == "EEE MMM dd yyyy"


def test_tables_below_a_trend_are_no_rows_of_it(tmp_path: Path) -> None:
    weeks = rows(lambda day, n: f"{day} - {day + timedelta(6)},{n}", WEEKS)
    regions = "\n\nRegion,bitcoin\n" + rows(lambda day, n: f"Region {n},{n}", DAYS)
    found = trend_of(tmp_path, f"Interest over time\nWeek,bitcoin\n{weeks}{regions}", "report.csv")
    assert (found.facts.rows, found.facts.unreadable) == (len(WEEKS), 0)


BARS = (
    ("2013-02-05", "545.26", "545.08", "553.23", "401", "544.59"),
    ("2013-02-04", "545.06", "541.59", "551.40", "400", "530.94"),
    ("2013-02-03", "541.65", "522.59", "546.93", "399", "520.23"),
    ("2013-02-02", "522.53", "533.38", "534.36", "398", "518.92"),
    ("2013-02-01", "533.25", "533.81", "542.54", "397", "529.07"),
    ("2013-01-31", "533.79", "574.29", "581.59", "396", "529.52"),
    ("2013-01-30", "574.19", "578.61", "591.26", "395", "570.23"),
    ("2013-01-29", "578.47", "610.12", "617.82", "394", "569.61"),
)
"""Date, close, open, high, a counter below the prices, and low."""


def bars(order: str, *, counter: int = 0) -> str:
    """Return the bars without a header: d, c, o, h, i (the counter, raised by this) and l in this order."""
    table = [dict(zip("dcohil", row, strict=True)) for row in BARS]
    lines = [{**row, "i": str(int(row["i"]) + counter)} for row in table]
    return "".join(",".join(row[letter] for letter in order) + "\n" for row in lines)


def test_a_counter_in_the_place_of_the_low_does_not_make_the_low_a_close(tmp_path: Path) -> None:
    assert history_of(tmp_path, bars("dcohil")).price_column == 2


def test_a_counter_in_the_place_of_the_high_does_not_make_the_open_a_close(tmp_path: Path) -> None:
    found = history_of(tmp_path, bars("dcilho", counter=300))
    assert found.price_column == 2


def test_bars_in_the_usual_order_need_no_other_sign(tmp_path: Path) -> None:
    assert history_of(tmp_path, bars("dohlc")).price_column == 5


def test_bars_that_never_move_within_a_day_are_in_the_usual_order(tmp_path: Path) -> None:
    table = rows(lambda day, n: f"{day}{f',{11 + n % 3}.5' * 4},0.5,12")
    assert history_of(tmp_path, table).price_column == 5


def test_of_two_sets_of_bars_the_first_is_taken(tmp_path: Path) -> None:
    lines = [",".join(row[n] for n in (0, 2, 3, 5, 1)) for row in BARS]
    doubled = [f"{float(row[n]) * 2:.2f}" for row in BARS for n in (2, 3, 5, 1)]
    pairs = zip(lines, (doubled[at : at + 4] for at in range(0, len(doubled), 4)), strict=True)
    assert (
        history_of(tmp_path, "".join(f"{line},{','.join(more)}\n" for line, more in pairs)).price_column == 5
    )
    swapped = "".join(
        f"{BARS[n][0]},{','.join(doubled[4 * n : 4 * n + 4])},{line[11:]}\n" for n, line in enumerate(lines)
    )
    assert history_of(tmp_path, swapped).price_column == 5
