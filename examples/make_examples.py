"""Create the files in examples/data: synthetic data in the formats of common downloads.

    python examples/make_examples.py

The prices are random walks and the trends are derived from them; none of them are real quotes.
BTC: newest first, every field quoted, thousands separators, some prices missing (-1), a byte-order
mark. XMR: the same site with another date format and CRLF line ends, and a Google Trends export with
its preamble and `<1`. The same seed gives the same files.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

SEED = 20221119
FIRST, LAST = date(2021, 11, 7), date(2022, 11, 19)
FOLDER = Path(__file__).parent / "data"


def days() -> Iterator[date]:
    """Yield every day from FIRST to LAST."""
    for offset in range((LAST - FIRST).days + 1):
        yield FIRST + timedelta(days=offset)


def walk(generator: random.Random, price: float) -> dict[date, float]:
    """Return a daily random walk that begins at `price`."""
    prices = {}
    for day in days():
        price *= 1 + generator.gauss(-0.001, 0.03)
        prices[day] = price
    return prices


def history(
    generator: random.Random, prices: dict[date, float], date_format: str, decimals: int, missing: float
) -> list[str]:
    """Return the lines of an Investing.com export, newest first; a share `missing` of the prices is -1."""
    lines = ['"Date","Price","Open","High","Low","Vol.","Change %"']
    ordered = sorted(prices, reverse=True)
    for day in ordered:
        price, before = prices[day], prices.get(day - timedelta(days=1), prices[day])
        high, low = max(price, before) * 1.01, min(price, before) * 0.99
        shown = "-1" if generator.random() < missing else f"{price:,.{decimals}f}"
        change = f"{(price / before - 1) * 100:.2f}%"
        cells = [
            day.strftime(date_format),
            shown,
            *(f"{value:,.{decimals}f}" for value in (before, high, low)),
            f"{generator.uniform(1, 90):.2f}K",
            change,
        ]
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return lines


def trend(generator: random.Random, prices: dict[date, float]) -> dict[date, int]:
    """Return weekly interest on Sundays, 0 to 100, proportional to the change of the price."""
    sundays = [day for day in prices if day.weekday() == 6]
    moved = {
        day: abs(prices[min(day + timedelta(days=6), LAST)] / prices[day] - 1) + generator.uniform(0, 0.05)
        for day in sundays
    }
    most = max(moved.values())
    return {day: round(100 * value / most) for day, value in moved.items()}


def main() -> None:
    """Write the four files."""
    generator = random.Random(SEED)
    bitcoin, monero = walk(generator, 54_000), walk(generator, 240)
    FOLDER.mkdir(exist_ok=True)

    lines = history(generator, bitcoin, "%m/%d/%Y", 1, missing=0.03)
    write("BTC_EUR Historical Data.csv", "\n".join(lines), encoding="utf-8-sig")
    weeks = trend(generator, bitcoin)
    lines = ['"Week","bitcoin interest"', *(f"{day},{value}" for day, value in weeks.items())]
    write("google_trend_bitcoin.csv", "\n".join(lines) + "\n")

    lines = history(generator, monero, "%b %d, %Y", 3, missing=0.03)
    write("Monero Historical Data.csv", "\r\n".join(lines), encoding="utf-8-sig")
    lines = ["Category: All categories", "", "Week,monero: (Worldwide)"]
    lines += [f"{day},{value if value >= 8 else '<1'}" for day, value in trend(generator, monero).items()]
    write("monero multiTimeline.csv", "\n".join(lines) + "\n")


def write(name: str, text: str, encoding: str = "utf-8") -> None:
    """Write one file, keeping the line ends of `text`."""
    (FOLDER / name).write_bytes(text.encode(encoding))


if __name__ == "__main__":
    main()
