"""Seconds per currency and peak memory of a local run, beside the same scripts on JVM Spark.

    make bench

Makes synthetic currencies (fixed seed) in a temporary folder. `cryptoetl up` runs with one of them and with
all; the difference, by currency, is what a currency costs beyond start-up, everything from check to verify
included, and the execution's own duration is what the scripts take. JVM Spark then runs the scripts alone, in
one warm session with as many threads as there are processors. All of it happens in this one run, in turns and
several times, so that the ratios mean something on a machine of any speed; quote the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[1]
SPARK_PYTHON = "CRYPTOETL_SPARK_PYTHON"
LAST = date(2022, 11, 19)
WARM_UP = 2
"""Currencies that JVM Spark runs first and that are not counted: it compiles what it runs often."""


class Run(NamedTuple):
    """A whole process."""

    seconds: float
    peak_mb: float


def make_currency(folder: Path, number: int, days: int) -> dict[str, str]:
    """Write a history and a trend; returns the currency's part of the configuration."""
    generator = random.Random(number)
    price, lines = 100.0, ['"Date","Price","Open","High","Low","Vol.","Change %"']
    for back in range(days):
        day = LAST - timedelta(days=back)
        price *= 1 + generator.gauss(0, 0.03)
        shown = "-1" if generator.random() < 0.03 else f"{price:,.3f}"
        lines.append(f'"{day:%m/%d/%Y}","{shown}","1.0","1.0","1.0","1.00K","0.10%"')
    weeks = [LAST - timedelta(days=6 + 7 * week) for week in range(days // 7)]
    history, trend = folder / f"{number} history.csv", folder / f"{number} trend.csv"
    history.write_text("\n".join(lines), encoding="utf-8")
    values = [f"{week},{generator.randint(0, 100)}" for week in reversed(weeks)]
    trend.write_text("\n".join(["Week,interest", *values]), encoding="utf-8")
    return {"ticker": f"C{number}", "history": history.name, "trend": trend.name}


def measure(command: Sequence[str], output: Path) -> Run:
    """Run a command to its end. Raises RuntimeError if it fails."""
    started = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "CRYPTOETL_CACHE": str(output.with_suffix(".cache")),
            },
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} failed:\n{output.read_text(errors='replace')[-3000:]}")
    return Run(seconds, usage.ru_maxrss / 1024)


def local(folder: Path, currencies: Sequence[dict[str, str]]) -> tuple[Run, float]:
    """`cryptoetl up` with these currencies, in a home of its own; and the seconds of its execution alone."""
    name = f"{len(currencies)} currencies"
    config = folder / f"{name}.yaml"
    content = {"local": {"home": f"home of {name}"}, "currencies": currencies}
    config.write_text(json.dumps(content), encoding="utf-8")
    errors, result = folder / f"{name}.err", folder / f"{name}.json"
    words = [sys.executable, "-m", "cryptoetl", "up", "--json", "-c", str(config)]
    run = measure(["sh", "-c", f"exec {shlex.join(words)} >{shlex.quote(str(result))}"], errors)
    execution = json.loads(result.read_text(encoding="utf-8"))["run"]["execution"]
    begun, ended = (datetime.fromisoformat(execution[moment]) for moment in ("started", "ended"))
    return run, (ended - begun).total_seconds()


