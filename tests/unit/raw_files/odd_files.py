"""Odd and broken raw files, with what must be made of each: its rows, or its refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HISTORY_HEADER = '"Date","Price","Open"\n'
TREND_HEADER = "Week,bitcoin\n"

Rows = list[tuple[str, float | None]]


@dataclass(frozen=True)
class OddFile:
    """`expected`: the silver rows as (ISO date, value), or the whole message without the error's class.

    content: None for a file that is missing. options: as in `Lake.silver_arguments`.
    A message names the file as `{uri}`.
    """

    name: str
    content: bytes | None
    expected: Rows | str
    kind: Literal["history", "trend"] = "history"
    options: Mapping[str, str] = field(default_factory=dict)


def history(
    name: str, lines: str, expected: Rows | str, *, header: str = HISTORY_HEADER, **options: str
) -> OddFile:
    """A history of which `lines` follow the header."""
    return OddFile(name, (header + lines).encode(), expected, "history", options)


def trend(name: str, lines: str, expected: Rows | str, *, header: str = TREND_HEADER) -> OddFile:
    """A trend file of which `lines` follow the header."""
    return OddFile(name, (header + lines).encode(), expected, "trend")


FIRST, SECOND = "2024-01-01", "2024-01-02"
ONE = '"01/01/2024","1.5","9"\n'
TWO = '"01/02/2024","2.5","9"\n'
WEEK = "2024-01-07,5\n"
READ: Rows = [(FIRST, 1.5), (SECOND, 2.5)]
WEEK_READ: Rows = [("2024-01-07", 5)]
LONG = "7" * 400_000
CUT = "7" * 37 + "..."

ODD_FILES = [
    # encodings and line ends
    OddFile("BOM", b"\xef\xbb\xbf" + (HISTORY_HEADER + ONE + TWO).encode(), READ),
    OddFile("CRLF", (HISTORY_HEADER + ONE + TWO).replace("\n", "\r\n").encode(), READ),
    OddFile("CR only", (HISTORY_HEADER + ONE + TWO).replace("\n", "\r").encode(), READ),
    OddFile("mixed line ends", (HISTORY_HEADER + ONE).replace("\n", "\r\n").encode() + TWO.encode(), READ),
    OddFile("no final newline", (HISTORY_HEADER + ONE + TWO).rstrip("\n").encode(), READ),
    history("blank lines", ONE + "\n   \n\t\n" + TWO + "\n\n", READ),
    history("blank lines above the header", ONE + TWO, READ, header="\n \n" + HISTORY_HEADER),
    OddFile(
        "UTF-16 with a mark",
        (HISTORY_HEADER + ONE).encode("utf-16"),
        "history: the file is not UTF-8 text",
    ),
    OddFile(
        "UTF-16 without a mark",
        (HISTORY_HEADER + ONE).encode("utf-16-le"),
        "history: the file is not UTF-8 text",
    ),
    OddFile(
        "bytes that are not UTF-8",
        (HISTORY_HEADER + ONE).encode() + b'"01/02/2024","\xff\xfe","9"\n',
        "history: the file is not UTF-8 text",
    ),
    OddFile(
        "Latin-1",
        (HISTORY_HEADER + ONE).replace("Open", "Eröffnung").encode("latin-1"),
        "history: the file is not UTF-8 text",
    ),
    OddFile(
        "surrogates in UTF-8",
        (HISTORY_HEADER + ONE).encode() + b'"\xed\xa0\x80","1","9"\n',
        "history: the file is not UTF-8 text",
    ),
    OddFile(
        "a NUL byte",
        (HISTORY_HEADER + ONE + TWO).replace("2.5", "2\0.5").encode(),
        "history: the file is not UTF-8 text",
    ),
    OddFile("missing", None, "history: {uri} is missing or empty"),
    OddFile("missing trend", None, "trend: {uri} is missing or empty", "trend"),
    OddFile("empty", b"", "history: {uri} is missing or empty"),
    OddFile("empty trend", b"", "trend: {uri} is missing or empty", "trend"),
    OddFile("nothing but a BOM", b"\xef\xbb\xbf", "history: {uri} is missing or empty"),
    OddFile("blank lines alone", b"\n  \n\t\r\n", "history: {uri} is missing or empty"),
    # headers
    history("header alone", "", "history: there are no data lines below the header"),
    trend("header of a trend alone", "", "trend: there are no data lines below the header"),
    history(
        "header without the price",
        ONE,
        "history: line 1: column 'Price' is not in the header (Date, Close, Open)",
        header="Date,Close,Open\n",
    ),
    history(
        "header without the date",
        ONE,
        "history: line 1: column 'Datum' is not in the header (Date, Price, Open)",
        DATE_COLUMN="Datum",
    ),
    history(
        "quotes of the header not balanced",
        ONE,
        "history: line 1: the quotes are not balanced",
        header='"Date,Price,Open\n',
    ),
    history(
        "other columns in other places",
        "9;9,1.5,01/01/2024\n",
        [(FIRST, 1.5)],
        header="x,Schluss,Tag\n",
        DATE_COLUMN="Tag",
        PRICE_COLUMN="Schluss",
    ),
    history("header with delimiters at its end", ONE, [(FIRST, 1.5)], header="Date,Price,Open,,\n"),
    history(
        "header with quotes in a name",
        "01/01/2024,1.5\n",
        [(FIRST, 1.5)],
        header='Date,"the ""Price"""\n',
        PRICE_COLUMN='the "Price"',
    ),
    trend(
        "preamble of Google Trends", WEEK, WEEK_READ, header="Category: All categories\n\nWeek,x: (World)\n"
    ),
    trend("trend without a header", WEEK, WEEK_READ, header=""),
    OddFile(
        "trend without any table",
        b"Category: All categories\n\nWeek\n",
        "trend: there is no header line",
        "trend",
    ),
    trend(
        "several search terms",
        "2024-01-07,5,6\n",
        "trend: line 1: the header has 3 columns (Week, bitcoin, monero): export one search term alone",
        header="Week,bitcoin,monero\n",
    ),
    trend(
        "quotes of a trend header not balanced",
        WEEK,
        "trend: line 1: the quotes are not balanced",
        header='"Week,bitcoin\n',
    ),
    # the shape of lines
    history("too few fields", ONE + "01/02/2024,2.5\n", "history: line 3: 2 fields where the header has 3"),
    history(
        "too many fields", ONE + "01/02/2024,2.5,9,x\n", "history: line 3: 4 fields where the header has 3"
    ),
    history("delimiters at the end of a line", '01/01/2024,1.5,9,, ,""\n' + TWO, READ),
    history(
        "a quote that is not closed",
        ONE + '"01/02/2024,2.5,9\n',
        "history: line 3: the quotes are not balanced",
    ),
    history(
        "a quote inside a plain field",
        ONE + '01/02/2024,2"5,9\n',
        "history: line 3: the quotes are not balanced",
    ),
    history(
        "text behind a quoted field",
        ONE + '"01/02/2024"x,2.5,9\n',
        "history: line 3: the quotes are not balanced",
    ),
    history("quotes within quotes", '"01/01/2024","1.5","say ""9"", or not"\n', [(FIRST, 1.5)]),
    history("a quoted field with a comma", '"01/01/2024","1,001.5","9,9"\n', [(FIRST, 1001.5)]),
    history("blanks around fields", ' 01/01/2024 ,\t1.5 , "9" \n" 01/02/2024 "," 2.5 ",9\n', READ),
    history(
        "semicolons for commas",
        "01/01/2024;1.5;9\n",
        "history: line 1: columns 'Date' and 'Price' are not in the header (Date;Price;Open)",
        header="Date;Price;Open\n",
    ),
    history(
        "a very long number", ONE + f"01/02/2024,{LONG},9\n", f"history: line 3: price '{CUT}' is too large"
    ),
    history(
        "a very long date", ONE + f"{LONG},1,9\n", f"history: line 3: date '{CUT}' is not a MM/dd/yyyy date"
    ),
    history("a very long note", f"01/01/2024,1.5,{LONG}\n" + TWO, READ),
    history(
        "very many fields",
        ONE + "," * 100_000 + "x\n",
        "history: line 3: 100001 fields where the header has 3",
    ),
    # dates
    history(
        "30 February",
        ONE + "02/30/2024,2.5,9\n",
        "history: line 3: date '02/30/2024' is not a MM/dd/yyyy date",
    ),
    history("29 February of a leap year", "02/29/2024,2.5,9\n", [("2024-02-29", 2.5)]),
    history(
        "29 February of another year",
        "02/29/2023,2.5,9\n",
        "history: line 2: date '02/29/2023' is not a MM/dd/yyyy date",
    ),
    history(
        "day and month exchanged",
        "31/01/2024,2.5,9\n",
        "history: line 2: date '31/01/2024' is not a MM/dd/yyyy date",
    ),
    history(
        "month of one digit",
        "1/01/2024,2.5,9\n",
        "history: line 2: date '1/01/2024' is not a MM/dd/yyyy date",
    ),
    history(
        "year of two digits", "01/01/24,2.5,9\n", "history: line 2: date '01/01/24' is not a MM/dd/yyyy date"
    ),
    history(
        "year before 1900",
        "01/01/0024,2.5,9\n",
        "history: line 2: date '01/01/0024' is not a MM/dd/yyyy date",
    ),
    history(
        "date with a time",
        "01/01/2024 00:00,2.5,9\n",
        "history: line 2: date '01/01/2024 00:00' is not a MM/dd/yyyy date",
    ),
    history("no date", ",2.5,9\n", "history: line 2: date '' is not a MM/dd/yyyy date"),
    history(
        "date in Arabic digits",
        "٠١/٠١/٢٠٢٤,2.5,9\n",
        "history: line 2: date '٠١/٠١/٢٠٢٤' is not a MM/dd/yyyy date",
    ),
    history("named months", '"Jan 01, 2024",1.5,9\n"jAN 02, 2024",2.5,9\n', READ, DATE_FORMAT="MMM dd, yyyy"),
    history("December by name", '"Dec 31, 2024",1.5,9\n', [("2024-12-31", 1.5)], DATE_FORMAT="MMM dd, yyyy"),
    history(
        "a month in another language",
        '"Mai 01, 2024",1.5,9\n',
        "history: line 2: date 'Mai 01, 2024' is not a MMM dd, yyyy date",
        DATE_FORMAT="MMM dd, yyyy",
    ),
    history(
        "letters across two months",
        '"anf 01, 2024",1.5,9\n',
        "history: line 2: date 'anf 01, 2024' is not a MMM dd, yyyy date",
        DATE_FORMAT="MMM dd, yyyy",
    ),
    history("days without leading zeros", "1.1.2024,1.5,9\n02.01.2024,2.5,9\n", READ, DATE_FORMAT="d.M.yyyy"),
    history(
        "another mark where the format has a point",
        "1-1-2024,1.5,9\n",
        "history: line 2: date '1-1-2024' is not a d.M.yyyy date",
        DATE_FORMAT="d.M.yyyy",
    ),
    history("ISO dates", "2024-01-01,1.5,9\n", [(FIRST, 1.5)], DATE_FORMAT="yyyy-MM-dd"),
    history("dates without separators", "20240101,1.5,9\n", [(FIRST, 1.5)], DATE_FORMAT="yyyyMMdd"),
    history(
        "format without a day",
        ONE,
        "history: 'MM/yyyy' must hold year, month and day once each, such as MM/dd/yyyy",
        DATE_FORMAT="MM/yyyy",
    ),
    history(
        "format with two months",
        ONE,
        "history: 'MM/MMM/dd/yyyy' must hold year, month and day once each, such as MM/dd/yyyy",
        DATE_FORMAT="MM/MMM/dd/yyyy",
    ),
    trend(
        "monthly values",
        "2024-01,5\n",
        "trend: line 2: '2024-01' is a month: the values are monthly, weekly ones are needed "
        "(in Google Trends choose a range of at most five years)",
    ),
    trend(
        "trend date in another format",
        "01/07/2024,5\n",
        "trend: line 2: date '01/07/2024' is not a yyyy-MM-dd date",
    ),
    # numbers
    history(
        "-1 is missing",
        '01/01/2024,-1,9\n01/02/2024,"-1.0",9\n01/03/2024,1.5,9\n01/04/2024,-1,9\n',
        [(FIRST, None), (SECOND, None), ("2024-01-03", 1.5), ("2024-01-04", 1.5)],
    ),
    history(
        "-1 is dropped", "01/01/2024,-1.00,9\n01/02/2024,2.5,9\n01/03/2024,,9\n", [(SECOND, 2.5)], DROP="Y"
    ),
    history(
        "empty is missing",
        '01/01/2024,1.5,9\n01/02/2024,"",9\n01/03/2024,  ,9\n',
        [(FIRST, 1.5), (SECOND, 1.5), ("2024-01-03", 1.5)],
    ),
    history(
        "nothing but missing prices", "01/01/2024,-1,9\n01/02/2024,,9\n", [(FIRST, None), (SECOND, None)]
    ),
    history(
        "nothing but missing prices, dropped",
        "01/01/2024,-1,9\n",
        "history: every price is missing",
        DROP="Y",
    ),
    history("other negative prices", "01/01/2024,-2,9\n01/02/2024,-1.5,9\n", [(FIRST, -2), (SECOND, -1.5)]),
    history("zero, and minus zero", "01/01/2024,0,9\n01/02/2024,0.0e0,9\n", [(FIRST, 0), (SECOND, 0)]),
    history("exponents", "01/01/2024,15e-1,9\n01/02/2024,2.5E+0,9\n", READ),
    history("NaN", "01/01/2024,NaN,9\n", [(FIRST, None)]),
    history("Infinity", "01/01/2024,Infinity,9\n", "history: line 2: price 'Infinity' is not a number"),
    history("5d", "01/01/2024,5d,9\n", "history: line 2: price '5d' is not a number"),
    history("5f", "01/01/2024,5f,9\n", "history: line 2: price '5f' is not a number"),
    history("0x1p3", "01/01/2024,0x1p3,9\n", "history: line 2: price '0x1p3' is not a number"),
    history("blanks around 5", '01/01/2024," 5 ",9\n', [(FIRST, 5)]),
    history(
        "a hard space before 5", "01/01/2024,\u00a05,9\n", "history: line 2: price '\\xa05' is not a number"
    ),
    history("a plus sign", "01/01/2024,+5,9\n", [(FIRST, 5)]),
    history("nothing before the point", "01/01/2024,.5,9\n", [(FIRST, 0.5)]),
    history("nothing behind the point", "01/01/2024,5.,9\n", "history: line 2: price '5.' is not a number"),
    history("Arabic digits", "01/01/2024,٥,9\n", "history: line 2: price '٥' is not a number"),
    history("fullwidth digits", "01/01/2024,５,9\n", "history: line 2: price '５' is not a number"),
    history("a currency sign", "01/01/2024,$5,9\n", [(FIRST, 5)]),
    history("1e39", "01/01/2024,1e39,9\n", "history: line 2: price '1e39' is too large"),
    history("-1e39", "01/01/2024,-1e39,9\n", "history: line 2: price '-1e39' is too large"),
    history("1e-60 is zero", "01/01/2024,1e-60,9\n", [(FIRST, 0)]),
    history(
        "an enormous exponent",
        "01/01/2024,1e99999999999,9\n",
        "history: line 2: price '1e99999999999' is too large",
    ),
    history("the largest float", "01/01/2024,3.4028235e38,9\n", [(FIRST, 3.4028234663852886e38)]),
    history("between two floats", "01/01/2024,16777217.0000001,9\n", [(FIRST, 16777218)]),
    history(
        "thousands in wrong places",
        '01/01/2024,"1,00.5",9\n',
        "history: line 2: price '1,00.5' is not a number",
    ),
    history("thousands twice", '01/01/2024,"1,234,567.5",9\n', [(FIRST, 1234567.5)]),
    history(
        "decimal comma",
        '01/01/2024,"1,5",9\n01/02/2024,"1.234,5",9\n',
        [(FIRST, 1.5), (SECOND, 1234.5)],
        DECIMAL=",",
    ),
    history(
        "decimal point where a comma is said",
        "01/01/2024,1.5,9\n",
        "history: line 2: price '1.5' is not a number",
        DECIMAL=",",
    ),
    history("-1 with a decimal comma", '01/01/2024,"-1,0",9\n', [(FIRST, None)], DECIMAL=","),
    trend("less than one", "2024-01-07,<1\n", [("2024-01-07", 0)]),
    trend("a hundred", "2024-01-07,100\n2024-01-14,007\n", [("2024-01-07", 100), ("2024-01-14", 7)]),
    trend("more than a hundred", "2024-01-07,101\n", "trend: line 2: trend '101' is not within 0 and 100"),
    trend(
        "more than an int",
        "2024-01-07,99999999999\n",
        "trend: line 2: trend '99999999999' is not within 0 and 100",
    ),
    trend("a trend of halves", "2024-01-07,5.5\n", "trend: line 2: trend '5.5' is not a whole number"),
    trend("a trend with a point", "2024-01-07,5.0\n", WEEK_READ),
    trend("a negative trend", "2024-01-07,-1\n", "trend: line 2: trend '-1' is not a whole number"),
    trend("no trend", "2024-01-07,\n", "trend: line 2: trend '' is not a whole number"),
    trend("a trend in Arabic digits", "2024-01-07,٥\n", "trend: line 2: trend '٥' is not a whole number"),
    # dates that come twice
    history("the same twice", ONE + TWO + ONE, READ),
    history("missing twice", "01/01/2024,-1,9\n01/01/2024,,9\n" + TWO, [(FIRST, None), (SECOND, 2.5)]),
    history(
        "two prices for a day",
        ONE + TWO + "01/01/2024,3,9\n",
        "history: line 4: date 2024-01-01 is already on line 2 with another price",
    ),
    history(
        "a price and none for a day",
        ONE + TWO + "01/01/2024,-1,9\n",
        "history: line 4: date 2024-01-01 is already on line 2 with another price",
    ),
    history(
        "a bad line, then two good ones of its day",
        "01/01/2024,x,9\n" + ONE + ONE,
        "history: line 2: price 'x' is not a number",
    ),
    trend(
        "two values for a week",
        WEEK + "2024-01-07,6\n",
        "trend: line 3: date 2024-01-07 is already on line 2 with another trend value",
    ),
    trend("a week twice", WEEK + "2024-01-07,5\n", WEEK_READ),
    # several things at once
    history("newest first", TWO + ONE, READ),
    history(
        "the first of three bad lines",
        ONE + "x,1,9\n01/03/2024,y,9\n01/04/2024,2\n",
        "history: 3 lines cannot be read; first: line 3: date 'x' is not a MM/dd/yyyy date",
    ),
    history(
        "line numbers count blank lines",
        "\n\n" + ONE + "x,1,9\n",
        "history: line 5: date 'x' is not a MM/dd/yyyy date",
    ),
    history(
        "a date and a price that are bad", "x,y,9\n", "history: line 2: date 'x' is not a MM/dd/yyyy date"
    ),
    history(
        "a % s and a backslash in a value",
        "01/01/2024,%s\\n,9\n",
        "history: line 2: price '%s\\n' is not a number",
    ),
]
