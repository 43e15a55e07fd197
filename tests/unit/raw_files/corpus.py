"""One price series and one trend, written in every form in which people have them.

Each `Variant` is two raw files with the fields of the configuration that say how they are written. Those that
are supported hold the same days and values as `PLAIN`; the others are refused by the check, with `refused` in
the reason. Prices are whole hundredths, so that no form loses anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptoetl.config.models import Currency

FIRST = date(2024, 2, 20)
PRICES = [1234.5, 1250.25, None, 999.99, 1000.0, 1.05, 0.5, None, None, 65619.5, 65619.5, 1234567.75] + [
    round(100 + 7.25 * number, 2) for number in range(30)
]
"""Daily, None where the price is missing."""
DAYS = [(FIRST + timedelta(number), price) for number, price in enumerate(PRICES)]
WEEKS = [
    (date(2024, 2, 18) + timedelta(7 * number), value) for number, value in enumerate([0, 12, 100, 7, 55])
]


Days = Sequence[tuple[date, float | None]]
Weeks = Sequence[tuple[date, int]]
WriteHistory = Callable[[Days], bytes]
WriteTrend = Callable[[Weeks], bytes]


@dataclass(frozen=True)
class Variant:
    """Two raw files and how they are written; `refused` is part of the check's reason, None for good ones."""

    name: str
    history: bytes
    trend: bytes
    settings: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None

    def currency(self, folder: Path) -> Currency:
        """Write the files into a folder; return the currency that they are, as the configuration names it."""
        files = {}
        for kind, content in (("history", self.history), ("trend", self.trend)):
            files[kind] = folder / f"{kind} of {self.name}.csv"
            files[kind].write_bytes(content)
        return Currency.model_validate({"ticker": "BTC", **files, **self.settings})


# --- writing ------------------------------------------------------------------------------------------


def number(price: float | None, *, decimal: str = ".", thousands: str = "", places: int = 2) -> str:
    """A price as text; a missing one is -1."""
    if price is None:
        return "-1"
    return f"{price:,.{places}f}".translate({ord(","): thousands, ord("."): decimal})


def quoted(*cells: str, mark: str = ",") -> str:
    return mark.join(f'"{cell}"' for cell in cells)


def lines(*rows: str, end: str = "\n") -> bytes:
    return (end.join(rows) + end).encode()


def investing(
    header: str, written: Callable[[date], str], *, decimal: str = ".", thousands: str = ","
) -> WriteHistory:
    """As Investing.com exports it: a byte-order mark, everything quoted, newest first."""

    def write(days: Days) -> bytes:
        rows = [
            quoted(written(day), *[number(price, decimal=decimal, thousands=thousands)] * 4, "1.2K", "0,1%")
            for day, price in reversed(days)
        ]
        return b"\xef\xbb\xbf" + lines(header, *rows)

    return write


def table(
    header: str,
    row: Callable[[date, float | None], str],
    *,
    title: str = "",
    order: Callable[[Days], Days] = lambda days: days,
) -> WriteHistory:
    """A title and a header, if there are any, and a row per day, oldest first."""

    def write(days: Days) -> bytes:
        rows = [row(day, price) for day, price in order(days)]
        return lines(*filter(None, (title, header)), *rows)

    return write


def trend(
    header: str = "Week,bitcoin: (Worldwide)",
    *,
    mark: str = ",",
    written: str = "%Y-%m-%d",
    preamble: str = "Category: All categories",
) -> WriteTrend:
    """As Google exports it."""

    def write(weeks: Weeks) -> bytes:
        return lines(preamble, "", header, *(f"{day:{written}}{mark}{value}" for day, value in weeks))

    return write


def seconds(day: date, hour: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp())


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def english(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day:%d, %Y}"


EN = '"Date","Price","Open","High","Low","Vol.","Change %"'
US = "%m/%d/%Y"
plain_history = table("Date,Price", lambda day, price: f"{day:{US}},{number(price)}")
PLAIN_HISTORY = plain_history(DAYS)


def plain_trend(weeks: Weeks) -> bytes:
    return lines("Week,bitcoin", *(f"{day},{value}" for day, value in weeks))


PLAIN_TREND = plain_trend(WEEKS)


@dataclass(frozen=True)
class Form:
    """A way of writing a currency's two files."""

    name: str
    history: WriteHistory = plain_history
    trend: WriteTrend = plain_trend
    settings: Mapping[str, Any] = field(default_factory=dict)

    def variant(self, days: Days = DAYS, weeks: Weeks = WEEKS) -> Variant:
        return Variant(self.name, self.history(days), self.trend(weeks), self.settings)