def spark(python: str, folder: Path, currencies: Sequence[dict[str, str]], threads: int) -> float:
    """The three scripts on JVM Spark; returns seconds per currency once warm."""
    lake = folder / "spark lake"
    places = {name: (lake / name).as_uri().replace("%20", " ") for name in ("raw", "silver", "gold")}
    cases = []
    for currency in currencies:
        ticker = currency["ticker"]
        for kind in ("history", "trend"):
            copy = lake / "raw" / ticker / f"{kind}.csv"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((folder / currency[kind]).read_bytes())
        silver = {
            "--RAW": places["raw"], "--SILVER": places["silver"], "--TICKER": ticker,
            "--HIST_FILE": f"{ticker}/history.csv", "--TREND_FILE": f"{ticker}/trend.csv", "--DROP": "N",
            "--DATE_COLUMN": "Date", "--PRICE_COLUMN": "Price", "--DATE_FORMAT": "MM/dd/yyyy",
            "--DECIMAL": ".", "--DELIMITER": ",", "--TREND_DATE_FORMAT": "yyyy-MM-dd",
            "--TREND_DELIMITER": ",",
        }  # fmt: skip
        gold = {"--SILVER": places["silver"], "--GOLD": places["gold"], "--TICKER": ticker}
        redshift = {
            "--GOLD": places["gold"], "--TICKER": ticker, "--CONNECTION": "crypto-connection",
            "--SCHEMA": "market_data", "--TEMP": places["gold"], "--COPY_ROLE": "-",
        }  # fmt: skip
        steps = {"bronze2silver": silver, "silver2gold": gold, "redshift_upload": redshift}
        for script, arguments in steps.items():
            words = [word for pair in arguments.items() for word in pair]
            cases.append({"name": ticker, "argv": [script, *words]})
    (folder / "cases.json").write_text(json.dumps({"sink": str(lake / "tables"), "cases": cases}))
    command = [
        python, str(REPOSITORY / "tests" / "spark" / "run_scripts.py"), str(folder / "cases.json"),
        str(folder / "outcomes.json"), "--threads", str(threads),
    ]  # fmt: skip
    measure(command, folder / "spark.out")
    outcomes = json.loads((folder / "outcomes.json").read_text())["outcomes"]
    if errors := [outcome["error"] for outcome in outcomes if outcome["error"]]:
        raise RuntimeError(f"JVM Spark failed: {errors[0]}")
    warm = {currency["ticker"] for currency in currencies[WARM_UP:]}
    busy: float = sum(outcome["seconds"] for outcome in outcomes if outcome["name"] in warm)
    return busy / threads / len(warm)


class Round(NamedTuple):
    """One turn of everything; seconds per currency, `spark` is 0 where it was left out."""

    one: Run
    many: Run
    each: float
    scripts: float
    spark: float


def measure_round(folder: Path, currencies: Sequence[dict[str, str]], python: str, on_spark: int) -> Round:
    """Sail and JVM Spark in turn, each from nothing."""
    (one, _), (many, execution) = local(folder, currencies[:1]), local(folder, currencies)
    each = (many.seconds - one.seconds) / (len(currencies) - 1)
    chosen = currencies[: on_spark + WARM_UP]
    seconds = spark(python, folder, chosen, os.cpu_count() or 1) if on_spark else 0.0
    for made in (*folder.glob("home of *"), *folder.glob("*.cache"), folder / "spark lake"):
        shutil.rmtree(made, ignore_errors=True)
    return Round(one, many, each, execution / len(currencies), seconds)


def show(name: str, figures: Sequence[float], unit: str) -> None:
    """The median of a figure, and all of them."""
    listed = "  ".join(f"{figure:.3f}" for figure in figures)
    print(f"{name:30} {statistics.median(figures):8.3f} {unit:4} ({listed})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Local runs beside JVM Spark.")
    parser.add_argument("--currencies", type=int, default=200)
    parser.add_argument("--days", type=int, default=1900)
    parser.add_argument("--spark-currencies", type=int, default=12, help="0 leaves JVM Spark out")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    python = os.environ.get(SPARK_PYTHON, "")
    if options.spark_currencies and not python:
        sys.exit(f"{SPARK_PYTHON} names no Python with JVM Spark: run `make bench`")

    with tempfile.TemporaryDirectory(prefix="cryptoetl benchmark ") as name:
        folder = Path(name)
        currencies = [make_currency(folder, number, options.days) for number in range(options.currencies)]
        rounds = [
            measure_round(folder, currencies, python, options.spark_currencies) for _ in range(options.rounds)
        ]
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}; "
        f"{len(currencies)} currencies of {options.days} days; median (each round)"
    )
    show("cryptoetl up, 1 currency", [r.one.seconds for r in rounds], "s")
    show(f"cryptoetl up, {len(currencies)} currencies", [r.many.seconds for r in rounds], "s")
    show("peak memory", [r.many.peak_mb for r in rounds], "MB")
    show("each beyond start-up", [r.each for r in rounds], "s")
    show("the scripts alone, each", [r.scripts for r in rounds], "s")
    if options.spark_currencies:
        show("the scripts on warm JVM Spark", [r.spark for r in rounds], "s")
        show("ratio of the scripts", [r.spark / r.scripts for r in rounds], "")
        show("ratio to all of `up`", [r.spark / r.each for r in rounds], "")


if __name__ == "__main__":
    main()
