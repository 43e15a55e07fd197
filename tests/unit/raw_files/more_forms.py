"""Further forms of histories and trends: dates, numbers, missing prices, and what stands around tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cryptoetl.raw_files import dates
from cryptoetl.raw_files.numerals import MISSING
from tests.unit.raw_files.writing import (
    EN,
    US,
    Days,
    Form,
    Weeks,
    WriteHistory,
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

EXCEL_EPOCH = date(1899, 12, 30)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def month(day: date) -> str:
    """Return the name of a day's month, in English."""
    return dates.FULL_MONTHS[day.month - 1].title()


def weekday(day: date) -> str:
    """Return the name of a day of the week, in English."""
    return WEEKDAYS[day.weekday()]


def dated(name: str, date_format: str, write: Callable[[date], str]) -> Form:
    """A form that differs in its dates."""
    row = table("Date,Price", lambda d, p: f'"{write(d)}",{number(p)}')
    return history(name, row, date_format=date_format)


def counted(name: str, unit: str, write: Callable[[date], str]) -> Form:
    """A form whose dates are counts since 1970."""
    row = table("time,close", lambda d, p: f"{write(d)},{number(p)}")
    return history(name, row, date_column="time", price_column="close", date_format=unit)


def priced(name: str, write: Callable[[float], str], **settings: Any) -> Form:
    """A form that differs in its prices."""
    row = table("Date,Price", lambda d, p: f'{d:{US}},"{number(p) if p is None else write(p)}"')
    return history(name, row, **settings)


def missing(marker: str) -> Form:
    """A form with a marker where a price is missing."""
    row = table("Date,Price", lambda d, p: f"{d:{US}},{marker if p is None else number(p)}")
    return history(f"missing prices as {marker!r}", row)


def below(name: str, *notes: str) -> Form:
    """A form with lines of text below the table."""
    row = table("Date,Price,Open", lambda d, p: f'{d:{US}},"{number(p)}",1')
    return history(name, lambda days: row(days) + lines(*notes))


def joined(name: str, write: WriteHistory) -> Form:
    """A form of two files that were written one after the other."""

    def both(days: Days) -> bytes:
        half = len(days) // 2
        return write(days[half:]) + write(days[:half])

    return history(name, both)


def shifted(price: float, places: int) -> str:
    """Return a price divided by a power of ten, with all its digits."""
    return f"{Decimal(f'{price:.2f}').scaleb(-places):f}"


def lakhs(price: float) -> str:
    """Return a price with its digits in groups as in India."""
    whole, _, fraction = f"{price:.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(at - 2, 0) : at] for at in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail]) + f".{fraction}"


def summer(day: date) -> str:
    """Return an offset that changes within the year."""
    return "+0200" if 3 < day.month < 11 else "+0100"


def in_a_unit(day: date) -> str:
    """Return a count in seconds, milli-, micro- or nanoseconds."""
    return f"{seconds(day)}{'000' * (day.toordinal() % 4)}"


def sometimes_with_time(day: date) -> str:
    return f"{day} 00:00:00" if day.toordinal() % 3 else f"{day}"


def yfinance(days: Days) -> bytes:
    rows = (f"{day},{number(price)},1,1,1,9" for day, price in days)
    labels = (
        "Price,Close,High,Low,Open,Volume",
        "Ticker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD",
        "Date,,,,,",
    )
    return lines(*labels, *rows)


