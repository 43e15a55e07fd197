"""Read files of daily prices."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from cryptoetl.raw_files import columns, guards, numerals
from cryptoetl.raw_files.delimited import splitter, width
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.numerals import Decimal
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.table import FileReader, OnBytes, TableLayout
from cryptoetl.util.text import quoted, shown

HEADER_LINES = 20
"""Number of lines, not counting blank ones, in which the header must be."""


class HistoryFormat(NamedTuple):
    """The format of a history file, as in the configuration.

    The columns are named, or numbered from 1 in a file without a header line.
    """

    date_column: str | int = "Date"
    price_column: str | int = "Price"
    date_format: str = "MM/dd/yyyy"
    decimal: Decimal = "."
    delimiter: str = ","


class _HeaderSearch:
    """Find the header of a history: the first of its first lines that holds both columns.

    With columns by number, the first line is a row already; a header further down must agree with them.
    """

    def __init__(self, report: FileReport, layout: HistoryFormat) -> None:
        self._report = report
        self._columns: Sequence[str | int] = (layout.date_column, layout.price_column)
        self._seen = 0
        self._widest: tuple[int, list[str]] | None = None

    def __call__(self, line: int, fields: list[str] | None) -> TableLayout | None:
        """Return the table if this line begins it; None to look further, or after reporting an error."""
        if fields is None and line and not self._seen:
            self._report.error(line, "the quotes are not balanced")
            return None
        self._seen += bool(line)
        if fields is not None:
            if isinstance(self._columns[0], int):
                return self._numbered(line, fields)
            if all(name in fields for name in self._columns):
                date_at, value_at = (fields.index(str(name)) for name in self._columns)
                filled = max(width(fields), date_at + 1, value_at + 1)
                name_at = columns.name_at(fields[:filled], date_at, value_at)
                return TableLayout(filled, date_at, value_at, fields, name_at=name_at)
            if self._widest is None or len(fields) > len(self._widest[1]):
                self._widest = line, fields
        if self._seen == HEADER_LINES or not line:
            self._give_up()
        return None

    def _numbered(self, line: int, fields: list[str]) -> TableLayout | None:
        date_at, value_at = (int(number) - 1 for number in self._columns)
        if len(fields) <= max(date_at, value_at):
            self._report.error(
                line, f"there is no column {max(date_at, value_at) + 1}: the line has {len(fields)}"
            )
            return None
        if self._seen > 1 and not columns.may_be_price(name := fields[value_at]):
            self._report.error(
                line, f"a header calls column {value_at + 1} {quoted(name)}: it does not hold the price"
            )
        return TableLayout(max(width(fields), date_at + 1, value_at + 1), date_at, value_at, None)

    def _give_up(self) -> None:
        assert self._widest is not None, "the first line has fields, or was reported"
        line, fields = self._widest
        absent = [repr(name) for name in self._columns if name not in fields]
        names = f"column {absent[0]} is" if len(absent) == 1 else f"columns {' and '.join(absent)} are"
        self._report.error(line, f"{names} not in the header ({shown(', '.join(fields), 200)})")


class _Prices:
    """Prices in single precision, as the tables hold them, all in one currency."""

    noun = "price"

    def __init__(self, decimal: Decimal) -> None:
        self._decimal = decimal
        self._currency: str | None = None

    def parse(self, text: str) -> float | str | None:
        """Return a price in single precision, None if it is missing, or what is wrong with it."""
        if numerals.is_missing(text):
            return None
        if (found := numerals.read(text, self._decimal)) is None:
            return f"price {quoted(text)} is not a number"
        if found.currency is not None:
            if self._currency not in (None, found.currency):
                return f"price {quoted(text)} is in another currency than those above ({self._currency})"
            self._currency = found.currency
        try:
            single: float = struct.unpack("f", struct.pack("f", float(found.digits)))[0]
        except OverflowError:
            single = math.inf
        if math.isinf(single):
            return f"price {quoted(text)} is too large"
        return None if single == -1 else single

    def parse_all(self, texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        """Return prices, NaN where one is missing, and their digits; None if each must be read alone."""
        plain = numerals.plain_all([text or "-1" for text in texts], self._decimal)
        if plain is None:
            return None
        singles = array("f", map(float, plain))
        if math.inf in singles or -math.inf in singles:
            return None
        return array("d", [math.nan if price == -1 else price for price in singles]), plain

    def digits(self, text: str) -> str:
        """Return a price's own digits."""
        return numerals.plain(text, self._decimal)


def read_history(
    report: FileReport,
    layout: HistoryFormat,
    *,
    drop: bool,
    digits: bool = False,
    on_bytes: OnBytes | None = None,
) -> Series:
    """Read the report's file of daily prices; errors go to the report.

    `digits`: whether the series keeps the digits of the prices, as the plain form needs them.
    """
    reader = FileReader(
        report,
        splitter(layout.delimiter),
        _HeaderSearch(report, layout),
        layout.date_format,
        _Prices(layout.decimal),
        keep_digits=digits,
    )
    series = reader.read(on_bytes)
    guards.low_and_high_warning(report, reader, layout.decimal)
    report.missing = series.missing
    if drop and len(series) and series.missing == len(series) and not report.errors:
        report.error(None, "every price is missing")
    return series
