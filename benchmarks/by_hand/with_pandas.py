"""The pipeline as a handwritten script: pandas.

    python with_pandas.py CURRENCIES.json FOLDER

CURRENCIES.json: [{"ticker", "history", "trend", "date_format" (strptime), "preamble" (lines), "drop"}, …].
Writes FOLDER/silver, FOLDER/gold and the tables of FOLDER/warehouse.duckdb.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

DATE, PRICE, G_TREND = ("date", pa.date32()), ("price", pa.float32()), ("g_trend", pa.int32())
HISTORY = pa.schema([DATE, PRICE])
TREND = pa.schema([DATE, G_TREND])
GOLD = pa.schema([DATE, PRICE, G_TREND, ("pricema", pa.float64()), ("trendma", pa.float64())])
HELD = pd.Timedelta(days=6)


def read_history(path: str, date_format: str, *, drop: bool) -> pd.DataFrame:
    """Return (date, price) by date; missing prices are dropped or carried forward."""
    history = pd.read_csv(path, usecols=["Date", "Price"], thousands=",", na_values={"Price": "-1"})
    history.columns = ["date", "price"]
    history["date"] = pd.to_datetime(history["date"], format=date_format)
    history = history.astype({"price": "float32"}).sort_values("date", ignore_index=True)
    return history.dropna() if drop else history.ffill()


def read_trend(path: str, preamble: int) -> pd.DataFrame:
    """Return (date, g_trend) by date."""
    trend = pd.read_csv(path, skiprows=preamble + 1, names=["date", "g_trend"], dtype=str)
    trend["date"] = pd.to_datetime(trend["date"], format="%Y-%m-%d")
    trend["g_trend"] = trend["g_trend"].replace("<1", "0").astype("int32")
    return trend.sort_values("date", ignore_index=True)


def join(history: pd.DataFrame, trend: pd.DataFrame) -> pd.DataFrame:
    """Return gold: (date, price, g_trend, pricema, trendma) by date."""
    gold = history.merge(trend, on="date", how="outer").sort_values("date").set_index("date")
    gold["price"] = gold["price"].ffill()
    gold["pricema"] = gold["price"].astype("float64").rolling(14, min_periods=1).mean()
    gold["trendma"] = gold["g_trend"].astype("float64").interpolate("time", limit_area="inside")
    first, last = trend["date"].iloc[0], trend["date"].iloc[-1]
    gold.loc[first - HELD : first, "trendma"] = gold.at[first, "g_trend"]
    gold.loc[last : last + HELD, "trendma"] = gold.at[last, "g_trend"]
    return gold.reset_index()


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
            history.to_parquet(silver / f"{ticker}_hist.parquet", index=False, schema=HISTORY)
            trend.to_parquet(silver / f"{ticker}_trend.parquet", index=False, schema=TREND)
            result = gold / f"{ticker}.parquet"
            join(history, trend).to_parquet(result, index=False, schema=GOLD)
            connection.execute(
                f'CREATE OR REPLACE TABLE market_data."{ticker.lower()}" AS SELECT date, price, '
                "g_trend AS trend, pricema, trendma AS trend_i FROM read_parquet(?)",
                [str(result)],
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
