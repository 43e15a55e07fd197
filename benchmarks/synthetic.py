"""Synthetic currencies with raw files of the usual shapes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

LAST = date(2022, 11, 19)
PREAMBLE = ("Category: All categories", "")


@dataclass(frozen=True)
class Currency:
    """The files of a synthetic currency."""

    ticker: str
    history: Path
    trend: Path
    drop: bool

    def for_config(self) -> dict[str, Any]:
        """Return the currency's part of a configuration."""
        files = {"history": str(self.history), "trend": str(self.trend)}
        return {"ticker": self.ticker, **files, "drop": self.drop}

    def for_scripts(self) -> dict[str, Any]:
        """Return the currency as the scripts of `by_hand` expect it."""
        return {**self.for_config(), "date_format": "%m/%d/%Y", "preamble": len(PREAMBLE)}


def make_currency(folder: Path, number: int, days: int) -> Currency:
    """Write a history in the format of Investing.com and a trend in that of Google Trends."""
    generator = random.Random(number)
    price, lines = 100.0, ['"Date","Price","Open","High","Low","Vol.","Change %"']
    for back in range(days):
        day = LAST - timedelta(days=back)
        price *= 1 + generator.gauss(0, 0.03)
        shown = "-1" if generator.random() < 0.03 else f"{price:,.3f}"
        lines.append(f'"{day:%m/%d/%Y}","{shown}","1.0","1.0","1.0","1.00K","0.10%"')
    weeks = [LAST - timedelta(days=6 + 7 * week) for week in range(days // 7)]
    values = [f"{week},{generator.randint(0, 100)}" for week in reversed(weeks)]
    history, trend = folder / f"{number} history.csv", folder / f"{number} trend.csv"
    history.write_text("\n".join(lines), encoding="utf-8")
    trend.write_text("\n".join([*PREAMBLE, "Week,interest", *values]), encoding="utf-8")
    return Currency(f"C{number}", history, trend, drop=number % 2 == 1)
