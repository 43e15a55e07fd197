"""The layout of a CSV file, found in its first lines: delimiter, header and columns."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cryptoetl.discovery.prices import Sample, Value, choose
from cryptoetl.discovery.readings import (
    DateFormat,
    Order,
    date_format,
    date_formats,
    decimal_sign,
    is_number,
    preference,
)
from cryptoetl.raw_files.columns import DATE, SYMBOL, WEEK, plain
from cryptoetl.raw_files.delimited import TAB, splitter
from cryptoetl.raw_files.numerals import Decimal
from cryptoetl.raw_files.trend import TrendColumns, trend_columns
from cryptoetl.util.text import quoted

DELIMITERS: Final = (",", ";", TAB, "|")
HEADER_WITHIN: Final = 20
"""Number of non-blank lines in which the header must be."""
MAX_COLUMNS: Final = 200
_MONTH: Final = 31


@dataclass(frozen=True)
class Layout:
    """The layout of a file; `formats` are the date formats in which its first lines can be read.

    `header` is None where the file begins with its data. `first` counts the non-blank lines above the data.
    `doubt` says what to check about the column of values; with `rivals`, columns that it could be as well,
    no choice was possible. `coins` are the columns of a file with one for each coin.
    """

    delimiter: str
    header: tuple[str, ...] | None
    first: int
    date: int
    value: int
    formats: tuple[DateFormat, ...]
    preamble: bool = False
    symbols: tuple[str, ...] = ()
    decimals: tuple[Decimal, ...] = ()
    doubt: str | None = None
    rivals: tuple[int, ...] = ()
    coins: tuple[int, ...] = ()
    partial: bool = False
    """Whether the columns are those of a trend as pytrends or gtrendsR write it."""
    width: int = 0
    symbol: int | None = None
    """The column that says of which coin a row is."""

    def column(self, at: int) -> str | int:
        """Return a column as the configuration calls it: by name, or by number where there is no header."""
        return at + 1 if self.header is None else self.header[at]


def find(lines: Sequence[str], file_name: str = "") -> Layout | str:
    """Return the layout of a file by its first non-blank lines, or why it has none."""
    refused = []
    for delimiter in DELIMITERS:
        split = splitter(delimiter)
        rows = [split(line) or [] for line in lines]
        found = _find(rows, delimiter, file_name)
        if isinstance(found, Layout):
            return found
        refused.append((len(max(rows[:HEADER_WITHIN], key=len, default=[])), found))
    return max(refused, key=lambda reason: reason[0])[1]


def _find(rows: list[list[str]], delimiter: str, file_name: str) -> Layout | str:
    if all(len(row) < 2 for row in rows):
        return "it has no columns: there is no comma, semicolon, tab or bar between fields"
    if max(map(len, rows)) > MAX_COLUMNS:
        return f"it has more than {MAX_COLUMNS} columns"
    first = next((at for at, row in enumerate(rows) if len(row) > 1 and any(map(_is_day, row))), None)
    if first is None:
        return _without_dates(rows)
    if first > HEADER_WITHIN:
        return f"there is no header within the first {HEADER_WITHIN} lines"
    above = [row for row in rows[:first] if len(row) > 1 and any(row)]
    if first and not above:
        return "there is a title above the data, but no header: remove the title, or name the columns"
    header = _header(above)
    data = [row for row in rows[first:] if len(row) > 1]
    names = [plain(name) for name in header] if header is not None else None
    if names is not None and names[0] in WEEK:
        data = _weeks(data)
    dates = _dates(data, names)
    if not dates:
        return _without_dates(rows)
    at_date = min(dates, key=lambda at: (_rank(_at(names or [], at), DATE), dates[at][0].order == "unix", at))
    sample = Sample(data, names, at_date, dates[at_date][0], frozenset(dates), file_name)
    trend = trend_header(header) if header is not None else None
    value = Value(trend.value) if trend is not None else choose(sample)
    if isinstance(value, str):
        return value
    if header is not None and (problem := _unusable(header, at_date, value.at)):
        return problem
    numbers = [row[at] for row in data for at in range(len(row)) if at not in dates and at != value.at]
    return Layout(
        delimiter,
        tuple(header) if header is not None else None,
        first,
        at_date,
        value.at,
        dates[at_date],
        preamble=header is not None and any(len(row) == 1 for row in rows[: rows.index(header)]),
        symbols=_symbols(data, names) or _tickers(above),
        decimals=tuple(sign for text in numbers if (sign := decimal_sign(text)) is not None),
        doubt=value.doubt,
        # A column without a name, or beyond the header, cannot be written in a configuration.
        rivals=tuple(at for at in value.rivals if header is None or (at < len(header) and header[at])),
        coins=value.coins,
        partial=trend is not None,
        width=max(map(len, data)),
        symbol=_symbol_column(names),
    )


def _weeks(data: list[list[str]]) -> list[list[str]]:
    """Return the rows of a trend without those of other tables below it."""
    last = max((at for at, row in enumerate(data) if _is_day(row[0])), default=len(data) - 1)
    return data[: last + 1]


def _dates(data: list[list[str]], names: list[str] | None) -> dict[int, tuple[DateFormat, ...]]:
    """Return the columns of dates with their formats."""
    found = {
        at: _formats(data, at, named=names is None or _is_time(_at(names, at)))
        for at in range(max(map(len, data)))
    }
    return {
        at: formats
        for at, formats in found.items()
        if formats and (names is not None or formats[0].order != "unix" or _is_clock(data, at, formats[0]))
    }


def _header(above: list[list[str]]) -> list[str] | None:
    """Return the header among the lines above the data: the first that names a date or a price."""
    for row in above:
        if any(map(_is_date_name, row)) or (plain(row[0]) == "price" and len(row) > 2):
            return row
    return above[-1] if above else None


def trend_header(header: Sequence[str]) -> TrendColumns | None:
    """Return the columns of a trend as pytrends and gtrendsR write it; None for any other file."""
    names = {plain(name) for name in header}
    if not names & {"is partial", "hits"}:
        return None
    found = trend_columns(header)
    return None if isinstance(found, str) else found


def _is_day(text: str) -> bool:
    """Return whether a text is a date, or a count of seconds."""
    return bool(date_formats(text))


def _without_dates(rows: list[list[str]]) -> str:
    at = next((at for at, row in enumerate(rows) if any(map(_is_date_name, row))), None)
    if at is None:
        return "no line holds a date and a number"
    if at + 1 == len(rows):
        return "there are no data lines below the header"
    column = next(place for place, name in enumerate(rows[at]) if _is_date_name(name))
    example = next((row[column] for row in rows[at + 1 :] if len(row) > column), "")
    return f"the dates, such as {quoted(example)}, are in no known format"


def _is_date_name(name: str) -> bool:
    return plain(name) in DATE


def _is_time(name: str) -> bool:
    return re.search(r"date|data|time|unix|day|epoch|stamp|snapped", name) is not None


def _at(names: Sequence[str], at: int) -> str:
    return names[at] if at < len(names) else ""


def _rank(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)


def _formats(data: list[list[str]], at: int, *, named: bool) -> tuple[DateFormat, ...]:
    """Return the formats of most dates of a column; a number is a date only if the name is one of times."""
    counts: Counter[tuple[str, Order]] = Counter()
    times: dict[str, Counter[str]] = defaultdict(Counter)
    for row in data:
        if at >= len(row):
            continue
        found = [item for item in date_formats(row[at]) if item.order != "unix" or named]
        counts.update({(item.base, item.order) for item in found})
        for item in found:
            times[item.base][item.time] += 1
    if not counts or 2 * max(counts.values()) < len(data):
        return ()
    # The first lines settle all but close races, which each line of the file takes time to follow.
    close: dict[tuple[str, int], DateFormat] = {}
    for base, order in sorted(counts, key=lambda key: preference(key[0])):
        if 10 * counts[base, order] >= 9 * max(counts.values()):
            # M/d reads what MM/dd reads.
            usual = times[base].most_common(1)[0][0]
            close.setdefault((order, counts[base, order]), date_format(base, order, usual))
    return tuple(close.values())


def _is_clock(data: list[list[str]], at: int, counted: DateFormat) -> bool:
    """Return whether counts without a name are times: most are within a month of the one before."""
    days = [day for row in data if at < len(row) and (day := counted.read(row[at])) is not None]
    near = sum(abs(later - earlier) <= _MONTH for earlier, later in pairwise(days))
    return 2 * near >= len(days) - 1


def _unusable(header: Sequence[str], *columns: int) -> str | None:
    """Return why the configuration could not name one of the columns, or None."""
    for at in columns:
        name = header[at] if at < len(header) else ""
        if not name:
            return f"column {at + 1} has no name: give it one in the header"
        if re.search(r"[\x00-\x1f\x7f]|^#[0-9]+$", name):
            return (
                f"the name of column {at + 1} cannot be written in a configuration: change it in the header"
            )
        if header.index(name) != at:
            return f"two columns have the name {quoted(name)}"
    return None


def _tickers(above: list[list[str]]) -> tuple[str, ...]:
    """Return what yfinance's second line of labels says, each value once."""
    rows = (row for row in above if row[0].casefold() in ("ticker", "symbol") and len(row) > 2)
    return tuple(dict.fromkeys(name for row in rows for name in row[1:] if name and not _is_date_name(name)))


def _symbol_column(names: list[str] | None) -> int | None:
    known = SYMBOL | {"keyword"}
    return next((at for at, name in enumerate(names or ()) if name in known), None)


def _symbols(data: list[list[str]], names: list[str] | None) -> tuple[str, ...]:
    """Return what a column such as `Symbol` says, each value once."""
    if (at := _symbol_column(names)) is None:
        return ()
    values = (row[at] for row in data if at < len(row) and row[at] and not is_number(row[at]))
    return tuple(dict.fromkeys(values))[:5]
