"""The pipeline as a handwritten script: SQL on DuckDB.

    python duckdb_sql.py CURRENCIES.json FOLDER

CURRENCIES.json: [{"ticker", "history", "trend", "date_format" (strptime), "preamble" (lines), "drop"}, …].
Writes FOLDER/silver, FOLDER/gold and the tables of FOLDER/warehouse.duckdb.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

HISTORY = """
    SELECT date, last_value(price IGNORE NULLS) OVER (ORDER BY date) AS price
    FROM (
        SELECT strptime(Date, $date_format)::DATE AS date, nullif(replace(Price, ',', '')::FLOAT, -1) AS price
        FROM read_csv($path, header = true, all_varchar = true)
    )
    WHERE price IS NOT NULL OR NOT $drop
    ORDER BY date
"""
TREND = """
    SELECT date, if(interest = '<1', '0', interest)::INTEGER AS g_trend
    FROM read_csv($path, skip = $skip, header = false, columns = {'date': 'DATE', 'interest': 'VARCHAR'})
    ORDER BY date
"""
GOLD = """
    WITH filled AS (
        SELECT
            date, g_trend,
            last_value(price IGNORE NULLS) OVER so_far AS price,
            last_value(if(g_trend IS NULL, NULL, date) IGNORE NULLS) OVER so_far AS week_before,
            first_value(if(g_trend IS NULL, NULL, date) IGNORE NULLS) OVER from_here AS week_after,
            last_value(g_trend IGNORE NULLS) OVER so_far AS low,
            first_value(g_trend IGNORE NULLS) OVER from_here AS high
        FROM read_parquet($history) AS history FULL JOIN read_parquet($trend) AS trend USING (date)
        WINDOW
            so_far AS (ORDER BY date),
            from_here AS (ORDER BY date ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    )
    SELECT
        date, price, g_trend,
        avg(price::DOUBLE) OVER (ORDER BY date ROWS 13 PRECEDING) AS pricema,
        CASE
            WHEN g_trend IS NOT NULL THEN g_trend
            WHEN low IS NOT NULL AND high IS NOT NULL
                THEN low + (high - low) * (date - week_before)::DOUBLE / (week_after - week_before)
            WHEN week_after - date <= 6 THEN high
            WHEN date - week_before <= 6 THEN low
        END AS trendma
    FROM filled
    ORDER BY date
"""
TABLE = """
    CREATE OR REPLACE TABLE market_data."{name}" AS
    SELECT date, price, g_trend AS trend, pricema, trendma AS trend_i FROM read_parquet($gold)
"""


def main(currencies: Path, folder: Path) -> None:
    """Write silver, gold and a table for each currency in turn."""
    for made in (folder / "silver", folder / "gold"):
        made.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS market_data")
        for currency in json.loads(currencies.read_text(encoding="utf-8")):
            ticker = currency["ticker"]
            history = str(folder / "silver" / f"{ticker}_hist.parquet")
            trend = str(folder / "silver" / f"{ticker}_trend.parquet")
            gold = str(folder / "gold" / f"{ticker}.parquet")
            days = {"path": currency["history"]} | {name: currency[name] for name in ("date_format", "drop")}
            weeks = {"path": currency["trend"], "skip": currency["preamble"] + 1}
            connection.sql(HISTORY, params=days).write_parquet(history)
            connection.sql(TREND, params=weeks).write_parquet(trend)
            connection.sql(GOLD, params={"history": history, "trend": trend}).write_parquet(gold)
            connection.execute(TABLE.format(name=ticker.lower()), {"gold": gold})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
