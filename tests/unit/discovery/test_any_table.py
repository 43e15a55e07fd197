"""Tables of bars with columns, rows and coins in any order: the close of the coin is loaded, or nothing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cryptoetl.raw_files.languages import LANGUAGES, Names
from tests.conftest import examples
from tests.unit.discovery.loading import loaded
from tests.unit.raw_files.walks import EARLIEST, MAGNITUDES, Bar, bars, walks, weeks
from tests.unit.raw_files.writing import Weeks, lines, plain_trend

TRIES = settings(
    max_examples=examples(250),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink random walks takes minutes
)

Column = Callable[[Bar], str]
ROLES: Mapping[str, Column] = {
    "date": lambda bar: f"{bar.day}",
    "open": lambda bar: bar.open,
    "high": lambda bar: bar.high,
    "low": lambda bar: bar.low,
    "close": lambda bar: bar.close,
}


def volume(seed: int, size: float) -> Column:
    """Return a column of volumes of a size."""

    def write(bar: Bar) -> str:
        return f"{size * random.Random(f'{seed} {bar.day}').lognormvariate(0, 0.5):.9f}"

    return write


@st.composite
def others(draw: st.DrawFn) -> dict[str, Column]:
    """Generate columns that hold no prices, by their names."""
    seed = draw(st.integers(0, 2**32))
    known: dict[str, Column] = {
        "Volume": volume(seed, draw(st.sampled_from([0.5, 30.0, 4e4, 3e9]))),
        "Market Cap": volume(seed + 1, draw(st.sampled_from([3e6, 2e11]))),
        "Trades": lambda bar: f"{random.Random(f'{seed} {bar.day} trades').randint(1, 9_000_000)}",
        "Change %": lambda bar: f"{(float(bar.close) / float(bar.open) - 1) * 100:.2f}%",
        "Symbol": lambda bar: "BTC-USD",
        "index": lambda bar: f"{bar.day.toordinal() - EARLIEST.toordinal()}",
        "Dividends": lambda bar: "0.0",
    }
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True))
    return {name: known[name] for name in names}


def written(
    found: Sequence[Bar], columns: Mapping[str, Column], *, header: bool = True, quoted: bool = False
) -> bytes:
    """Return a table of bars."""
    mark = '"' if quoted else ""
    rows = [",".join(f"{mark}{column(bar)}{mark}" for column in columns.values()) for bar in found]
    names = [",".join(f"{mark}{name}{mark}" for name in columns)] if header else []
    return lines(*names, *rows)


def closes(found: Sequence[Bar]) -> dict[date, float]:
    """Return the close of each day, as the tables hold it."""
    return {bar.day: bar.single for bar in found}


def prices(folder: Path, files: Mapping[str, bytes]) -> dict[str, dict[date, float | None]]:
    """Return the prices of each currency that is loaded from a folder of these files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {ticker: tables.history for ticker, tables in loaded(folder).items()}


def names_of(language: Names, pick: random.Random) -> dict[str, str]:
    """Return a name of each of a bar's columns, in a language that has them all."""
    return {
        role: pick.choice([name.strip() for name in getattr(language, role).split(",")]) for role in ROLES
    }


TREND = "multiTimeline.csv"


def trend_of(term: str, made: Weeks) -> bytes:
    """Return an export of Google Trends."""
    return plain_trend(made).replace(b"Week,bitcoin", f"Week,{term}: (Worldwide)".encode())


@TRIES
@given(
    found=walks(),
    language=st.sampled_from(sorted(LANGUAGES)),
    more=others(),
    order=st.randoms(use_true_random=False),
    newest_first=st.booleans(),
    quoted=st.booleans(),
    values=weeks(EARLIEST),
)
def test_columns_with_names_of_any_language_in_any_order(
    found: list[Bar],
    language: str,
    more: dict[str, Column],
    order: random.Random,
    newest_first: bool,
    quoted: bool,
    values: Weeks,
    tmp_path: Path,
) -> None:
    names = names_of(LANGUAGES[language], order)
    columns = {names[role]: column for role, column in ROLES.items()} | more
    mixed = list(columns.items())
    order.shuffle(mixed)
    rows = found[::-1] if newest_first else found
    files = {"BTC-USD.csv": written(rows, dict(mixed), quoted=quoted), TREND: trend_of("bitcoin", values)}
    assert prices(tmp_path / "folder", files) == {"BTC": closes(found)}


@TRIES
@given(
    found=walks(least=3),
    more=others(),
    order=st.randoms(use_true_random=False),
    newest_first=st.booleans(),
    values=weeks(EARLIEST),
    date_first=st.booleans(),
)
def test_columns_without_names_in_any_order(
    found: list[Bar],
    more: dict[str, Column],
    order: random.Random,
    newest_first: bool,
    values: Weeks,
    date_first: bool,
    tmp_path: Path,
) -> None:
    mixed = list((dict(ROLES) | more).items())
    order.shuffle(mixed)
    if date_first:
        mixed.sort(key=lambda item: item[0] != "date")
    rows = found[::-1] if newest_first else found
    files = {"BTC-USD.csv": written(rows, dict(mixed), header=False), TREND: trend_of("bitcoin", values)}
    assert prices(tmp_path / "folder", files) in ({}, {"BTC": closes(found)})


