"""What the tests of the local target share: the reference data, configurations, and the command itself."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("CRYPTOETL_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
SECONDS = 120.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    exit_code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    def expect(self, exit_code: int) -> Done:
        assert self.exit_code == exit_code, f"exit {self.exit_code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        return self


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "cryptoetl.cli", *map(str, arguments)]


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRYPTOETL_")}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **variables}


def cryptoetl(*arguments: str | Path, cwd: Path | None = None, **options: Any) -> Done:
    """Run the command in a process of its own."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        **options,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def write_config(
    folder: Path, currencies: Sequence[Mapping[str, Any]], *, home: str = "home", name: str = "config.yaml"
) -> Path:
    """A configuration in `folder`; JSON is YAML."""
    path = folder / name
    content = {"local": {"home": home}, "currencies": [dict(currency) for currency in currencies]}
    path.write_text(json.dumps(content, default=str, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def history(days: int = 30, *, price: float = 100.0) -> str:
    """A small history of May 2022, with rising prices."""
    lines = ['"Date","Price"']
    lines += [f'"05/{day:02}/2022","{price + day:,.2f}"' for day in range(days, 0, -1)]
    return "\n".join(lines) + "\n"


TREND = "Week,interest\n2022-05-01,10\n2022-05-08,24\n2022-05-15,<1\n2022-05-22,100\n"


def small(folder: Path, *tickers: str, **config: Any) -> Path:
    """A configuration of small synthetic currencies."""
    currencies = []
    for number, ticker in enumerate(tickers):
        (folder / f"{ticker} prices.csv").write_text(history(price=100.0 * (number + 1)), encoding="utf-8")
        (folder / f"{ticker} trend.csv").write_text(TREND, encoding="utf-8")
        currencies.append(
            {"ticker": ticker, "history": f"{ticker} prices.csv", "trend": f"{ticker} trend.csv"}
        )
    return write_config(folder, currencies, **config)


def table(home: Path, name: str) -> list[tuple[Any, ...]]:
    """All rows of a table, by date."""
    import duckdb

    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        query = f'SELECT date, price, trend, pricema, trend_i FROM market_data."{name}" ORDER BY date'
        return connection.execute(query).fetchall()


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def states(done: Done) -> dict[str, tuple[str, str | None]]:
    """Ticker → (status, step), from the JSON of run, status or up."""
    data = done.data
    execution = data.get("execution") or data
    return {
        currency["ticker"]: (currency["status"], currency["step"]) for currency in execution["currencies"]
    }