HISTORIES = [
    dated("years of two digits, month first", "MM/dd/yy", lambda d: f"{d:%m/%d/%y}"),
    dated("years of two digits, day first", "dd.MM.yy", lambda d: f"{d:%d.%m.%y}"),
    dated("years of two digits and months by name", "dd-MMM-yy", lambda d: f"{d:%d}-{month(d)[:3]}-{d:%y}"),
    dated("years of two digits without zeros", "M/d/yy", lambda d: f"{d.month}/{d.day}/{d:%y}"),
    dated("full names of months", "MMMM d, yyyy", lambda d: f"{month(d)} {d.day}, {d.year}"),
    dated("full names of months behind days", "d MMMM yyyy", lambda d: f"{d.day} {month(d)} {d.year}"),
    dated("months by name between hyphens", "MMM-dd-yyyy", lambda d: f"{month(d)[:3]}-{d:%d}-{d.year}"),
    dated("weekdays", "EEE MMM dd yyyy", lambda d: f"{weekday(d)[:3]} {month(d)[:3]} {d:%d} {d.year}"),
    dated(
        "full names of weekdays",
        "EEEE, MMMM d, yyyy",
        lambda d: f"{weekday(d)}, {month(d)} {d.day}, {d.year}",
    ),
    dated("AM and PM", "MM/dd/yyyy hh:mm:ss a", lambda d: f"{d:%m/%d/%Y} 12:00:00 AM"),
    dated("am and pm", "M/d/yyyy h:mma", lambda d: f"{d.month}/{d.day}/{d.year} 4:00pm"),
    dated("hours without zeros", "M/d/yyyy H:mm", lambda d: f"{d.month}/{d.day}/{d.year} 4:00"),
    dated("an offset", "yyyy-MM-dd'T'HH:mm:ssXXX", lambda d: f"{d}T05:30:00+05:30"),
    dated("an offset that changes", "yyyy-MM-dd HH:mm:ssXX", lambda d: f"{d} 00:00:00{summer(d)}"),
    dated(
        "an offset behind GMT",
        "dd.MM.yyyy HH:mm:ss.SSS O",
        lambda d: f"{d:%d.%m.%Y} 00:00:00.000 GMT{summer(d)}",
    ),
    dated("Go's times", "yyyy-MM-dd HH:mm:ss XX 'UTC'", lambda d: f"{d} 00:00:00 +0000 UTC"),
    dated("names of zones", "yyyy-MM-dd HH:mm:ss z", lambda d: f"{d} 00:00:00 CEST"),
    dated("microseconds", "yyyy-MM-dd HH:mm:ss.SSSSSS", lambda d: f"{d} 00:00:00.000000"),
    dated("compact ISO", "yyyyMMdd'T'HHmmss'Z'", lambda d: f"{d:%Y%m%d}T000000Z"),
    dated("times on some rows", "yyyy-MM-dd[ HH:mm:ss]", sometimes_with_time),
    dated("Korean dates", "yyyy년 MM월 dd일", lambda d: f"{d.year}년 {d:%m}월 {d:%d}일"),
    dated("Korean dates with blanks", "yyyy- MM- dd", lambda d: f"{d.year}- {d:%m}- {d:%d}"),
    dated("a spreadsheet's serial numbers", "excel", lambda d: f"{(d - EXCEL_EPOCH).days}"),
    counted("nanoseconds", "unix_ns", lambda d: f"{seconds(d)}000000000"),
    counted("counts in several units", "epoch", in_a_unit),
    counted("counts with an exponent", "epoch", lambda d: f"{Decimal(f'{seconds(d)}000'):.10E}"),
    priced("dollars", lambda p: f"${number(p, thousands=',')}"),
    priced("dollars with their country", lambda p: f"US$ {number(p, thousands=',')}"),
    priced("a currency's code", lambda p: f"{number(p)} USD"),
    priced("euros behind prices", lambda p: f"{semicolons(p)} €", decimal=","),
    priced("reals", lambda p: f"R$ {semicolons(p)}", decimal=","),
    priced("a currency's code before prices", lambda p: f"EUR {semicolons(p)}", decimal=","),
    priced("apostrophes between thousands", lambda p: number(p, thousands="'")),
    priced("typographic apostrophes between thousands", lambda p: number(p, thousands="\u2019")),
    priced("no-break spaces", lambda p: number(p, decimal=",", thousands="\u00a0"), decimal=","),
    priced("narrow no-break spaces", lambda p: number(p, decimal=",", thousands="\u202f"), decimal=","),
    priced("lakhs and crores", lakhs),
    priced("thousands as K", lambda p: f"{shifted(p, 3)}K"),
    priced("millions as M", lambda p: f"{shifted(p, 6)}M"),
    priced("billions as B", lambda p: f"{shifted(p, 9)} B"),
    priced("a plus", lambda p: f"+{number(p)}"),
    priced("nothing before the decimal point", lambda p: number(p).removeprefix("0")),
    *map(missing, sorted(MISSING)),
    missing("N/A"),
    missing("NaN"),
    below("notes below", '"This data was produced from a price page."', "http://www.example.com/price/"),
    below(
        "a summary below",
        '"Highest: 1,234.5","Lowest: 1.0","Difference: 1,233.5","Average: 12.0","Change %: 3"',
    ),
    joined("two exports in one file", investing(EN, lambda d: f"{d:{US}}")),
    joined("two files in one", table("Date,Price", lambda d, p: f"{d:{US}},{number(p)}")),
    history(
        "yfinance, with its lines of labels",
        yfinance,
        date_column="Price",
        price_column="Close",
        date_format="yyyy-MM-dd",
    ),
    history(
        "a line that names the delimiter",
        table("Date;Price", lambda d, p: f"{d:{US}};{number(p)}", title="sep=;"),
        delimiter=";",
    ),
    history(
        "an index without a name",
        table(",Date,Price", lambda d, p: f"{d.toordinal()},{d:{US}},{number(p)}"),
    ),
]


def pytrends(weeks: Weeks) -> bytes:
    rows = [f"{day},{value},{day == weeks[-1][0]}" for day, value in weeks]
    return lines("date,bitcoin,isPartial", *rows)


def gtrends(weeks: Weeks) -> bytes:
    rows = [
        f'"{at}",{day},{value or "<1"},"bitcoin","world","today+5-y","web",0'
        for at, (day, value) in enumerate(weeks, 1)
    ]
    return lines(quoted("", "date", "hits", "keyword", "geo", "time", "gprop", "category"), *rows)


def ranges(weeks: Weeks) -> bytes:
    rows = [f"{day} - {day + timedelta(6)},{value}" for day, value in weeks]
    sections = ("", "", "Top regions for bitcoin", "Region,bitcoin", "El Salvador,100", "Nigeria,80")
    return lines("Web Search interest: bitcoin", "", "Interest over time", "Week,bitcoin", *rows, *sections)


TRENDS = [
    trends("pytrends", pytrends),
    trends("gtrendsR", gtrends),
    trends("weeks with their last day", ranges),
    trends("a trend without a header", lambda weeks: lines(*(f"{day},{value}" for day, value in weeks))),
    trends(
        "less than one, with a blank",
        lambda weeks: lines("Week,bitcoin", *(f"{day},{value or '< 1'}" for day, value in weeks)),
    ),
    trends(
        "whole numbers with a decimal point",
        lambda weeks: lines("date,bitcoin", *(f"{day},{value}.0" for day, value in weeks)),
    ),
    trends(
        "the new export of Google Trends",
        lambda weeks: lines('"Time","bitcoin"', *(f'"{day}",{value}' for day, value in weeks)),
    ),
    trends(
        "a trend with years of two digits",
        trend(written="%m/%d/%y"),
        trend_date_format="MM/dd/yy",
    ),
]
