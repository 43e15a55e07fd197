"""Files are paired into currencies, and the reason is given for every file that is not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from cryptoetl.discovery.coin_names import TICKERS
from cryptoetl.discovery.coins import NAMES, Coin, mentioned, words_of
from cryptoetl.discovery.entries import NO_TICKER, Leftover, Pairing
from cryptoetl.discovery.local_names import LOCAL_NAMES
from cryptoetl.discovery.pairing import pair
from tests.unit.discovery import downloads
from tests.unit.discovery.downloads import DAYS, investing, iso, stored, trend

# --- coins --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ticker", "quote"),
    [
        ("BTC_EUR Historical Data", "BTC", "EUR"),
        ("Bitcoin Historical Data - Investing.com", "BTC", None),
        ("BTC-USD", "BTC", "USD"),
        ("btc-usd-max", "BTC", "USD"),
        ("Bitcoin_1_1_2024-2_1_2024_historical_data_coinmarketcap", "BTC", None),
        ("XBTUSD_1440", "BTC", "USD"),
        ("XDGUSD_1440", "DOGE", "USD"),
        ("BTCUSDT-1d-2024-01", "BTC", "USDT"),
        ("Binance_BTCUSDT_d", "BTC", "USDT"),
        ("BTC/USDT", "BTC", "USDT"),
        ("XMR_USD Binance Historical Data", "XMR", "USD"),
        ("bitcoin multiTimeline", "BTC", None),
        ("google_trend_monero", "XMR", None),
        ("Monero_interesse", "XMR", None),
        ("Bitcoin Cash price", "BCH", None),
        ("BitcoinCash2024", "BCH", None),
        ("ETH_BTC", "ETH", "BTC"),
        ("ETHBTC", "ETH", "BTC"),
        ("USDT_EUR", "USDT", "EUR"),
        ("Tether", "USDT", None),
        ("1inch", "INCH", None),
        ("LINK hist", "LINK", None),
        ("near multiTimeline", "NEAR", None),
        ("Éthereum", "ETH", None),
    ],
)
def test_a_coin_is_known_by_its_name_or_ticker(text: str, ticker: str, quote: str | None) -> None:
    assert mentioned(text) == (Coin(ticker, quote),)


@pytest.mark.parametrize(
    "text",
    ["blink solution", "near-term data plan", "multiTimeline (1)", "EUR_USD", "historical data 2024", ""],
)
def test_words_count_whole_and_quotes_are_no_coins(text: str) -> None:
    assert mentioned(text) == ()


def test_a_text_may_speak_of_several_coins() -> None:
    assert [coin.ticker for coin in mentioned("bitcoin vs ethereum")] == ["BTC", "ETH"]


def test_a_word_that_is_alone_may_be_a_coin_that_the_table_lacks() -> None:
    assert mentioned("google trend frobcoin") == (Coin("FROBCOIN", known=False),)
    assert mentioned("Binance_FROB_EUR hourly best") == (Coin("FROB", "EUR", known=False),)


def test_the_table_is_tidy() -> None:
    assert len(TICKERS) > 100
    assert list(TICKERS) == sorted(TICKERS)
    assert all(ticker.isalnum() and ticker[0].isalpha() and ticker.isupper() for ticker in TICKERS)
    names = [name for names in TICKERS.values() for name in names]
    assert all(name.isalnum() and name == name.lower() for name in names)
    local = ["".join(words_of(name)).lower() for names in LOCAL_NAMES.values() for name in names]
    assert len(NAMES) == len(names) + len(TICKERS) + len(set(local))


# --- pairs --------------------------------------------------------------------------------------------


def paired(folder: Path, files: dict[str, str]) -> Pairing:
    return pair(stored(folder, files), folder)


def names(pairing: Pairing) -> dict[str, tuple[str, str]]:
    return {p.ticker: (p.history.file.name, p.trend.file.name) for p in pairing.pairs}


def left(pairing: Pairing) -> dict[str, Leftover]:
    return {leftover.file.name: leftover for leftover in pairing.leftovers}


def test_each_coin_gets_its_two_files_whatever_they_are_called(tmp_path: Path) -> None:
    found = paired(
        tmp_path,
        {
            "Bitcoin Historical Data - Investing.com.csv": investing(),
            "XMRUSD_1440.csv": downloads.kraken(),
            "Binance d.csv": downloads.cryptodatadownload("ETHUSDT"),
            "1/multiTimeline.csv": trend("Bitcoin: (Worldwide)"),
            "2/multiTimeline.csv": trend("monero price: (United States)"),
            "ethereum multiTimeline.csv": trend("Interest"),
        },
    )

    assert names(found) == {
        "BTC": ("Bitcoin Historical Data - Investing.com.csv", "multiTimeline.csv"),
        "ETH": ("Binance d.csv", "ethereum multiTimeline.csv"),
        "XMR": ("XMRUSD_1440.csv", "multiTimeline.csv"),
    }
    assert found.leftovers == ()
    assert [p.notes for p in found.pairs] == [(), (), ()]


def test_the_content_wins_over_the_name_and_the_name_over_the_folder(tmp_path: Path) -> None:
    found = paired(
        tmp_path,
        {
            "ETH/history.csv": iso(),
            "monero/trend_ETH.csv": trend("interest"),
            "BTC/prices.csv": iso(),
            "ETH/litecoin.csv": trend("bitcoin: (World)"),
        },
    )

    assert names(found) == {"ETH": ("history.csv", "trend_ETH.csv"), "BTC": ("prices.csv", "litecoin.csv")}
    assert found.pairs[0].notes == ("litecoin.csv also names LTC",)


def test_a_coin_that_the_table_lacks_is_paired_by_its_word(tmp_path: Path) -> None:
    assert names(
        paired(tmp_path, {"FROB_USD.csv": iso(), "frob multiTimeline.csv": trend("frob: (World)")})
    ) == {"FROB": ("FROB_USD.csv", "frob multiTimeline.csv")}


@pytest.mark.parametrize("name", ["prices.csv", "mine.csv"])
def test_the_only_two_files_are_paired_and_it_is_said(tmp_path: Path, name: str) -> None:
    found = paired(tmp_path, {name: iso(), "multiTimeline.csv": trend("solana: (World)")})

    assert names(found) == {"SOL": (name, "multiTimeline.csv")}
    assert "does not say which currency it is for" in found.pairs[0].notes[0]


def test_two_files_of_different_coins_are_not_paired(tmp_path: Path) -> None:
    found = paired(tmp_path, {"BTC_EUR.csv": iso(), "multiTimeline.csv": trend("solana: (World)")})

    assert found.pairs == ()
    assert left(found)["BTC_EUR.csv"].reason == "there is no file with the weekly trend of BTC"
    assert left(found)["multiTimeline.csv"].reason == (
        "there is no file with daily prices of SOL; "
        "if it is meant for BTC (BTC_EUR.csv), write its trend line there"
    )


# --- more than one ------------------------------------------------------------------------------------


def test_of_two_histories_the_longer_is_taken_and_the_other_has_its_lines(tmp_path: Path) -> None:
    found = paired(
        tmp_path,
        {"BTC_EUR.csv": iso(DAYS[:30]), "BTC_USD.csv": iso(), "bitcoin multiTimeline.csv": trend()},
    )

    assert names(found) == {"BTC": ("BTC_USD.csv", "bitcoin multiTimeline.csv")}
    assert found.pairs[0].notes == ("2 histories were found: the longest is used, not BTC_EUR.csv",)
    other = left(found)["BTC_EUR.csv"]
    assert other.reason == (
        "BTC_USD.csv is used for BTC (60 rows to 2024-02-29); to have this one too, add its lines"
    )
    assert other.entry is not None
    assert other.entry.ticker == "BTC_EUR"
    assert other.entry.trend == found.pairs[0].trend


def test_quotes_that_each_have_a_trend_become_currencies_of_their_own(tmp_path: Path) -> None:
    found = paired(
        tmp_path,
        {
            "BTC_EUR.csv": iso(),
            "BTC_USD.csv": iso(),
            "BTC_GBP.csv": iso(),
            "trend BTC_EUR.csv": trend(),
            "trend BTC_USD.csv": trend(),
        },
    )

    assert names(found) == {
        "BTC_EUR": ("BTC_EUR.csv", "trend BTC_EUR.csv"),
        "BTC_USD": ("BTC_USD.csv", "trend BTC_USD.csv"),
    }
    other = left(found)["BTC_GBP.csv"]
    assert other.entry is not None
    assert other.entry.ticker == "BTC_GBP"


def test_of_very_many_files_a_few_are_named(tmp_path: Path) -> None:
    months = {f"SOLUSDT-1d-{number:02}.csv": iso(DAYS[number : number + 1]) for number in range(12)}
    (found,) = paired(tmp_path, months | {"solana.csv": trend("solana: (World)")}).pairs

    (note,) = [note for note in found.notes if "histories" in note]
    assert note.endswith("not SOLUSDT-1d-00.csv, SOLUSDT-1d-01.csv, SOLUSDT-1d-02.csv, 8 more")


def test_files_that_continue_each_other_are_to_be_joined(tmp_path: Path) -> None:
    found = paired(
        tmp_path,
        {
            "SOLUSDT-1d-2024-01.csv": downloads.binance(DAYS[:31]),
            "SOLUSDT-1d-2024-02.csv": downloads.binance(DAYS[31:]),
            "solana.csv": trend("solana: (World)"),
        },
    )

    assert left(found)["SOLUSDT-1d-2024-02.csv"].reason == (
        "it holds other days than SOLUSDT-1d-2024-01.csv: join the files into one"
    )


def test_of_two_trends_the_one_that_shares_more_days_is_taken(tmp_path: Path) -> None:
    early = [date(2000, 1, 2) + timedelta(7 * number) for number in range(200)]
    found = paired(
        tmp_path,
        {"BTC.csv": iso(), "bitcoin a.csv": trend(weeks=early), "bitcoin b.csv": trend()},
    )

    assert names(found) == {"BTC": ("BTC.csv", "bitcoin b.csv")}
    other = left(found)["bitcoin a.csv"]
    assert other.reason == "bitcoin b.csv is used for BTC; to use this one, write its lines instead"
    assert other.entry is not None
    assert other.entry.history == found.pairs[0].history


# --- what cannot be paired ----------------------------------------------------------------------------


def test_a_monthly_trend_is_not_paired_and_says_what_to_choose(tmp_path: Path) -> None:
    found = paired(tmp_path, {"BTC.csv": iso(), "multiTimeline.csv": downloads.monthly_trend()})

    assert found.pairs == ()
    assert "choose a range of at most five years" in left(found)["multiTimeline.csv"].reason


def test_hourly_prices_are_not_paired(tmp_path: Path) -> None:
    hourly = "Date,Close\n" + "".join(f"2024-01-01 {hour:02}:00:00,{hour}.5\n" for hour in range(24))
    found = paired(tmp_path, {"BTC_USD.csv": hourly, "bitcoin.csv": trend()})

    assert found.pairs == ()
    assert left(found)["BTC_USD.csv"].reason == "it has several rows a day: daily ones are needed"


def test_what_is_odd_about_a_pair_is_noted(tmp_path: Path) -> None:
    weekly = (
        "Date,Price\n" + downloads.rows(lambda day, n: f"{day},{n}.5", downloads.WEEKS) + "2024-03-24,abc\n"
    )
    daily = "Day,bitcoin: (Italy)\n" + downloads.rows(lambda day, n: f"{day},{n}")
    (found,) = paired(tmp_path, {"BTC.csv": weekly, "t.csv": daily, "x.csv": ""}).pairs

    assert found.notes == (
        "the prices are weekly; daily ones are expected",
        "the trend is daily; weekly values are expected",
        "BTC.csv has 1 line that cannot be read: cryptoetl check lists them",
    )


def test_a_file_of_no_coin_or_of_several_waits_for_a_ticker(tmp_path: Path) -> None:
    found = paired(
        tmp_path, {"data.csv": iso(), "bitcoin vs ethereum.csv": trend("Interest"), "BTC_USD.csv": iso()}
    )

    assert left(found)["data.csv"].reason == "neither its content nor its name says which currency it is for"
    assert left(found)["bitcoin vs ethereum.csv"].reason.startswith("it names several currencies (BTC, ETH)")
    entry = left(found)["data.csv"].entry
    assert entry is not None
    assert entry.ticker == NO_TICKER


def test_a_name_that_no_configuration_can_hold_is_refused(tmp_path: Path) -> None:
    found = paired(tmp_path, {"BTC\n_USD.csv": iso(), "bitcoin.csv": trend()})

    assert (
        left(found)["BTC\n_USD.csv"].reason == "its name holds control characters or is not UTF-8: rename it"
    )


def test_files_left_over_keep_the_order_in_which_they_were_found(tmp_path: Path) -> None:
    found = paired(tmp_path, {"z.csv": "", "BTC_USD.csv": iso(), "a.csv": "Date,Price\n"})

    assert [leftover.file.name for leftover in found.leftovers] == ["z.csv", "BTC_USD.csv", "a.csv"]
