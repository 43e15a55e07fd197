"""`up` with users' files and names, repeated runs, and the commands that read the results."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.state_machine.bundle import SCRIPTS, SHARED
from tests.conftest import DATA
from tests.local.cli import (
    REPOSITORY,
    Outcome,
    Project,
    files_below,
    read_csv,
    statuses,
    write_history,
    write_trend,
)

REAL = DATA / "real"
SEED = DATA / "seed"
REFERENCE = DATA / "reference"


def up(project: Project, *arguments: str, code: int = 0) -> Outcome:
    outcome = project.run("up", *arguments)
    assert outcome.code == code, outcome.out + outcome.err
    return outcome


# --- the numbers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("reference"))
    for ticker, drop in (("LTC", False), ("XMR", True)):
        raw = REFERENCE / "raw"
        project.add(ticker, raw / f"{ticker} hist.csv", raw / f"trend_{ticker}.csv", drop=drop)
    up(project)
    return project


@pytest.mark.parametrize(
    ("ticker", "columns"),
    [("LTC", ["price", "g_trend", "pricema", "trendma"]), ("XMR", ["price", "g_trend", "pricema"])],
)
def test_the_tables_contain_the_values_of_the_original_pipeline(
    reference: Project, ticker: str, columns: list[str]
) -> None:
    expected = read_csv(REFERENCE / "gold" / f"{ticker}.csv")
    found = reference.table(ticker)
    names = {"g_trend": "trend", "trendma": "trend_i"}

    assert [row["date"] for row in found] == [row["date"] for row in expected]
    assert len(found) > 400
    for there, here in zip(expected, found, strict=True):
        for column in columns:
            value = here[names.get(column, column)]
            if there[column] == "":
                assert value is None, (here["date"], column)
            else:
                assert value == pytest.approx(float(there[column]), rel=1e-6, abs=0), (here["date"], column)


def history_days(path: Path, form: str) -> set[date]:
    return {datetime.strptime(row["Date"], form).date() for row in read_csv(path)}  # noqa: DTZ007


def trend_days(path: Path) -> set[date]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    firsts = [line.split(",")[0] for line in lines if line[:1].isdigit()]
    return {date.fromisoformat(first) for first in firsts}


def test_unmodified_downloads_give_one_row_for_each_date_of_either_file(tmp_path: Path) -> None:
    bitcoin, altcoin = REAL / "bitcoin multiTimeline.csv", REAL / "altcoin multiTimeline.csv"
    histories = {
        "BTC": (REAL / "BTC_USD Bitfinex Historical Data.csv", "%m/%d/%Y", bitcoin, {}),
        "ETH": (
            REAL / "Ethereum Historical Data - Investing.com.csv",
            "%b %d, %Y",
            altcoin,
            {"date_format": "MMM dd, yyyy"},
        ),
        "XMR": (REAL / "XMR_USD Binance Historical Data.csv", "%m/%d/%Y", altcoin, {}),
    }
    project = Project(tmp_path)
    for ticker, (history, _, trend, settings) in histories.items():
        project.add(ticker, history, trend, **settings)

    result = up(project, "--json").data

    assert statuses(result["run"]["execution"]) == dict.fromkeys(histories, "LOADED")
    for table in result["verify"]["tables"]:
        history, form, trend, _ = histories[table["ticker"]]
        days = history_days(history, form) | trend_days(trend)
        assert table["rows"] == len(days)
        assert (table["first"], table["last"]) == (str(min(days)), str(max(days)))
        assert table["problems"] == []
    for ticker, (history, form, trend, _) in histories.items():
        days = history_days(history, form) | trend_days(trend)
        assert [row["date"] for row in project.table(ticker)] == sorted(map(str, days))


def test_a_monthly_trend_file_is_refused_with_its_cadence_and_the_others_load(tmp_path: Path) -> None:
    project = Project(tmp_path)
    history = REAL / "XMR_USD Binance Historical Data.csv"
    project.add("GOOD", history, REAL / "bitcoin multiTimeline.csv")
    project.add("MONTHLY", history, REAL / "bitcoin monthly multiTimeline.csv")

    outcome = up(project, code=1)

    assert "'2004-01' is a month: the values are monthly, weekly ones are needed" in outcome.out
    assert "bitcoin monthly multiTimeline.csv:4:" in outcome.out
    assert statuses(project.run("status", "--json").data) == {"GOOD": "LOADED", "MONTHLY": "FAILED"}
    assert len(project.table("GOOD")) > 400
    verified = project.run("verify", "--json")
    assert verified.code == 1
    assert [t["problems"] for t in verified.data["tables"]] == [[], ["the table is missing"]]


def test_a_missing_first_price_stays_null_or_its_day_is_dropped(tmp_path: Path) -> None:
    project = Project(tmp_path)
    history, trend = SEED / "BTC_EUR_Historical_Data.csv", SEED / "google_trend_bitcoin.csv"
    project.add("KEEP", history, trend, drop=False)
    project.add("DROP_IT", history, trend, drop=True)
    project.add("XMR", SEED / "XMR_EUR Kraken Historical Data.csv", SEED / "google_trend_monero.csv")
    missing = [row for row in read_csv(history) if row["Price"] == "-1"]
    first = min(history_days(history, "%m/%d/%Y"))
    assert [row["Date"] for row in missing] == [f"{first:%m/%d/%Y}"]

    up(project)

    kept = {row["date"]: row["price"] for row in project.table("KEEP")}
    dropped = {row["date"]: row["price"] for row in project.table("DROP_IT")}
    assert kept[str(first)] is None
    assert str(first) not in dropped
    assert set(kept) - set(dropped) == {str(first)}
    assert kept["2024-03-12"] == dropped["2024-03-12"] == 65619.5


# --- again, and what is deployed ----------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.add_made("BTC", "XMR")
    return project


def test_a_second_up_with_nothing_changed_changes_nothing(project: Project) -> None:
    up(project)
    before = files_below(project.home, "deployed", "lake/raw")
    tables = [project.table(ticker) for ticker in ("BTC", "XMR")]

    second = up(project)

    assert "No changes" in second.out
    assert "4 files unchanged" in second.out
    assert files_below(project.home, "deployed", "lake/raw") == before
    assert [project.table(ticker) for ticker in ("BTC", "XMR")] == tables


def test_the_deployed_scripts_are_those_of_glue_scripts_byte_for_byte(project: Project) -> None:
    assert project.run("deploy", "--yes").code == 0

    names = [*SCRIPTS.values(), SHARED]
    originals = {name: (REPOSITORY / "glue_scripts" / name).read_bytes() for name in names}
    deployed = {path.name: path.read_bytes() for path in (project.home / "deployed/scripts").iterdir()}
    assert deployed == originals
    assert len(deployed) == 5


def test_a_run_executes_the_deployed_copy_of_a_script(project: Project) -> None:
    up(project)
    copy = project.deployed_script("silver2gold.py")
    altered = copy.read_text(encoding="utf-8").replace("MEAN_ROWS = 14", "MEAN_ROWS = 1")
    copy.write_text(altered, encoding="utf-8")

    outcome = project.run("run")

    assert outcome.code == 0, outcome.err
    assert "differ from what is deployed (script silver2gold.py)" in outcome.err
    assert all(row["pricema"] == row["price"] for row in project.table("BTC"))
    assert "MEAN_ROWS = 14" in (REPOSITORY / "glue_scripts/silver2gold.py").read_text(encoding="utf-8")

    again = up(project)
    assert "change" in again.out
    assert "script silver2gold.py" in again.out
    assert not all(row["pricema"] == row["price"] for row in project.table("BTC"))


def test_a_dry_run_of_deploy_shows_the_plan_and_changes_nothing(project: Project) -> None:
    outcome = project.run("deploy", "--dry-run")

    assert outcome.code == 0
    assert "branch XMR" in outcome.out
    assert f"12 changes to deploy to {project.home / 'deployed'}." in outcome.out
    assert not project.home.exists()


def test_a_run_of_some_currencies_does_not_change_the_others(project: Project) -> None:
    up(project)
    before = files_below(project.home, "lake/gold/BTC", "lake/silver/BTC_hist")
    rows = project.table("BTC")

    assert project.run("run", "--tickers", "xmr").code == 0

    assert statuses(project.run("status", "--json").data) == {"XMR": "LOADED", "BTC": "SKIPPED"}
    assert files_below(project.home, "lake/gold/BTC", "lake/silver/BTC_hist") == before
    assert project.table("BTC") == rows


# --- names --------------------------------------------------------------------------------------------

ODD = "häme [1] #2 %20 * 'x' \"y\" ß–漢"


def test_files_folders_and_home_may_have_any_name(tmp_path: Path) -> None:
    project = Project(tmp_path / f"config {ODD}", home=f"home {ODD}")
    history, trend = project.folder / f"daily? {ODD}.csv", project.folder / f"weekly? {ODD}.csv"
    write_history(history)
    write_trend(trend)
    project.add("BTC", Path(history.name), Path(trend.name))

    result = up(project, "--json").data

    assert result["verify"]["tables"][0]["problems"] == []
    assert result["upload"]["files"][0]["source"] == str(history)
    assert (project.home / "lake/raw/BTC/source/history").read_bytes() == history.read_bytes()
    described = (project.home / "lake/raw/BTC/source/history.json").read_text(encoding="utf-8")
    assert json.loads(described) == {"name": history.name}
    assert len(project.table("BTC")) == 31
    assert project.run("verify").code == 0
    assert project.run("run", "--fail", "BTC:gold").code == 1
    assert project.run("run", "--retry-failed").code == 0
    assert "No changes" in up(project).out


def test_a_home_whose_path_duckdb_would_misread_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path, home="what?")
    project.add_made("BTC")

    outcome = project.run("up")

    assert outcome.code == 2
    assert "has a question mark in its path" in outcome.err
    assert not project.home.exists()


def test_json_keeps_all_characters_of_a_name_in_an_ascii_terminal(tmp_path: Path) -> None:
    project = Project(tmp_path / ODD)
    project.add_made("BTC")

    outcome = project.run("check", "--json", PYTHONIOENCODING="ascii", LANG="C")

    assert outcome.out.isascii()
    assert outcome.data["currencies"][0]["history"]["file"] == str(project.folder / "BTC.csv")


def test_tickers_may_be_reserved_words_and_sixty_currencies_run_in_parallel(tmp_path: Path) -> None:
    project = Project(tmp_path)
    tickers = ["ORDER", "ALL", "USER", "Table", "select", *(f"C{number}" for number in range(55))]
    project.add_made("ORDER", days=20)
    for ticker in tickers[1:]:
        project.add(ticker, project.folder / "ORDER.csv", project.folder / "ORDER_trend.csv")

    result = up(project, "--json").data

    assert statuses(result["run"]["execution"]) == dict.fromkeys(tickers, "LOADED")
    assert {t["table"]: t["problems"] for t in result["verify"]["tables"]} == {
        f"market_data.{ticker.lower()}": [] for ticker in tickers
    }
    tables = [project.table(ticker) for ticker in ("ORDER", "USER", "select", "C54")]
    assert tables[0]
    assert all(table == tables[0] for table in tables)


# --- reading the results ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("loaded"))
    project.add_made("BTC")
    up(project)
    return project


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO btc SELECT * FROM btc",
        "DELETE FROM btc",
        "DROP TABLE btc",
        "CREATE TABLE other AS SELECT 1",
        "COPY btc TO 'stolen.csv'",
        "ATTACH 'other.duckdb'",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "FROM read_text('/etc/passwd')",
        "EXPLAIN ANALYZE DELETE FROM btc",
        "SELEC",
        "",
    ],
)
def test_query_refuses_statements_that_do_more_than_read_tables(loaded: Project, statement: str) -> None:
    before = loaded.table("BTC")

    outcome = loaded.run("query", statement)

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert "root:" not in outcome.err
    assert loaded.table("BTC") == before
    assert not (loaded.folder / "stolen.csv").exists()
    assert not (loaded.folder / "other.duckdb").exists()


def test_query_reads_standard_input_and_reports_omitted_rows(loaded: Project) -> None:
    sql = "SELECT date, price FROM btc ORDER BY date"

    cut = loaded.run("query", "-", "--limit", "2", "--json", stdin=sql)
    whole = loaded.run("query", sql, "--limit", "31", "--json")

    assert cut.data["columns"] == ["date", "price"]
    assert cut.data["rows"] == [
        {"date": "2024-01-01", "price": 100.0},
        {"date": "2024-01-02", "price": 101.0},
    ]
    assert cut.data["more"]
    assert len(whole.data["rows"]) == 31
    assert whole.data["more"] is False
    assert "The first 2 rows; --limit shows more." in loaded.run("query", sql, "--limit", "2").out


def test_piped_output_has_neither_colour_nor_cut_lines(loaded: Project) -> None:
    for command in (["status"], ["verify"], ["check"], ["query", "SELECT repeat('x', 500) AS long"]):
        outcome = loaded.run(*command)
        assert outcome.code == 0
        assert "\x1b" not in outcome.out + outcome.err
    assert "x" * 500 in outcome.out


NOTHING_YET: dict[str, tuple[list[str], str]] = {
    "status": (["status"], "there is no execution yet"),
    "status of a name": (["status", "20240101T000000000Z"], "there is no execution '20240101T000000000Z'"),
    "status --watch": (["status", "--watch"], "there is no execution yet"),
    "query": (["query", "SELECT 1"], "there is no warehouse yet"),
    "run": (["run"], "nothing is deployed yet"),
    "verify": (["verify"], "nothing is deployed yet"),
    "preview": (["preview", "BTC"], "market_data.btc has no rows yet"),
    "run --retry-failed": (["run", "--retry-failed"], "nothing is deployed yet"),
}


@pytest.mark.parametrize("name", NOTHING_YET)
def test_before_anything_exists_each_command_says_what_to_do_first(project: Project, name: str) -> None:
    arguments, message = NOTHING_YET[name]

    outcome = project.run(*arguments)

    assert outcome.code == 2
    assert message in outcome.err
    assert "cryptoetl " in outcome.err.splitlines()[1]


def test_verify_names_the_missing_tables_of_what_is_deployed(project: Project) -> None:
    project.run("deploy", "--yes")

    outcome = project.run("verify", "--json")

    assert outcome.code == 1
    problems = {table["table"]: table["problems"] for table in outcome.data["tables"]}
    assert problems == {f"market_data.{name}": ["the table is missing"] for name in ("btc", "xmr")}


def shifted(rows: list[dict[str, Any]], by: float) -> Callable[[dict[str, Any]], bool]:
    prices = {row["date"]: row["price"] for row in rows}
    return lambda row: math.isclose(row["price"], prices[row["date"]] + by)


def test_new_prices_replace_the_old_ones(project: Project) -> None:
    up(project)
    before = project.table("BTC")
    write_history(project.folder / "BTC.csv", price=1100.0)

    up(project)

    assert all(map(shifted(before, 1000.0), project.table("BTC")))
