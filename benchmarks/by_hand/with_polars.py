"""The pipeline as a handwritten script: Polars.

    python with_polars.py CURRENCIES.json FOLDER

CURRENCIES.json: [{"ticker", "history", "trend", "date_format" (strptime), "preamble" (lines), "drop"}, …].
Writes FOLDER/silver, FOLDER/gold and the tables of FOLDER/warehouse.duckdb.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl

HELD = timedelta(days=6)


def read_history(path: str, date_format: str, *, drop: bool) -> pl.DataFrame:
    """Return (date, price) by date; missing prices are dropped or carried forward."""
    price = pl.col("Price").str.replace_all(",", "", literal=True).cast(pl.Float32)
    history = (
        pl.read_csv(path, columns=["Date", "Price"], infer_schema=False)
        .select(date=pl.col("Date").str.to_date(date_format), price=price.replace(-1, None))
        .sort("date")
    )
    return history.drop_nulls() if drop else history.with_columns(pl.col("price").forward_fill())


def read_trend(path: str, preamble: int) -> pl.DataFrame:
    """Return (date, g_trend) by date."""
    schema = {"date": pl.Date, "g_trend": pl.String}
    trend = pl.read_csv(path, skip_lines=preamble + 1, has_header=False, schema=schema)
    return trend.with_columns(pl.col("g_trend").replace("<1", "0").cast(pl.Int32)).sort("date")


def join(history: pl.DataFrame, trend: pl.DataFrame) -> pl.DataFrame:
    """Return gold: (date, price, g_trend, pricema, trendma) by date."""
    date, g_trend = pl.col("date"), pl.col("g_trend").cast(pl.Float64)
    first, last = trend["date"].first(), trend["date"].last()
    return (
        history.join(trend, on="date", how="full", coalesce=True)
        .sort("date")
        .with_columns(pl.col("price").forward_fill())
        .with_columns(
            pricema=pl.col("price").cast(pl.Float64).rolling_mean(14, min_samples=1),
            trendma=pl.when(date.is_between(first - HELD, first))
            .then(g_trend.backward_fill())
            .when(date.is_between(last, last + HELD))
            .then(g_trend.forward_fill())
            .otherwise(g_trend.interpolate_by("date")),
        )
    )


def main(currencies: Path, folder: Path) -> None:
    """Write silver, gold and a table for each currency in turn."""
    silver, gold = folder / "silver", folder / "gold"
    for made in (silver, gold):
        made.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS market_data")
        for currency in json.loads(currencies.read_text(encoding="utf-8")):
            ticker = currency["ticker"]
            history = read_history(currency["history"], currency["date_format"], drop=currency["drop"])
            trend = read_trend(currency["trend"], currency["preamble"])
            history.write_parquet(silver / f"{ticker}_hist.parquet")
            trend.write_parquet(silver / f"{ticker}_trend.parquet")
            result = gold / f"{ticker}.parquet"
            join(history, trend).write_parquet(result)
            connection.execute(
                f'CREATE OR REPLACE TABLE market_data."{ticker.lower()}" AS SELECT date, price, '
                "g_trend AS trend, pricema, trendma AS trend_i FROM read_parquet(?)",
                [str(result)],
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
