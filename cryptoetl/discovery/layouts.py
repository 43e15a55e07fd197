"""The layout of a CSV file, found in its first lines: delimiter, header and columns."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptoetl.discovery.readings import PREFERENCE, DateFormat, date_formats, decimal_sign, is_number, number
from cryptoetl.raw_files.delimited import TAB, splitter
from cryptoetl.raw_files.numerals import Decimal
from cryptoetl.util.text import quoted

DELIMITERS: Final = (",", ";", TAB, "|")
HEADER_WITHIN: Final = 20
"""Number of non-blank lines in which the header must be."""
MAX_COLUMNS: Final = 200


def _ranked(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))


_DATE_NAMES = _ranked(
    """
    date, data, datum, fecha, дата, tarih, 日付, 日付け, 日期, time open, open time, snapped at, time,
    timestamp, datetime, date time, day, timestamp utc, unix timestamp, unix, week, month, period
    """
)
_PRICE_NAMES = _ranked(
    """
    price, 終値, 收盘, prezzo, preis, prix, precio, preco, цена, fiyat, cena, koers, close, last, ultimo,
    zuletzt, dernier, laatst, ostatnio, senaste, simdi, schlusskurs, chiusura, cloture, cierre,
    closing price, close price, price close, last price, adj close, price usd, price eur,
    close usd, close eur, closing price usd, closing price eur, value, rate
    """
)
"""Column names in the form of `plain`. If a file has several of them, the first in this list is used."""
_OTHER_NAME = re.compile(
    r"\b(open|high|low|vol|volume|cap|marketcap|change|chg|var|trades?|tradecount|count|supply|qty|hoch|tief|eroffn"
    r"|apertura|massimo|minimo|ouv|haut|bas|maximo|abertura|maxima|minima|max|min|id|rank|sno)\b"
)
_SYMBOL_NAMES = frozenset({"symbol", "ticker", "pair", "coin", "currency", "name", "crypto", "asset"})


@dataclass(frozen=True)
class Layout:
    """The layout of a file; `formats` are the date formats in which its first lines can be read.

    `header` is None if the file begins with its data. `first` counts the non-blank lines above the data.
    `doubt` says why another column could hold the values.
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


def find(lines: Sequence[str]) -> Layout | str:
    """Return the layout of a file with these first non-blank lines, or the reason why it has none."""
    refused = []
    for delimiter in DELIMITERS:
        split = splitter(delimiter)
        rows = [split(line) or [] for line in lines]
        found = _find(rows, delimiter)
        if isinstance(found, Layout):
            return found
        refused.append((len(max(rows[:HEADER_WITHIN], key=len, default=[])), found))
    return max(refused, key=lambda reason: reason[0])[1]


def _find(rows: list[list[str]], delimiter: str) -> Layout | str:
    first = _first_data_row(rows)
    if isinstance(first, str):
        return first
    above = [row for row in rows[:first] if len(row) > 1 and any(row)]
    if first and not above:
        return "there is a title above the data, but no header: remove the title, or name the columns"
    header = next((row for row in above if any(map(_is_date_name, row))), above[-1] if above else None)
    data = [row for row in rows[first:] if len(row) > 1]
    names = [plain(name) for name in header] if header is not None else None

    dates = {
        at: formats
        for at in range(max(map(len, data)))
        if (formats := _formats(data, at, named=names is None or _is_time(_at(names, at))))
    }
    if not dates:
        return _without_dates(rows)
    at_date = min(dates, key=lambda at: (_rank(_at(names or [], at), _DATE_NAMES), at))
    value = _value_column(data, names, at_date)
    if isinstance(value, str):
        return value
    at_value, doubt = value
    if header is not None and (problem := _unusable(header, at_date, at_value)):
        return problem
    numbers = [row[at] for row in data for at in range(len(row)) if at not in dates and at != at_value]
    return Layout(
        delimiter,
        tuple(header) if header is not None else None,
        first,
        at_date,
        at_value,
        dates[at_date],
        preamble=header is not None and any(len(row) == 1 for row in rows[: rows.index(header)]),
        symbols=_symbols(data, names),
        decimals=tuple(sign for text in numbers if (sign := decimal_sign(text)) is not None),
        doubt=doubt,
    )


def _first_data_row(rows: list[list[str]]) -> int | str:
    """Return the index of the first row with a date, or the reason why there is no table."""
    if all(len(row) < 2 for row in rows):
        return "it has no columns: there is no comma, semicolon, tab or bar between fields"
    if max(map(len, rows)) > MAX_COLUMNS:
        return f"it has more than {MAX_COLUMNS} columns"
    first = next((at for at, row in enumerate(rows) if len(row) > 1 and any(map(date_formats, row))), None)
    if first is None:
        return _without_dates(rows)
    if first > HEADER_WITHIN:
        return f"there is no header within the first {HEADER_WITHIN} lines"
    return first