@TRIES
@given(
    found=walks(least=3),
    more=others(),
    order=st.randoms(use_true_random=False),
    newest_first=st.booleans(),
    values=weeks(EARLIEST),
    unnamed=st.sets(st.sampled_from(["open", "high", "low", "close"])),
    absent=st.sets(st.sampled_from(["open", "high", "low"])),
)
def test_columns_of_which_some_have_names_that_say_nothing(
    found: list[Bar],
    more: dict[str, Column],
    order: random.Random,
    newest_first: bool,
    values: Weeks,
    unnamed: set[str],
    absent: set[str],
    tmp_path: Path,
) -> None:
    named = {
        f"xyz{place}" if role in unnamed else role: column
        for place, (role, column) in enumerate(ROLES.items())
        if role not in absent
    }
    mixed = list((named | more).items())
    order.shuffle(mixed)
    rows = found[::-1] if newest_first else found
    files = {"BTC-USD.csv": written(rows, dict(mixed)), TREND: trend_of("bitcoin", values)}
    assert prices(tmp_path / "folder", files) in ({}, {"BTC": closes(found)})


@TRIES
@given(
    found=walks(),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([1e-3, 0.1, 10.0, 1e6]),
    order=st.randoms(use_true_random=False),
    newest_first=st.booleans(),
    values=weeks(EARLIEST),
)
def test_a_column_that_is_called_close_and_is_none_is_not_loaded(
    found: list[Bar],
    seed: int,
    share: float,
    order: random.Random,
    newest_first: bool,
    values: Weeks,
    tmp_path: Path,
) -> None:
    mixed = list((dict(ROLES) | {"close": volume(seed, share * float(found[0].close))}).items())
    order.shuffle(mixed)
    rows = found[::-1] if newest_first else found
    files = {"BTC-USD.csv": written(rows, dict(mixed)), TREND: trend_of("bitcoin", values)}
    assert prices(tmp_path / "folder", files) == {}


@TRIES
@given(
    found=walks(),
    second=walks(),
    beyond=st.booleans(),
    name=st.sampled_from(["Symbol", "coin", "Ticker", "Name", "crypto_name", "Pair", "asset"]),
    both=st.sampled_from(
        [("BTC", "ETH"), ("bitcoin", "ethereum"), ("BTC-USD", "XRP-USD"), ("BTC/USDT", "NOVEL/USDT")]
    ),
    order=st.randoms(use_true_random=False),
    shuffled=st.booleans(),
    values=weeks(EARLIEST),
)
def test_rows_of_another_coin_are_never_loaded_as_those_of_the_first(
    found: list[Bar],
    second: list[Bar],
    beyond: bool,
    name: str,
    both: tuple[str, str],
    order: random.Random,
    shuffled: bool,
    values: Weeks,
    tmp_path: Path,
) -> None:
    if beyond:  # behind the lines from which the layout is found
        found = bars(order.randint(0, 9**9), found[0].day, 320, float(found[0].close))
    rows = [(both[0], bar) for bar in found] + [(both[1], bar) for bar in second]
    if shuffled:
        order.shuffle(rows)
    mixed = ["symbol", "date", "open", "high", "low", "close"]
    order.shuffle(mixed)
    header = ",".join(name if column == "symbol" else column for column in mixed)
    table = [
        ",".join(coin if column == "symbol" else ROLES[column](bar) for column in mixed) for coin, bar in rows
    ]
    files = {"prices.csv": lines(header, *table), TREND: trend_of("bitcoin", values)}
    assert prices(tmp_path / "folder", files) in ({}, {"BTC": closes(found)})


@TRIES
@given(
    first=walks(),
    magnitudes=st.tuples(MAGNITUDES, MAGNITUDES),
    seed=st.integers(0, 2**32),
    names=st.sampled_from(
        [
            ("BTC", "ETH", "LTC"),
            ("bitcoin", "ethereum", "litecoin"),
            ("BTC-USD", "ETH-USD", "LTC-USD"),
            ("close_btc", "close_eth", "close_ltc"),
            ("BTC price", "ETH price", "LTC price"),
        ]
    ),
    order=st.randoms(use_true_random=False),
    count=st.integers(1, 3),
    terms=st.sets(st.sampled_from(["bitcoin", "ethereum", "litecoin"]), min_size=1),
    file=st.sampled_from(["prices.csv", "coins.csv", "BTC.csv", "crypto ETH.csv"]),
    values=weeks(EARLIEST),
)
def test_a_table_of_several_coins_gives_each_coin_its_own_column(
    first: list[Bar],
    magnitudes: tuple[float, float],
    seed: int,
    names: tuple[str, str, str],
    order: random.Random,
    count: int,
    terms: set[str],
    file: str,
    values: Weeks,
    tmp_path: Path,
) -> None:
    walk = {"BTC": first}
    for number, ticker in enumerate(("ETH", "LTC")):
        walk[ticker] = bars(seed + number, first[0].day, len(first), magnitudes[number])
    tickers = dict(zip(names, walk, strict=True))
    mixed = list(names)
    order.shuffle(mixed)
    mixed = mixed[:count]
    rows = [
        ",".join([f"{bar.day}", *(walk[tickers[name]][at].close for name in mixed)])
        for at, bar in enumerate(first)
    ]
    trends = {f"{term}.csv": trend_of(term, values) for term in terms}
    found = prices(tmp_path / "folder", {file: lines(",".join(["Date", *mixed]), *rows), **trends})
    assert found == {ticker: closes(walk[ticker]) for ticker in found}
