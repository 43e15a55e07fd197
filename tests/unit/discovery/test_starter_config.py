"""The configuration that init writes is readable and valid, and omits defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl import config
from cryptoetl.discovery.entries import Entry
from cryptoetl.discovery.pairing import pair
from cryptoetl.discovery.starter_config import SHOWN_LEFTOVERS, lines, relative, render, scalar
from tests.conftest import examples
from tests.unit.discovery import downloads
from tests.unit.discovery.downloads import history_of, investing, iso, stored, trend, trend_of


def rendered(folder: Path, files: Mapping[str, str | bytes], *, home: Path | None = None) -> str:
    found = pair(stored(folder, files), folder)
    return render(found.pairs, found.leftovers, folder, home or folder)


def currencies(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["currencies"]
    return found


def test_files_like_the_default_need_no_format(tmp_path: Path) -> None:
    text = rendered(tmp_path, {"BTC_EUR.csv": investing(), "multiTimeline.csv": trend()})

    assert currencies(text) == [{"ticker": "BTC", "history": "BTC_EUR.csv", "trend": "multiTimeline.csv"}]
    assert "# prices: 60 days, 2024-01-01 to 2024-02-29, daily" in text
    assert "# trend: 12 rows, 2023-12-31 to 2024-03-17, weekly, search term bitcoin" in text


@pytest.mark.parametrize(
    ("history", "fields"),
    [
        (investing("%b %d, %Y"), {"date_format": "MMM dd, yyyy"}),
        (iso(), {"date_format": "yyyy-MM-dd"}),
        (
            downloads.italian(),
            {"date_column": "Data", "price_column": "Ultimo", "date_format": "dd.MM.yyyy", "decimal": ","},
        ),
        (downloads.kraken(), {"date_column": 1, "price_column": 5, "date_format": "unix"}),
        (iso().replace(",", "\t"), {"date_format": "yyyy-MM-dd", "delimiter": "tab"}),
        (iso().replace(",", ";"), {"date_format": "yyyy-MM-dd", "delimiter": ";"}),
        (
            downloads.coingecko(),
            {
                "date_column": "snapped_at",
                "price_column": "price",
                "date_format": "yyyy-MM-dd HH:mm:ss 'UTC'",
            },
        ),
    ],
)
def test_only_what_differs_from_the_defaults_is_written(
    tmp_path: Path, history: str, fields: dict[str, object]
) -> None:
    (currency,) = currencies(rendered(tmp_path, {"BTC.csv": history, "multiTimeline.csv": trend()}))

    assert {
        key: value for key, value in currency.items() if key not in ("ticker", "history", "trend")
    } == fields


def test_the_format_of_a_trend_is_written_too(tmp_path: Path) -> None:
    week = "Settimana;bitcoin\n" + downloads.rows(lambda day, n: f"{day:%d/%m/%Y};{n}", downloads.WEEKS)
    (currency,) = currencies(rendered(tmp_path, {"BTC.csv": investing(), "trend.csv": week}))

    assert (currency["trend_delimiter"], currency["trend_date_format"]) == (";", "dd/MM/yyyy")


def test_what_is_written_loads_with_the_very_files_that_were_found(tmp_path: Path) -> None:
    files = {
        "d/BTC_EUR Historical Data.csv": investing(),
        "d/multiTimeline.csv": trend(),
        "ETH: #1 'prices' \"é\" – 日本.csv": iso(),
        "~ethereum [x] {y}, & *z.csv": trend("ethereum: (World)"),
        "yes.csv": "",
    }
    path = tmp_path / "config.yaml"
    path.write_text(rendered(tmp_path, files), encoding="utf-8")

    loaded = config.load(path)

    found = [currency.ticker for currency in loaded.currencies]
    assert found == ["BTC", "ETH"]
    assert config.missing_files(path, loaded.currencies) == []


def test_what_could_not_be_decided_stands_above_the_currency(tmp_path: Path) -> None:
    text = rendered(tmp_path, {"BTC.csv": "Date,Price\n05/07/2024,1.5\n", "multiTimeline.csv": trend()})

    assert "  # Please check: date_format could also be dd/MM/yyyy" in text
    assert "  # Please check: prices and trend have no day in common" in text


def test_a_file_left_over_stands_there_with_its_lines_as_comments(tmp_path: Path) -> None:
    text = rendered(tmp_path, {"BTC.csv": iso(), "t.csv": trend(), "Monero.csv": iso(), "odd.csv": ""})

    comments = "\n".join(line.removeprefix("  #") for line in text.splitlines() if line.startswith("  # "))
    assert " Monero.csv: there is no file with the weekly trend of XMR" in comments
    assert " odd.csv: it is empty" in comments
    uncommented = text.replace("  # - ticker: XMR", "  - ticker: XMR").replace("  #   ", "    ")
    assert currencies(uncommented)[1] == {
        "ticker": "XMR",
        "history": "Monero.csv",
        "trend": "trend_XMR.csv",
        "date_format": "yyyy-MM-dd",
    }


def test_very_many_files_left_over_are_counted(tmp_path: Path) -> None:
    empty = {f"{number:03}.csv": "" for number in range(SHOWN_LEFTOVERS + 7)}
    text = rendered(tmp_path, {"BTC.csv": iso(), "t.csv": trend(), **empty})

    assert "# ... and 7 more" in text
    assert "036.csv" not in text


def test_the_lines_of_an_entry_have_placeholders_for_what_is_missing(tmp_path: Path) -> None:
    history = history_of(tmp_path, investing("%b %d, %Y"), "Ethereum.csv")

    assert lines(Entry("ETH", history, None), tmp_path) == (
        "  - ticker: ETH",
        "    history: Ethereum.csv",
        "    trend: trend_ETH.csv    # the weekly Google Trends export of ETH",
        "    date_format: MMM dd, yyyy",
    )
    assert lines(Entry("TICKER", None, trend_of(tmp_path, trend(), "t.csv")), tmp_path) == (
        "  - ticker: TICKER    # its short name",
        "    history: history_TICKER.csv    # the daily prices",
        "    trend: t.csv",
    )


def test_paths_are_relative_where_folders_have_something_in_common(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)

    assert relative(tmp_path / "a" / "x.csv", tmp_path) == "a/x.csv"
    assert relative(tmp_path / "x.csv", tmp_path / "a" / "b") == "../../x.csv"
    assert relative(Path("/x.csv"), tmp_path) == "/x.csv"
    assert relative(tmp_path / "~x.csv", tmp_path) == (tmp_path / "~x.csv").as_posix()


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=40
).filter(lambda name: name.strip(".") != "" and len(name.encode()) < 120)


@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NAMES, column=NAMES.filter(lambda name: not set(name) & set('",') and name.strip() == name))
def test_any_name_of_a_file_and_of_a_column_survives_being_written(
    tmp_path: Path, name: str, column: str
) -> None:
    assert yaml.safe_load(f"- {scalar(name)}\n- {scalar(column)}\n") == [name, column]


def test_numbers_stay_numbers_and_texts_that_look_like_them_stay_texts() -> None:
    for value in (1, "1", "yes", "1e5", "2024-01-01", "null", "~", "- a", "a: b", "a #b", "", " a "):
        assert yaml.safe_load(f"key: {scalar(value)}") == {"key": value}
