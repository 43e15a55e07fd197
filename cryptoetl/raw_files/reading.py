"""Read a currency's two files and warn about unusual values."""

from __future__ import annotations

from collections.abc import Callable

from cryptoetl.raw_files import guards, plausibility
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.history import HistoryFormat, read_history
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.table import OnBytes
from cryptoetl.raw_files.trend import TrendFormat, read_trend


def read(
    reports: tuple[FileReport, FileReport],
    formats: tuple[HistoryFormat, TrendFormat],
    *,
    drop: bool,
    digits: bool = False,
    on_bytes: Callable[[FileReport], OnBytes | None] = lambda _: None,
) -> tuple[Series, Series]:
    """Read a currency's history and trend into their reports, with warnings about unusual values.

    Warnings that depend on today's date, about age and future dates, are not included: the result depends on
    the files' content alone. `digits`: whether the series of prices keeps their digits, for the plain form.
    """
    history, trend = reports
    prices = read_history(history, formats[0], drop=drop, digits=digits, on_bytes=on_bytes(history))
    values = read_trend(trend, formats[1], on_bytes=on_bytes(trend))
    guards.counter_warning(history, prices)
    guards.trend_warning(history, prices, values)
    plausibility.history_warnings(history, prices, drop=drop)
    plausibility.trend_warnings(trend, values)
    plausibility.overlap_warning(trend, prices, values)
    return prices, values
