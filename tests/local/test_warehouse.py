"""The local warehouse through the command line: query, the view, verify, preview."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from tests.local.cli import Project, ended

TICKERS = ["ALL", "ORDER", "USER", "BTC"]


@pytest.fixture
def loaded(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.add_made(*TICKERS)
    outcome = project.run("up")
    assert outcome.code == 0, outcome.err
    return project


def test_tickers_that_are_reserved_words_work_end_to_end(loaded: Project) -> None:
    assert loaded.run("verify").code == 0
    sql = "SELECT ticker, count(*) AS n, min(date) AS first FROM all_currencies GROUP BY 1 ORDER BY 1"
    rows = loaded.run("query", sql, "--json").data["rows"]
    assert rows == [{"ticker": t, "n": 31, "first": "2024-01-01"} for t in sorted(TICKERS)]
    assert loaded.run("preview", "order").code == 0


def test_ordinary_analytics_run_and_writing_statements_are_refused(loaded: Project) -> None:
    join = (
        'SELECT b.date, b.price / o.price AS ratio FROM btc b JOIN "order" o USING (date) '
        "ORDER BY date DESC LIMIT 3"
    )
    assert [row["ratio"] for row in loaded.run("query", join, "--json").data["rows"]] == [1.0] * 3
    window = (
        "SELECT date, avg(price) OVER (ORDER BY date ROWS 6 PRECEDING) AS m FROM btc ORDER BY date LIMIT 2"
    )
    assert [row["m"] for row in loaded.run("query", window, "--json").data["rows"]] == [100.0, 100.5]
    for sql in (
        "DELETE FROM btc",
        "SELECT 1; DROP TABLE btc",
        "COPY btc TO 'stolen.csv'",
        "SELECT * FROM read_csv('config.yaml')",
        "ATTACH 'other.duckdb'",
        "SELECT * FROM 'config.yaml'",
    ):
        refused = loaded.run("query", sql)
        assert (refused.code, refused.out) == (2, ""), sql
    assert loaded.run("verify").code == 0
    assert not (loaded.folder / "stolen.csv").exists()


def test_rows_are_written_as_parquet_with_the_types_of_the_table(loaded: Project) -> None:
    outcome = loaded.run("query", "SELECT * FROM btc", "--format", "parquet", "-o", "btc.parquet")
    assert outcome.code == 0, outcome.err
    table = pyarrow.parquet.read_table(loaded.folder / "btc.parquet")
    assert [str(field.type) for field in table.schema] == [
        "date32[day]",
        "float",
        "int32",
        "double",
        "double",
    ]
    assert table.num_rows == 31


def test_verify_names_each_problem_of_a_table(loaded: Project) -> None:
    with duckdb.connect(loaded.home / "warehouse.duckdb") as connection:
        connection.execute('DROP TABLE market_data."all"')
        connection.execute("DELETE FROM market_data.\"order\" WHERE date = '2024-01-05'")
        connection.execute('ALTER TABLE market_data."user" ADD COLUMN more INTEGER')
        connection.execute(
            "UPDATE market_data.btc SET price = CASE WHEN date = '2024-01-05' THEN 105 ELSE 104 END "
            "WHERE date IN ('2024-01-05', '2024-01-06')"
        )
    outcome = loaded.run("verify", "--strict", "--json")
    assert outcome.code == 1
    found = {table["ticker"]: table["problems"] for table in outcome.data["tables"]}
    assert found["ALL"] == ["the table is missing"]
    assert found["ORDER"][0] == "rows: 30 in the table, 31 in gold"
    assert found["USER"][0].startswith("its columns are date, price, trend, pricema, trend_i, more")
    assert found["BTC"][0].startswith("price by day: "), "two values that changed places"
    assert all("older than max_age_days, 30" in problems[-1] for problems in list(found.values())[1:])


def test_old_prices_are_a_note_and_not_a_failure(loaded: Project) -> None:
    outcome = loaded.run("verify")
    assert outcome.code == 0
    assert "market_data.btc note: its newest day is 2024-02-04" in outcome.out


def test_the_view_follows_the_deployed_currencies(loaded: Project) -> None:
    count = "SELECT DISTINCT ticker FROM all_currencies ORDER BY 1"
    loaded.remove("ALL")
    assert loaded.run("deploy", "--yes").code == 0
    left = [row["ticker"] for row in loaded.run("query", count, "--json").data["rows"]]
    assert left == ["BTC", "ORDER", "USER"]
    loaded.add_made("XMR")
    assert loaded.run("deploy", "--yes").code == 0
    assert len(loaded.run("query", count, "--json").data["rows"]) == 3
    assert loaded.run("upload").code == 0
    assert loaded.run("run", "--tickers", "XMR").code == 0
    assert len(loaded.run("query", count, "--json").data["rows"]) == 4


def test_preview_shows_rows_and_draws_a_plot(loaded: Project) -> None:
    # The plot keeps its height in a terminal of few lines.
    outcome = loaded.run("preview", "BTC", "--png", "btc.png", LINES="12")
    assert outcome.code == 0, outcome.err
    assert sum(line.endswith("│") for line in outcome.out.splitlines()) == 14 + 5
    assert "2024-02-04" in outcome.out
    assert "⠒" in outcome.out or "⠤" in outcome.out
    assert (loaded.folder / "btc.png").read_bytes().startswith(b"\x89PNG")
    data = loaded.run("preview", "BTC", "--days", "5", "--json").data
    days = [row["date"] for row in data["rows"]["rows"]]
    # The last weekly value has its own date, after the last price.
    assert days == ["2024-01-27", "2024-01-28", "2024-01-29", "2024-01-30", "2024-02-04"]
    unknown = loaded.run("preview", "DOGE")
    assert unknown.code == 2
    assert "DOGE" in unknown.err


def test_ctrl_c_ends_a_long_query(loaded: Project) -> None:
    process = loaded.start("query", "SELECT count(*) FROM range(10000000000) a, range(10000000) b")
    time.sleep(4)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    outcome = ended(process)
    assert outcome.code == 130
    assert "interrupted" in outcome.err


def test_a_query_that_exceeds_its_timeout_is_an_error_and_the_process_ends(loaded: Project) -> None:
    sql = "SELECT count(*) FROM range(1e12::BIGINT)"
    outcome = loaded.run("query", sql, "--timeout", "1s", "--json")
    assert outcome.code == 2
    assert outcome.data["error"]["message"].endswith("warehouse.duckdb: it had no result after 1 second")
    again = loaded.run("query", "SELECT len(list(i)) FROM range(100000000) t(i)", "--memory-limit", "50MB")
    assert (again.code, again.out) == (2, "")
    assert "it needed more than 50 MB of memory" in again.err