def history(name: str, write: WriteHistory, **settings: Any) -> Form:
    return Form(name, history=write, settings=settings)


def trends(name: str, write: WriteTrend, **settings: Any) -> Form:
    return Form(name, trend=write, settings=settings)


def edited(edit: Callable[[bytes], bytes]) -> WriteHistory:
    """The plain history with changes."""
    return lambda days: edit(plain_history(days))


def edited_trend(edit: Callable[[bytes], bytes], write: WriteTrend = plain_trend) -> WriteTrend:
    """A trend with changes."""
    return lambda weeks: edit(write(weeks))


def semicolons(price: float | None) -> str:
    return number(price, decimal=",", thousands=".")


# --- histories ----------------------------------------------------------------------------------------

DOTTED = {"date_format": "dd.MM.yyyy", "decimal": ","}
OHLC = "open,high,low,close"
HISTORIES = [
    history("Investing.com in English", investing(EN, lambda day: f"{day:{US}}")),
    history("Investing.com with months by name", investing(EN, english), date_format="MMM dd, yyyy"),
    history(
        "Investing.com in Italian",
        investing(
            '"Data","Ultimo","Apertura","Massimo","Minimo","Vol.","Var. %"',
            lambda day: f"{day:%d.%m.%Y}",
            decimal=",",
            thousands=".",
        ),
        **DOTTED,
        date_column="Data",
        price_column="Ultimo",
    ),
    history(
        "Investing.com in German",
        investing(
            '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"',
            lambda day: f"{day:%d.%m.%Y}",
            decimal=",",
            thousands=".",
        ),
        **DOTTED,
        date_column="Datum",
        price_column="Zuletzt",
    ),
    history(
        "Investing.com in French",
        investing(
            '"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"',
            lambda day: f"{day:%d/%m/%Y}",
            decimal=",",
            thousands=".",
        ),
        date_format="dd/MM/yyyy",
        decimal=",",
        price_column="Dernier",
    ),
    history(
        "Investing.com in Spanish",
        investing(
            '"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."',
            lambda day: f"{day:%d.%m.%Y}",
            decimal=",",
            thousands=".",
        ),
        **DOTTED,
        date_column="Fecha",
        price_column="Último",
    ),
    history(
        "Yahoo",
        table(
            "Date,Open,High,Low,Close,Adj Close,Volume", lambda d, p: f"{d},1,1,1,{number(p)},{number(p)},9"
        ),
        date_format="yyyy-MM-dd",
        price_column="Close",
    ),
    history(
        "Yahoo by way of pandas",
        table("Date,Open,High,Low,Close", lambda d, p: f"{d} 00:00:00+00:00,1,1,1,{number(p)}"),
        date_format="yyyy-MM-dd HH:mm:ss+00:00",
        price_column="Close",
    ),
    history(
        "CoinGecko",
        table("snapped_at,price,market_cap", lambda d, p: f"{d} 00:00:00 UTC,{number(p)},0.0"),
        date_column="snapped_at",
        price_column="price",
        date_format="yyyy-MM-dd HH:mm:ss 'UTC'",
    ),
    history(
        "CoinMarketCap",
        table(
            "timeOpen;timeClose;name;open;high;low;close;volume;timestamp",
            lambda d, p: (
                f'"{d}T00:00:00.000Z";"{d}T23:59:59.999Z";"2781";1;1;1;{number(p)};9;"{d}T23:59:59.999Z"'
            ),
        ),
        date_column="timeOpen",
        price_column="close",
        date_format="yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
        delimiter=";",
    ),
    history(
        "Kraken, without a header",
        table("", lambda d, p: f"{seconds(d)},1,1,1,{number(p)},0.5,12"),
        date_column=1,
        price_column=5,
        date_format="unix",
    ),
    history(
        "Binance, without a header, milliseconds",
        table("", lambda d, p: f"{seconds(d)}000,1,1,1,{number(p)},9,{seconds(d, 23)}999,9,3,1,1,0"),
        date_column=1,
        price_column=5,
        date_format="unix_ms",
    ),
    history(
        "Binance, without a header, microseconds",
        table("", lambda d, p: f"{seconds(d)}000000,1,1,1,{number(p)},9,{seconds(d, 23)}999999,9,3,1,1,0"),
        date_column=1,
        price_column=5,
        date_format="unix_us",
    ),
    history(
        "CryptoDataDownload, with its address above the header",
        table(
            f"unix,date,symbol,{OHLC}",
            title="https://www.CryptoDataDownload.com",
            row=lambda d, p: f"{seconds(d)},{d} 00:00:00,BTC/USD,1,1,1,{number(p)}",
        ),
        date_column="date",
        price_column="close",
        date_format="yyyy-MM-dd HH:mm:ss",
    ),
    history(
        "CryptoDataDownload, by its Unix time",
        table(
            f"unix,date,symbol,{OHLC}",
            title="https://www.CryptoDataDownload.com",
            row=lambda d, p: f"{seconds(d, 17)}000,,BTC/USD,1,1,1,{number(p)}",
        ),
        date_column="unix",
        price_column="close",
        date_format="unix_ms",
    ),
    history(
        "Unix time with a fraction",
        table("time,close", lambda d, p: f"{seconds(d, 23)}.0,{number(p)}"),
        date_column="time",
        price_column="close",
        date_format="unix",
    ),
    history(
        "date and close",
        table("date,close", lambda d, p: f"{d},{number(p)}"),
        date_column="date",
        price_column="close",
        date_format="yyyy-MM-dd",
    ),
    history("a byte-order mark", edited(lambda text: b"\xef\xbb\xbf" + text)),
    history("CRLF", edited(lambda text: text.replace(b"\n", b"\r\n"))),
    history("CR", edited(lambda text: text.replace(b"\n", b"\r"))),
    history("no newline at the end", edited(lambda text: text.rstrip(b"\n"))),
    history("empty lines", edited(lambda text: b"\n" + text.replace(b"\n", b"\n \t\n\n"))),
    history("a delimiter at the end of each line", edited(lambda text: text.replace(b"\n", b",\n"))),
    history(
        "delimiters at the end of the rows alone",
        edited(lambda text: text.replace(b"\n", b",,\n").replace(b",,", b"", 1)),
    ),
    history("rows of delimiters below the table", edited(lambda text: text + b",\n, ,,\n")),
    history(
        "tabs",
        table("Date\tPrice", lambda d, p: f"{d:{US}}\t{number(p, thousands=',')}"),
        delimiter="tab",
    ),
    history("bars", table("Date|Price", lambda d, p: f"{d:{US}}|{number(p)}"), delimiter="|"),
    history(
        "semicolons and decimal commas, as spreadsheets save in much of Europe",
        table("Date;Price;", lambda d, p: f"{d:%d.%m.%Y};{semicolons(p)};"),
        **DOTTED,
        delimiter=";",
    ),
    history("everything quoted", table('"Date","Price"', lambda d, p: quoted(f"{d:{US}}", number(p)))),
    history(
        "quotes inside quotes",
        table('Date,Price,"said ""so"""', lambda d, p: f'{d:{US}},{number(p)},"a ""b"", c"'),
    ),
    history(
        "blanks around fields",
        table(" Date ,\t Price", lambda d, p: f' "{d:{US}} " , {number(p)}\t'),
    ),
    history(
        "days and months without zeros",
        table("Date,Price", lambda d, p: f"{d.day}.{d.month}.{d.year},{number(p)}"),
        date_format="d.M.yyyy",
    ),
    history(
        "days, months by name, years",
        table("Date,Price", lambda d, p: f"{d.day}-{english(d)[:3].upper()}-{d.year},{number(p)}"),
        date_format="d-MMM-yyyy",
    ),
    history(
        "digits alone", table("Date,Price", lambda d, p: f"{d:%Y%m%d},{number(p)}"), date_format="yyyyMMdd"
    ),
    history(
        "hours and minutes",
        table("Date,Price", lambda d, p: f"{d:%d/%m/%Y} 17:05,{number(p)}"),
        date_format="dd/MM/yyyy HH:mm",
    ),
    history(
        "newest first",
        table("Date,Price", lambda d, p: f"{d:{US}},{number(p)}", order=lambda days: days[::-1]),
    ),
    history(
        "no order",
        table(
            "Date,Price", lambda d, p: f"{d:{US}},{number(p)}", order=lambda days: [*days[1::2], *days[::2]]
        ),
    ),
    history(
        "each row twice",
        table("Date,Price", lambda d, p: f"{d:{US}},{number(p)}", order=lambda days: [*days, *days]),
    ),
    history("missing prices left empty", edited(lambda text: text.replace(b",-1\n", b",\n"))),
    history("missing prices as -1.00", edited(lambda text: text.replace(b",-1\n", b",-1.00\n"))),
    history(
        "thousands separated", table("Date,Price", lambda d, p: f'{d:{US}},"{number(p, thousands=",")}"')
    ),
    history("six decimals", table("Date,Price", lambda d, p: f"{d:{US}},{number(p, places=6)}")),
    history(
        "exponents",
        table("Date,Price", lambda d, p: f"{d:{US}},{'-1e0' if p is None else f'{p * 100:.0f}e-2'}"),
    ),
    history(
        "column names in another script",
        table("日付,終値", lambda d, p: f"{d.year}年{d.month}月{d.day}日,{number(p)}"),
        date_column="日付",
        price_column="終値",
        date_format="yyyy年M月d日",
    ),
]

