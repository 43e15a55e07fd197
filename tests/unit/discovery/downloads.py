"""Generated files in the formats of common download sites: sixty days, twelve weeks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptoetl.discovery.sniffing import sniff
from cryptoetl.discovery.sniffs import HistorySniff, Sniff, TrendSniff

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(number) for number in range(60)]
WEEKS = [date(2023, 12, 31) + timedelta(7 * number) for number in range(12)]


def rows(line: Callable[[date, int], str], days: Iterable[date] = DAYS) -> str:
    """Return a line per day, made from the day and its number."""
    return "".join(f"{line(day, number)}\n" for number, day in enumerate(days))


def seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def investing(date_format: str = "%m/%d/%Y", days: Sequence[date] = DAYS) -> str:
    """Investing.com in English, newest first, a few prices above a thousand."""
    header = '"Date","Price","Open","High","Low","Vol.","Change %"\n'
    return header + rows(
        lambda day, n: f'"{day:{date_format}}","1,2{n:02}.5","1,208.9","1,211.3","1,207.3","0.19K","-0.37%"',
        list(reversed(days)),
    )


def italian(days: Sequence[date] = DAYS) -> str:
    header = '"Data","Ultimo","Apertura","Massimo","Minimo","Vol.","Var. %"\n'
    return header + rows(
        lambda day, n: f'"{day:%d.%m.%Y}","65.6{n:02},5","65.860,0","66.135,3","65.200,0","0,19K","-0,37%"',
        days,
    )


def iso(days: Sequence[date] = DAYS) -> str:
    return "Date,Price\n" + rows(lambda day, n: f"{day},{100 + n}.5", days)


def yahoo() -> str:
    return "Date,Open,High,Low,Close,Adj Close,Volume\n" + rows(
        lambda day, n: f"{day},1.5,3.0,1.0,2.{n},2.{n},123456789"
    )


def coingecko() -> str:
    return "snapped_at,price,market_cap,total_volume\n" + rows(
        lambda day, n: f"{day} 00:00:00 UTC,135.{n},1234567890.5,0.0"
    )


def coinmarketcap() -> str:
    header = "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
    return header + rows(
        lambda day, n: (
            f'"{day}T00:00:00.000Z";"{day}T23:59:59.999Z";"{day}T03:12:00.000Z";"{day}T09:40:00.000Z";"2781";'
            f'1.5;3.0;1.0;2.{n};1e9;1e10;"{day}T23:59:59.999Z"'
        )
    )


def kraken(days: Sequence[date] = DAYS) -> str:
    return rows(lambda day, n: f"{seconds(day)},1.5,3.0,1.0,2.{n},77.5,9", days)


def binance(days: Sequence[date] = DAYS, per_second: int = 1000) -> str:
    return rows(
        lambda day, n: (
            f"{seconds(day) * per_second},1.5,3.0,1.0,2.{n},77.5,"
            f"{(seconds(day) + 86_399) * per_second},1.0,5,2.0,3.0,0"
        ),
        days,
    )


def cryptodatadownload(symbol: str = "BTCUSDT") -> str:
    header = "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount\n"
    return f"https://www.CryptoDataDownload.com\n{header}" + rows(
        lambda day, n: f"{seconds(day)}000,{day} 00:00:00,{symbol},1.5,3.0,1.0,2.{n},77.5,88.5,9"
    )


def trend(term: str = "bitcoin: (Worldwide)", weeks: Sequence[date] = WEEKS) -> str:
    """Google Trends, weekly."""
    return f"Category: All categories\n\nWeek,{term}\n" + rows(
        lambda day, n: f"{day},{n * 3 % 101 or '<1'}", weeks
    )


def monthly_trend(term: str = "bitcoin: (Worldwide)") -> str:
    return f"Category: All categories\n\nMonth,{term}\n" + "".join(
        f"2023-{month:02},{month}\n" for month in range(1, 13)
    )


def stored(folder: Path, files: Mapping[str, str | bytes]) -> list[Sniff]:
    """Store the files and sniff each, in their order."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [found for name in files for found in sniff(folder / name)]


def history_of(folder: Path, content: str | bytes, name: str = "file.csv") -> HistorySniff:
    """Return the file as a history; fail the test if it is anything else."""
    (found,) = stored(folder, {name: content})
    assert isinstance(found, HistorySniff), found
    return found


def trend_of(folder: Path, content: str | bytes, name: str = "file.csv") -> TrendSniff:
    """Return the file as a trend; fail the test if it is anything else."""
    (found,) = stored(folder, {name: content})
    assert isinstance(found, TrendSniff), found
    return found
