"""A folder with currencies: a configuration, and for each two raw files with nothing wrong in them."""

from __future__ import annotations

import json
from pathlib import Path

from cryptoetl.config import Config, load

HISTORY = "Date,Price\n01/01/2024,1.5\n01/02/2024,2.5\n"
TREND = "Week,interest\n2024-01-07,10\n"


def write_config(folder: Path, *tickers: str, name: str = "config.yaml") -> Path:
    """The configuration of currencies with files `<ticker>.csv` and `<ticker>_trend.csv` beside it."""
    currencies = []
    for ticker in tickers:
        history, trend = f"{ticker}.csv", f"{ticker}_trend.csv"
        (folder / history).write_text(HISTORY, encoding="utf-8")
        (folder / trend).write_text(TREND, encoding="utf-8")
        currencies.append({"ticker": ticker, "history": history, "trend": trend})
    path = folder / name
    path.write_text(json.dumps({"currencies": currencies}, indent=1), encoding="utf-8")
    return path


def made(folder: Path, *tickers: str) -> Config:
    """The same, read."""
    return load(write_config(folder, *tickers))
