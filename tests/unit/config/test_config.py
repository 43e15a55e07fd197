"""What a configuration file means."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptoetl.config.loading import json_schema, load
from cryptoetl.errors import UsageError
from tests.unit.config.configs import GOOD, refusal, written


def test_paths_are_relative_to_the_configuration_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(file, GOOD)
    monkeypatch.chdir(file.parent.parent)
    config = load(Path(file.parent.name) / file.name)
    assert config.currencies[0].history == file.parent / "data" / "history.csv"
    assert config.currencies[0].trend == file.parent / "data" / "trend.csv"
    assert config.local.home == file.parent / ".cryptoetl"


def test_what_is_not_written_has_its_default(file: Path) -> None:
    config = load(written(file, GOOD))
    currency = config.currencies[0]
    assert (config.pipeline, config.target) == ("crypto", "local")
    assert (currency.drop, currency.date_column, currency.price_column) == (False, "Date", "Price")
    assert (currency.date_format, currency.decimal, currency.table) == ("MM/dd/yyyy", ".", "btc")
    assert config.aws.redshift.schema_name == "market_data"


def test_a_credentials_file_is_relative_to_the_configuration_as_well(file: Path) -> None:
    assert load(written(file, GOOD)).aws.credentials_file is None
    config = load(written(file, GOOD + "aws: {credentials_file: secret.key}\n"))
    assert config.aws.credentials_file == file.parent / "secret.key"


def test_a_byte_order_mark_and_windows_line_ends_are_no_obstacle(file: Path) -> None:
    assert load(written(file, "\ufeff" + GOOD.replace("\n", "\r\n"))).currencies[0].ticker == "BTC"


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "Y", "y", '"yes"', "YES"])
def test_drop_takes_every_yes(file: Path, word: str) -> None:
    assert load(written(file, f"{GOOD}    drop: {word}\n")).currencies[0].drop is True


@pytest.mark.parametrize("word", ["false", "no", "off", "N", "n", '"No"'])
def test_drop_takes_every_no(file: Path, word: str) -> None:
    assert load(written(file, f"{GOOD}    drop: {word}\n")).currencies[0].drop is False


def test_a_merge_key_gives_defaults_that_a_currency_overrides(file: Path) -> None:
    config = load(
        written(
            file,
            "currencies:\n"
            "  - &btc {ticker: BTC, history: b.csv, trend: t.csv, drop: Y}\n"
            "  - <<: *btc\n"
            "    ticker: XMR\n",
        )
    )
    assert [(c.ticker, c.history.name, c.drop) for c in config.currencies] == [
        ("BTC", "b.csv", True),
        ("XMR", "b.csv", True),
    ]


def test_a_field_overriding_a_merged_one_is_reported_on_its_own_line(file: Path) -> None:
    (problem,) = refusal(
        file,
        "currencies:\n  - &btc {ticker: BTC, history: b.csv, trend: t.csv}\n  - <<: *btc\n    ticker: X-R\n",
    )
    assert (problem.line, problem.field) == (4, "currencies[1].ticker")


def test_a_tilde_before_an_unknown_user_is_part_of_a_folders_name(file: Path) -> None:
    config = load(written(file, GOOD.replace("data/history.csv", "~no-such-user/h.csv")))
    assert config.currencies[0].history == file.parent / "~no-such-user" / "h.csv"


@pytest.mark.parametrize("ticker", ["A", "btc", "B_1", "A2345678901234_"])
def test_tickers_that_name_a_table_are_taken(file: Path, ticker: str) -> None:
    assert load(written(file, GOOD.replace("BTC", ticker))).currencies[0].table == ticker.lower()


@pytest.mark.parametrize("date_format", ["yyyy-MM-dd", "d.M.yyyy", "MMM dd, yyyy", "yyyyMMdd", "dd/MM/yyyy"])
def test_known_date_formats_are_taken(file: Path, date_format: str) -> None:
    config = load(written(file, f'{GOOD}    date_format: "{date_format}"\n'))
    assert config.currencies[0].date_format == date_format


def test_currencies_are_selected_without_regard_to_case_in_the_order_of_the_file(file: Path) -> None:
    config = load(written(file, GOOD + "  - {ticker: Xmr, history: x, trend: y}\n"))
    assert [currency.ticker for currency in config.select(["xMR", "btc"])] == ["BTC", "Xmr"]
    assert config.select(None) == config.currencies


def test_an_unknown_currency_is_named_beside_the_known_ones(file: Path) -> None:
    config = load(written(file, GOOD))
    with pytest.raises(UsageError, match="DOGE, ETH: not a currency") as caught:
        config.select(["BTC", "DOGE", "ETH"])
    assert caught.value.hint == "It has BTC."


def test_the_schema_names_the_keys_as_the_file_does() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "schema" in schema["$defs"]["Redshift"]["properties"]
    assert schema["$defs"]["Currency"]["additionalProperties"] is False
    assert "description" in schema["$defs"]["Currency"]["properties"]["ticker"]


def test_a_list_of_one_may_be_written_as_that_one(file: Path) -> None:
    written(file, f"{GOOD}aws:\n  notify: {{emails: ops@example.com}}\n")
    notify = load(file).aws.notify
    assert notify is not None
    assert notify.emails == ("ops@example.com",)