def plain(name: str) -> str:
    """Return the words of a column's name in lower case and without accents: `Último*` is `ultimo`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    letters = (c for c in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", "".join(letters).casefold()))


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
    return plain(name) in _DATE_NAMES


def is_price_name(name: str) -> bool:
    """Return whether a column with this name can only hold prices."""
    return plain(name) in _PRICE_NAMES and plain(name) != "value"


def _is_time(name: str) -> bool:
    return re.search(r"date|data|time|unix|day|epoch|stamp|snapped", name) is not None


def _at(names: Sequence[str], at: int) -> str:
    return names[at] if at < len(names) else ""


def _rank(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)


def _formats(data: list[list[str]], at: int, *, named: bool) -> tuple[DateFormat, ...]:
    """Return the formats that most dates of a column are in.

    Numbers count as Unix times only if the column's name suggests a time (`named`).
    """
    counts = Counter(
        found
        for row in data
        if at < len(row)
        for found in date_formats(row[at])
        if found.order != "unix" or named
    )
    if not counts or 2 * max(counts.values()) < len(data):
        return ()
    # The first lines decide unless two formats are close; following a format through the file takes time.
    close: dict[tuple[str, int], DateFormat] = {}
    for found in sorted(counts, key=lambda found: PREFERENCE[found.text]):
        if 10 * counts[found] >= 9 * max(counts.values()):
            close.setdefault((found.order, counts[found]), found)  # M/d reads what MM/dd reads
    return tuple(close.values())


def _value_column(
    data: list[list[str]], names: list[str] | None, at_date: int
) -> tuple[int, str | None] | str:
    """Return the column of prices or trend values and a doubt, or the reason why there is none."""

    def mostly(at: int, test: Callable[[str], bool]) -> bool:
        values = [row[at] for row in data if at < len(row) and row[at]]
        return bool(values) and 2 * sum(map(test, values)) >= len(values)

    columns = range(max(map(len, data)))
    numeric = [
        at for at in columns if at != at_date and mostly(at, lambda text: is_number(text) or text == "<1")
    ]
    if names is None:
        return _headless_value(data, numeric)
    named = [at for at in columns if at != at_date and _at(names, at) in _PRICE_NAMES]
    if named and not set(named) & set(numeric):
        example = next((row[named[0]] for row in data if len(row) > named[0] and row[named[0]]), "")
        return f"the prices, such as {quoted(example)}, are not plain numbers"
    if known := sorted(set(named) & set(numeric), key=lambda at: (_PRICE_NAMES.index(names[at]), at)):
        return known[0], None
    if not numeric:
        return "it has no column of numbers"
    likely = [at for at in numeric if not _OTHER_NAME.search(_at(names, at))] or numeric
    doubt = f"column {likely[0] + 1} of {len(columns)} is taken for the price" if len(likely) > 1 else None
    return likely[0], doubt


def _headless_value(data: list[list[str]], numeric: list[int]) -> tuple[int, str | None] | str:
    if not numeric:
        return "it has no column of numbers"
    bars = [at for at in numeric if {at + 1, at + 2, at + 3} <= set(numeric)]
    for at in bars:
        if _is_ohlc(data, at):
            return at + 3, None
    value = bars[0] + 3 if bars else numeric[0]
    doubt = f"there is no header: column {value + 1} is taken for the price"
    return value, doubt if len(numeric) > 1 else None


def _is_ohlc(data: list[list[str]], at: int) -> bool:
    """Return whether four columns are the opening, highest, lowest and closing price."""
    kept = seen = 0
    for row in data:
        prices = [found for text in row[at : at + 4] if (found := number(text, ".")) is not None]
        if len(prices) == 4:
            seen += 1
            kept += prices[1] == max(prices) and prices[2] == min(prices)
    return seen > 0 and 10 * kept >= 9 * seen


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


def _symbols(data: list[list[str]], names: list[str] | None) -> tuple[str, ...]:
    """Return the distinct values of a column such as `Symbol`, at most five."""
    at = next((at for at, name in enumerate(names or ()) if name in _SYMBOL_NAMES), None)
    if at is None:
        return ()
    values = (row[at] for row in data if at < len(row) and row[at] and not is_number(row[at]))
    return tuple(dict.fromkeys(values))[:5]
