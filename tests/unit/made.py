"""A folder with currencies: a configuration, and for each two raw files with nothing wrong in them."""

from __future__ import annotations

import json
from pathlib import Path

from cryptoetl.config import Config, load
from cryptoetl.findings import FileReport
from cryptoetl.raw_files import HistoryFormat, OnBytes, TrendFormat, read_history, read_trend

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


def history_report(
    path: Path, layout: HistoryFormat | None = None, *, drop: bool = False, on_bytes: OnBytes | None = None
) -> FileReport:
    """What can be read of a file of prices, without a word about what is odd in it."""
    report = FileReport("history", path)
    read_history(report, layout or HistoryFormat(), drop=drop, on_bytes=on_bytes)
    return report


def trend_report(path: Path, layout: TrendFormat | None = None) -> FileReport:
    """What can be read of a trend file, without a word about what is odd in it."""
    report = FileReport("trend", path)
    read_trend(report, layout or TrendFormat())
    return report