# --- trends -------------------------------------------------------------------------------------------

WORDS = {
    "English": ("Category: All categories", "Week,bitcoin: (Worldwide)"),
    "German": ("Kategorie: Alle Kategorien", "Woche,bitcoin: (Weltweit)"),
    "Italian": ("Categoria: Tutte le categorie", "Settimana,bitcoin: (Tutto il mondo)"),
    "French": ("Catégorie : Toutes les catégories", "Semaine,bitcoin: (Dans tous les pays)"),
    "Japanese": ("カテゴリ: すべてのカテゴリ", "週,ビットコイン: (すべての国)"),
    "Arabic": ("الفئة: جميع الفئات", "الأسبوع,بيتكوين"),
}
TRENDS = [
    *(
        trends(f"Google Trends in {language}", trend(header, preamble=words))
        for language, (words, header) in WORDS.items()
    ),
    trends("less than one", edited_trend(lambda text: text.replace(b",0\n", b",<1\n"))),
    trends(
        "a trend with a byte-order mark and CRLF",
        edited_trend(lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), trend()),
    ),
    trends("a trend without a newline at the end", edited_trend(lambda text: text.rstrip(b"\n"), trend())),
    trends(
        "a trend with everything quoted",
        lambda weeks: lines('"Week","a, b"', *(quoted(f"{d}", f"{v}") for d, v in weeks)),
    ),
    trends(
        "a trend with delimiters at the end", edited_trend(lambda text: text.replace(b"\n", b",\n"), trend())
    ),
    trends(
        "a trend saved by a spreadsheet",
        edited_trend(
            lambda text: text.replace(b"\n", b";\n"), trend("Woche;bitcoin;", mark=";", written="%d.%m.%Y")
        ),
        trend_delimiter=";",
        trend_date_format="dd.MM.yyyy",
    ),
    trends("a trend of tabs", trend("Week\tbitcoin", mark="\t"), trend_delimiter="tab"),
    trends(
        "a trend with the time of day",
        trend(written="%Y-%m-%dT00:00:00"),
        trend_date_format="yyyy-MM-dd'T'HH:mm:ss",
    ),
]

