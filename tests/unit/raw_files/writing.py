"""One price series and one trend, and how they are written in a form.

A `Variant` is two raw files with the fields of the configuration that say how they are written. Prices are
whole hundredths, so that no form loses anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
            files[kind] = folder / f"{kind} of {self.name.replace('/', ' ')}.csv"
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


def four(price: float | None) -> str:
    """Return a day's open, high, low and close, which are the same."""
    return ",".join([number(price)] * 4)
