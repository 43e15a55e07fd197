"""Read a currency's two files."""

from __future__ import annotations

from collections.abc import Callable

from cryptoetl.raw_files import plausibility
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.history import HistoryFormat, read_history
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.table import OnBytes
from cryptoetl.raw_files.trend import TrendFormat, read_trend


def read(
    history: FileReport,
    trend: FileReport,
    history_format: HistoryFormat,
    trend_format: TrendFormat,
    *,
    drop: bool,
    digits: bool = False,
    on_bytes: Callable[[FileReport], OnBytes | None] = lambda _: None,
) -> tuple[Series, Series]:
    """Read a currency's two files into their reports, and warn of what is odd in what could be read.

    What depends on the day it is, the age and dates in the future, is not among it: plausibility.times.
    """
    prices = read_history(history, history_format, drop=drop, digits=digits, on_bytes=on_bytes(history))
    values = read_trend(trend, trend_format, on_bytes=on_bytes(trend))
    plausibility.history_warnings(history, prices, drop=drop)
    plausibility.trend_warnings(trend, values)
    plausibility.overlap_warning(trend, prices, values)
    return prices, values
