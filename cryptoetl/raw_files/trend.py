"""Read files of weekly Google Trends values."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from cryptoetl.raw_files.delimited import splitter, width
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.raw_files.series import Series
from cryptoetl.raw_files.table import FileReader, OnBytes, TableLayout
from cryptoetl.util.text import quoted, shown

_LIKE_A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}")


_TREND_VALUES = {"<1": 0.0} | {str(value): float(value) for value in range(101)}
"""Values as Google writes them."""


class TrendFormat(NamedTuple):
    """The format of a trend file, as in the configuration."""

    date_format: str = "yyyy-MM-dd"
    delimiter: str = ","


class _Header:
    """The search for a trend's header: the first line with two columns, below the preamble of an export."""

    def __init__(self, report: FileReport) -> None:
        self._report = report

    def __call__(self, line: int, fields: list[str] | None) -> TableLayout | None:
        if fields is None:
            if line:
                self._report.error(line, "the quotes are not balanced")
            return None
        if width(fields) < 2:
            return None
        named = [name for name in fields if name]
        if _LIKE_A_DATE.fullmatch(fields[0]):  # also one that is not in the calendar
            self._report.error(line, "there is no header line above the data")
            return None
        if len(named) > 2:
            columns = shown(", ".join(named), 200)
            self._report.error(
                line, f"the header has {len(named)} columns ({columns}): export one search term alone"
            )
            return None
        return TableLayout(width(fields), 0, 1, "header")


class _TrendValues:
    """Whole numbers from 0 to 100; <1 is 0."""

    noun = "trend value"

    def parse(self, text: str) -> float | str:
        if text == "<1":
            return 0
        if not re.fullmatch(r"[0-9]+", text):
            return f"trend {quoted(text)} is not a whole number"
        if len(text) >= 10 or int(text) > 100:
            return f"trend {quoted(text)} is not within 0 and 100"
        return int(text)

    def parse_all(self, texts: list[str]) -> tuple[array[float], Sequence[str]] | None:
        try:
            return array("d", map(_TREND_VALUES.__getitem__, texts)), ()
        except KeyError:
            return None

    def digits(self, text: str) -> str:
        return text


def read_trend(report: FileReport, layout: TrendFormat, *, on_bytes: OnBytes | None = None) -> Series:
    """Read the report's trend file, a Google Trends export with or without its preamble."""
    split = splitter(layout.delimiter)
    return FileReader(report, split, _Header(report), layout.date_format, _TrendValues()).read(on_bytes)
