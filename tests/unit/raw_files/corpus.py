"""A price series and a trend in every form in which people have them.

The supported forms hold the same days and values; the others are refused by the check, with `refused` in the
reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.raw_files import more_forms
from tests.unit.raw_files.writing import (
    DAYS,
    EN,
    FIRST,
    PLAIN_HISTORY,
    PLAIN_TREND,
    US,
    WEEKS,
    Form,
    Variant,
    edited,
    edited_trend,
    english,
    four,
    history,
    investing,
    lines,
    number,
    quoted,
    seconds,
    semicolons,
    table,
    trend,
    trends,
)

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
        table("", lambda d, p: f"{seconds(d)},{four(p)},0.5,12"),
        date_column=1,
        price_column=5,
        date_format="unix",
    ),
    history(
        "Binance, without a header, milliseconds",
        table("", lambda d, p: f"{seconds(d)}000,{four(p)},9,{seconds(d, 23)}999,9,3,1,1,0"),
        date_column=1,
        price_column=5,
        date_format="unix_ms",
    ),
    history(
        "Binance, without a header, microseconds",
        table("", lambda d, p: f"{seconds(d)}000000,{four(p)},9,{seconds(d, 23)}999999,9,3,1,1,0"),
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

FORMS = [Form("plain"), *HISTORIES, *TRENDS, *more_forms.HISTORIES, *more_forms.TRENDS]
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
        "history: it is a zip archive or an Excel workbook that is truncated or damaged",
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
        of_history("blanks between thousands", b"Date,Price\n" + ROW.replace(b",1", b",1 ")),
        "line 2: price '1 234.50' is not a number",
    ),
    refused(
        of_history("decimal commas unannounced", b'Date,Price\n02/20/2024,"1.234,50"\n'),
        "line 2: price '1.234,50' is not a number",
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
]
