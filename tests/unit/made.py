"""A configuration of currencies with valid raw files, for tests."""

from __future__ import annotations

import json
import struct
from datetime import date
from pathlib import Path

from cryptoetl.config.loading import load
from cryptoetl.config.models import Config
from cryptoetl.raw_files import plain
from cryptoetl.raw_files.findings import FileReport, Kind
from cryptoetl.raw_files.history import HistoryFormat, read_history
from cryptoetl.raw_files.table import OnBytes
from cryptoetl.raw_files.trend import TrendFormat, read_trend

HISTORY = "Date,Price\n01/01/2024,1.5\n01/02/2024,2.5\n"
TREND = "Week,interest\n2024-01-07,10\n"


def write_config(folder: Path, *tickers: str, name: str = "config.yaml") -> Path:
    """Write a configuration with files `<ticker>.csv` and `<ticker>_trend.csv` in the same folder."""
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
    """Write such a configuration and load it."""
    return load(write_config(folder, *tickers))


def history_report(
    path: Path, layout: HistoryFormat | None = None, *, drop: bool = False, on_bytes: OnBytes | None = None
) -> FileReport:
    """Return the report on a file of prices, without warnings about unusual values."""
    report = FileReport("history", path)
    read_history(report, layout or HistoryFormat(), drop=drop, on_bytes=on_bytes)
    return report


def trend_report(path: Path, layout: TrendFormat | None = None) -> FileReport:
    """Return the report on a trend file, without warnings about unusual values."""
    report = FileReport("trend", path)
    read_trend(report, layout or TrendFormat())
    return report


Rows = list[tuple[date, float | None]]


def plain_rows(
    kind: Kind, path: Path, layout: HistoryFormat | TrendFormat | None = None, *, drop: bool = False
) -> tuple[FileReport, Rows]:
    """Return the report on a user's file and the rows of its plain form, prices as 32-bit numbers."""
    report = FileReport(kind, path)
    if kind == "history":
        assert not isinstance(layout, TrendFormat)
        series = read_history(report, layout or HistoryFormat(), drop=drop, digits=True)
    else:
        assert not isinstance(layout, HistoryFormat)
        series = read_trend(report, layout or TrendFormat())
    if report.errors:
        return report, []
    written = path.with_name(f"plain {path.name}")
    plain.write(series, kind, written)
    return report, read_plain(kind, written)


def read_plain(kind: Kind, path: Path) -> Rows:
    """Return the rows of a file in the plain form, prices as 32-bit numbers."""
    header, *lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    assert header == plain.HEADERS[kind]
    pairs = [line.split(",") for line in lines]
    return [(date.fromisoformat(day), None if value == "-1" else single(value)) for day, value in pairs]


def single(value: str) -> float:
    """Return a decimal rounded to a 32-bit number."""
    number: float = struct.unpack("f", struct.pack("f", float(value)))[0]
    return number
