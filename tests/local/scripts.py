"""Helpers that run the scripts on files as job runs do: raw files in, silver and gold sets out.

Needs the `engine` fixture, which starts Sail and makes the modules of a Glue worker importable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cryptoetl.config.models import Currency
from cryptoetl.local.glue.engine import load_script, run_script
from cryptoetl.pipeline import checks
from cryptoetl.pipeline.results import CheckRules

ROOT = Path(__file__).parents[2]

TREND = "Week,bitcoin\n2024-01-07,10\n2024-01-14,17\n"
"""A valid trend file of a user."""


@cache
def script(name: str) -> ModuleType:
    """Return a script by its name without `.py`, imported once for all tests."""
    return load_script(ROOT / "glue_scripts" / f"{name}.py")


def arguments(options: dict[str, str]) -> list[str]:
    """Return options as a job run's arguments."""
    return [text for option in options.items() for text in option]


@dataclass(frozen=True)
class Lake:
    """raw, silver and gold below one folder."""

    folder: Path

    def uri(self, place: str) -> str:
        return (self.folder / place).as_uri()

    def write_raw(self, key: str, content: str | bytes) -> Path:
        """Write a raw file for the scripts; text in UTF-8 with its line ends unchanged."""
        path = self.folder / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def silver_arguments(self, ticker: str = "BTC", **options: str) -> list[str]:
        """Return arguments for bronze2silver; `options` are names without dashes, such as DROP="Y"."""
        files = {"--HIST_FILE": f"{ticker}/history.csv", "--TREND_FILE": f"{ticker}/trend.csv"}
        places = {"--RAW": self.uri("raw"), "--SILVER": self.uri("silver"), "--TICKER": ticker}
        others = {"--DROP": "N"} | {f"--{name}": text for name, text in options.items()}
        return arguments({**places, **files, **others})

    def gold_arguments(self, ticker: str = "BTC") -> list[str]:
        """Return arguments for silver2gold."""
        return arguments({"--SILVER": self.uri("silver"), "--GOLD": self.uri("gold"), "--TICKER": ticker})

    def redshift_arguments(self, ticker: str = "BTC", **options: str) -> list[str]:
        """Return arguments for redshift_upload."""
        plain = {
            "--GOLD": self.uri("gold"),
            "--TICKER": ticker,
            "--CONNECTION": "crypto-connection",
            "--SCHEMA": "market_data",
            "--TEMP": self.uri("temp"),
            "--COPY_ROLE": "-",
        }
        return arguments({**plain, **{f"--{name}": text for name, text in options.items()}})

    def put_raw(
        self,
        history: str | bytes | Path,
        trend: str | bytes | Path = TREND,
        ticker: str = "BTC",
        **settings: Any,
    ) -> None:
        """Store a user's two files, given as their content or by path, in the plain form, as an upload does.

        `settings` are those of the currency in the configuration.
        """
        folder = self.folder / "users" / ticker
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for kind, content in (("history", history), ("trend", trend)):
            files[kind] = folder / kind
            if isinstance(content, Path):
                content = content.read_bytes()
            files[kind].write_bytes(content.encode() if isinstance(content, str) else content)
        currency = Currency.model_validate({"ticker": ticker, **files, **settings})
        rules = CheckRules(date(2024, 1, 1))
        (checked,) = checks.each([currency], rules, lambda _: None, plain=checks.PlainForm(folder))
        assert checked.verdict.ok, checked.verdict.reason
        for file in checked.files:
            assert file.plain is not None
            assert file.plain.path is not None
            self.write_raw(f"{ticker}/{file.kind}.csv", file.plain.path.read_bytes())

    def make_silver(
        self,
        history: str | bytes | Path,
        trend: str | bytes | Path = TREND,
        ticker: str = "BTC",
        *,
        drop: bool = False,
        **settings: Any,
    ) -> None:
        """Store a user's two raw files in the plain form, and run bronze2silver on them."""
        self.put_raw(history, trend, ticker, drop=drop, **settings)
        self.run_silver(ticker, DROP="Y" if drop else "N")

    def run_silver(self, ticker: str = "BTC", **options: str) -> None:
        """Run bronze2silver on the existing raw files."""
        run_script(script("bronze2silver"), self.silver_arguments(ticker, **options))

    def make_gold(self, ticker: str = "BTC") -> None:
        """Run silver2gold."""
        run_script(script("silver2gold"), self.gold_arguments(ticker))

    def table(self, name: str) -> pa.Table:
        """Return a set by its path, such as `silver/BTC_hist`, in the order of the file."""
        return read_set(self.folder / name)

    def history(self, ticker: str = "BTC") -> list[tuple[date, float | None]]:
        """Return the rows of silver's prices."""
        return rows(self.table(f"silver/{ticker}_hist"))

    def trend(self, ticker: str = "BTC") -> list[tuple[date, int]]:
        """Return the rows of silver's trend."""
        return rows(self.table(f"silver/{ticker}_trend"))


def read_set(folder: Path) -> pa.Table:
    """Read the Parquet set in a folder without the engine that wrote it."""
    files = sorted(folder.glob("*.parquet"))
    assert files, f"{folder} holds no parquet file"
    return pa.concat_tables(pyarrow.parquet.read_table(file, partitioning=None) for file in files)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """Return the rows of a table as tuples."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def unequal(ours: Sequence[Any], theirs: Sequence[Any], rel: float) -> list[tuple[int, Any, Any]]:
    """Return the differences of two columns as (index, ours, theirs); floats may differ by `rel`."""

    def same(left: Any, right: Any) -> bool:
        if isinstance(left, float) and isinstance(right, float):
            return math.isclose(left, right, rel_tol=rel)
        return bool(left == right)

    pairs = enumerate(zip(ours, theirs, strict=True))
    return [(place, left, right) for place, (left, right) in pairs if not same(left, right)]