FORMS = [Form("plain"), *HISTORIES, *TRENDS]
SUPPORTED = [form.variant() for form in FORMS]
PLAIN = SUPPORTED[0]


# --- what is refused ----------------------------------------------------------------------------------


def refused(variant: Variant, reason: str) -> Variant:
    return replace(variant, refused=reason)


def of_history(name: str, content: bytes, **settings: Any) -> Variant:
    return Variant(name, content, PLAIN_TREND, settings)


def of_trend(name: str, content: bytes) -> Variant:
    return Variant(name, PLAIN_HISTORY, content)


ROW = f"{FIRST:{US}},1234.50\n".encode()
UNSUPPORTED = [
    refused(
        of_history("UTF-16", PLAIN_HISTORY.decode().encode("utf-16")), "not UTF-8 text but UTF-16: save it"
    ),
    refused(
        of_trend("a trend in UTF-16", trend()(WEEKS).decode().encode("utf-16")),
        "trend: the file is not UTF-8 text",
    ),
    refused(
        of_history("Latin-1", "Date,Price,Höhe\n".encode("latin-1") + ROW),
        "line 1: the file is not UTF-8 text",
    ),
    refused(
        of_history("a spreadsheet", b"PK\x03\x04\x14\0\6\0" + bytes(60)),
        "history: the file is not UTF-8 text",
    ),
    refused(
        of_history("a web page", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"),
        "line 1: columns 'Date' and 'Price' are not in the header (<!DOCTYPE html>)",
    ),
    refused(
        of_history("another delimiter", PLAIN_HISTORY.replace(b",", b";")),
        "line 1: columns 'Date' and 'Price' are not in the header (Date;Price)",
    ),
    refused(
        of_history("another column", PLAIN_HISTORY, price_column="Close"),
        "line 1: column 'Close' is not in the header",
    ),
    refused(
        of_history("another order of day and month", PLAIN_HISTORY, date_format="dd/MM/yyyy"),
        "lines cannot be read; first: line 2: date '02/20/2024' is not a dd/MM/yyyy date",
    ),
    refused(
        of_history(
            "years of two digits", table("Date,Price", lambda d, p: f"{d:%m/%d/%y},{number(p)}")(DAYS)
        ),
        "first: line 2: date '02/20/24' is not a MM/dd/yyyy date",
    ),
    refused(
        of_history(
            "months in German",
            b"Date,Price\n20. Feb. 2024,1\n20. M\xc3\xa4r. 2024,2\n",
            date_format="dd. MMM. yyyy",
        ),
        "line 3: date '20. Mär. 2024' is not a dd. MMM. yyyy date",
    ),
    refused(
        of_history(
            "seconds for milliseconds",
            table("t,p", lambda d, p: f"{seconds(d)},{number(p)}")(DAYS),
            date_column="t",
            price_column="p",
            date_format="unix_ms",
        ),
        "first: line 2: date '1708387200' is not a unix_ms date",
    ),
    refused(
        of_history(
            "milliseconds for seconds",
            table("t,p", lambda d, p: f"{seconds(d)}000,{number(p)}")(DAYS),
            date_column="t",
            price_column="p",
            date_format="unix",
        ),
        "first: line 2: date '1708387200000' is not a unix date",
    ),
    refused(
        of_history("a currency sign", b"Date,Price\n" + ROW.replace(b",", b",$")),
        "line 2: price '$1234.50' is not a number",
    ),
    refused(
        of_history("blanks between thousands", b"Date,Price\n" + ROW.replace(b",1", b",1 ")),
        "line 2: price '1 234.50' is not a number",
    ),
    refused(
        of_history("decimal commas unannounced", b'Date,Price\n02/20/2024,"1.234,50"\n'),
        "line 2: price '1.234,50' is not a number",
    ),
    refused(
        of_history("null for missing", b"Date,Price\n02/20/2024,null\n"),
        "line 2: price 'null' is not a number",
    ),
    refused(
        of_history("two prices for a day", b"Date,Price\n" + ROW + ROW.replace(b"1234", b"1235")),
        "line 3: date 2024-02-20 is already on line 2 with another price",
    ),
    refused(
        of_history("a line cut off", b"Date,Price,Open\n" + ROW), "line 2: 2 fields where the header has 3"
    ),
    refused(
        of_history("an open quote", b'Date,Price\n02/20/2024,"1\n'), "line 2: the quotes are not balanced"
    ),
    refused(
        of_history("a header alone", b"Date,Price\n"), "history: there are no data lines below the header"
    ),
    refused(of_history("an empty file", b""), "history: the file is empty"),
    refused(
        of_history("a header where none is expected", PLAIN_HISTORY, date_column=1, price_column=2),
        "history: line 1: date 'Date' is not a MM/dd/yyyy date",
    ),
    refused(
        of_history("fewer columns than asked for", PLAIN_HISTORY, date_column=1, price_column=5),
        "history: line 1: there is no column 5: the line has 2",
    ),
    refused(
        of_trend("monthly values", b"Month,bitcoin\n2024-01,5\n2024-02,6\n"),
        "first: line 2: '2024-01' is a month: the values are monthly, weekly ones are needed",
    ),
    refused(
        of_trend("two search terms", b"Week,bitcoin,monero\n2024-02-18,1,2\n"),
        "trend: line 1: the header has 3 columns (Week, bitcoin, monero): export one search term alone",
    ),
    refused(
        of_trend("hourly values", b"Time,bitcoin\n2024-02-18T01,5\n"),
        "line 2: date '2024-02-18T01' is not a yyyy-MM-dd date",
    ),
    refused(
        of_trend("a trend above 100", b"Week,bitcoin\n2024-02-18,101\n"),
        "line 2: trend '101' is not within 0 and 100",
    ),
    refused(
        of_trend("a trend with decimals", b"Week,bitcoin\n2024-02-18,1.5\n"),
        "line 2: trend '1.5' is not a whole number",
    ),
    refused(
        of_trend("a trend without a header", b"2024-02-18,1\n"),
        "trend: line 1: there is no header line above the data",
    ),
]
