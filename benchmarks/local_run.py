"""Time and peak memory of a local run, compared with handwritten scripts and with JVM Spark.

    make bench

Creates synthetic currencies (fixed seed) in a temporary folder. All candidates run alternately and several
times, so that the ratios are valid on a machine of any speed; quote the medians.

- `cryptoetl up`, in an empty home, with one currency and with all. The difference divided by the currencies
  is the cost of a currency beyond start-up, with everything from check to verify.
- The scripts of `by_hand`, which create the same tables from the same files and do nothing else: no check of
  the files, no plan, no history, no retries, no verification.
- The Glue scripts alone on JVM Spark, in one warm session with one thread per processor, on the files that
  `cryptoetl upload` stored and with the arguments that `cryptoetl deploy` deployed.
- With `--large`, also `up` with 1,000 currencies, and the `status` of its execution.

The tables of the first round are compared before anything is reported; the run ends if they are not equal.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.processes import BENCHMARKS, REPOSITORY, Project, Run, by_hand, measure
from benchmarks.synthetic import Currency, make_currency

SPARK_PYTHON = "CRYPTOETL_SPARK_PYTHON"
POLARS_PYTHON = "CRYPTOETL_POLARS_PYTHON"
WARM_UP = 2
"""Currencies that run first and are not measured: JVM Spark compiles hot code, Python its modules."""
RECORDED_SPARK = 2.3
"""Seconds per currency of 1,900 days of the scripts of 2026-11-26 on warm JVM Spark, on the machine with two
processors on which the project's figures were measured. It is a fixed base for comparisons over time: the
measurement of `spark` changes with the scripts."""


# --- JVM Spark ----------------------------------------------------------------------------------------


def spark(python: str, project: Project) -> tuple[Run, float]:
    """Run the scripts on JVM Spark; return the process and the seconds per currency once it is warm.

    The project's own commands store the raw files and render the jobs' arguments.
    """
    project.run("upload")
    project.run("deploy", "--yes")
    folder, threads = project.folder, os.cpu_count() or 1
    cases = list(deployed_cases(project.home / "deployed"))
    (folder / "cases.json").write_text(json.dumps({"sink": str(folder / "tables"), "cases": cases}))
    runner = REPOSITORY / "tests" / "spark" / "run_scripts.py"
    files = [folder / "cases.json", folder / "outcomes.json"]
    run = measure([python, runner, *files, "--threads", str(threads)], folder / "spark.out")
    result = json.loads((folder / "outcomes.json").read_text())
    if errors := [outcome["error"] for outcome in result["outcomes"] if outcome["error"]]:
        raise RuntimeError(f"JVM Spark failed: {errors[0]}")
    tickers = list(dict.fromkeys(outcome["name"] for outcome in result["outcomes"]))
    warm = set(tickers[WARM_UP:])
    busy: float = sum(outcome["seconds"] for outcome in result["outcomes"] if outcome["name"] in warm)
    if result["peak_mb"] is not None:  # the JVM's, which is larger than its Python's
        run = run._replace(peak_mb=result["peak_mb"])
    return run, busy / threads / len(warm)


def deployed_cases(deployed: Path) -> Iterator[dict[str, Any]]:
    """Yield the currencies' job runs, as the state machine would start them, as cases of run_scripts.py."""
    jobs = {job["name"]: job for job in json.loads((deployed / "jobs.json").read_text())}
    machine = json.loads((deployed / "state_machine.json").read_text())
    for parameters in tasks(machine["States"]):
        job = jobs[parameters["JobName"]]
        arguments = {**job["arguments"], **parameters["Arguments"]}
        if ticker := arguments.get("--TICKER"):
            argv = [Path(job["script"]).stem, *chain.from_iterable(arguments.items())]
            yield {"name": ticker, "argv": argv}


def tasks(states: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters of each task, including those in branches."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state["Parameters"]
        for branch in state.get("Branches", ()):
            yield from tasks(branch["States"])


# --- rounds -------------------------------------------------------------------------------------------


class Compared(NamedTuple):
    """The candidates: the Python of each script of `by_hand`, and the number of currencies of the others."""

    scripts: Mapping[str, str]
    spark_python: str
    on_spark: int
    """Measured currencies; 0 skips JVM Spark."""
    large: int
    """Currencies of the large run; 0 skips it."""


class Round(NamedTuple):
    """One round of all candidates; skipped ones are 0 or absent."""

    runs: Mapping[str, Run]
    currencies: int
    large: int
    execution: float
    """Seconds of the execution inside `up` with all currencies."""
    spark: float
    """Seconds per currency on warm JVM Spark."""

    def each(self, name: str, currencies: int) -> float:
        """Return the seconds per currency of an `up` beyond start-up."""
        return (self.runs[name].seconds - self.runs["up, 1"].seconds) / (currencies - 1)


def measure_round(
    folder: Path, currencies: Sequence[Currency], count: int, compared: Compared, *, verify: bool = False
) -> Round:
    """Run all candidates once, each in new folders. Raises RuntimeError if `verify` finds unequal tables."""
    folder.mkdir()
    chosen = currencies[:count]
    one, many = Project(folder / "one", chosen[:1]), Project(folder / "many", chosen)
    runs = {"up, 1": one.run("up"), "up": many.run("up")}
    for script, python in compared.scripts.items():
        runs[script] = by_hand(folder, script, python, chosen)
    warehouses = [folder / script / "warehouse.duckdb" for script in compared.scripts]
    runs["status"] = many.run("status", "--json")
    each_on_spark = 0.0
    if compared.on_spark:
        project = Project(folder / "spark", chosen[: compared.on_spark + WARM_UP])
        runs["JVM Spark"], each_on_spark = spark(compared.spark_python, project)
        warehouses.append(project.folder / "tables")
    if compared.large:
        large = Project(folder / "large", currencies[: compared.large])
        runs["up, large"] = large.run("up")
        runs["status, large"] = large.run("status", "--json")
    if verify:
        comparison = BENCHMARKS / "same_tables.py"
        measure(
            [sys.executable, comparison, many.home / "warehouse.duckdb", *warehouses], folder / "same.out"
        )
    result = Round(runs, count, compared.large, many.execution_seconds(), each_on_spark)
    shutil.rmtree(folder)
    return result


# --- the report ---------------------------------------------------------------------------------------


def show(name: str, figures: Sequence[float], unit: str = "") -> None:
    """Print the median of a figure, and the figure of each round."""
    listed = "  ".join(f"{figure:.3f}" for figure in figures)
    print(f"{name:46} {statistics.median(figures):9.3f} {unit:3} ({listed})")


def quotients(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return each round's ratio of two figures."""
    return [one / other for one, other in zip(above, below, strict=True)]


def report(rounds: Sequence[Round], compared: Compared) -> None:
    """Print seconds, memory and ratios."""
    first = rounds[0]
    titles = {
        "up, 1": "cryptoetl up, 1 currency",
        "up": f"cryptoetl up, {first.currencies} currencies",
        **{script: f"by hand: {script}, {first.currencies} currencies" for script in compared.scripts},
        "status": f"cryptoetl status, {first.currencies} currencies",
        "JVM Spark": f"JVM Spark, {compared.on_spark + WARM_UP} currencies, from its start",
        "up, large": f"cryptoetl up, {first.large} currencies",
        "status, large": f"cryptoetl status, {first.large} currencies",
    }
    shown = {name: title for name, title in titles.items() if name in first.runs}
    print("\nseconds of whole processes")
    for name, title in shown.items():
        show(title, [r.runs[name].seconds for r in rounds], "s")
    print("\npeak memory")
    for name, title in shown.items():
        show(title, [r.runs[name].peak_mb for r in rounds], "MB")

    each = [r.each("up", r.currencies) for r in rounds]
    scripts = [r.execution / r.currencies for r in rounds]
    print("\nseconds per currency")
    show("cryptoetl up, beyond start-up", each, "s")
    show("the Glue scripts alone, on Sail", scripts, "s")
    if compared.on_spark:
        show("the Glue scripts alone, on warm JVM Spark", [r.spark for r in rounds], "s")
    if compared.large:
        each_large = [r.each("up, large", r.large) for r in rounds]
        show(f"cryptoetl up, beyond start-up, {first.large} currencies", each_large, "s")

    print("\nratios")
    for script in compared.scripts:
        show(f"up / {script}", [r.runs["up"].seconds / r.runs[script].seconds for r in rounds])
    for script in compared.scripts:
        show(f"up / {script}, peak memory", [r.runs["up"].peak_mb / r.runs[script].peak_mb for r in rounds])
    if compared.on_spark:
        on_spark = [r.spark for r in rounds]
        show("warm JVM Spark / the scripts on Sail", quotients(on_spark, scripts))
        show("warm JVM Spark / up beyond start-up", quotients(on_spark, each))
    show(f"recorded {RECORDED_SPARK} s of JVM Spark / up", [RECORDED_SPARK / figure for figure in each])
    if compared.large:
        name = f"{first.large} / {first.currencies} currencies"
        show(f"{name}, per currency", quotients(each_large, each))
        for command in ("up", "status"):
            pairs = [(r.runs[f"{command}, large"], r.runs[command]) for r in rounds]
            show(f"{name}, peak memory of {command}", [large.peak_mb / run.peak_mb for large, run in pairs])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Compare local runs with handwritten scripts and JVM Spark.")
    parser.add_argument("--currencies", type=int, default=200)
    parser.add_argument("--days", type=int, default=1900)
    parser.add_argument("--spark-currencies", type=int, default=12, help="0 skips JVM Spark")
    parser.add_argument(
        "--large", type=int, nargs="?", const=1000, default=0, help="also measure this many currencies (1000)"
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.currencies < max(2, options.spark_currencies + WARM_UP):
        parser.error(f"--currencies must be at least {max(2, options.spark_currencies + WARM_UP)}")
    python, polars = os.environ.get(SPARK_PYTHON, ""), os.environ.get(POLARS_PYTHON, "")
    if options.spark_currencies and not python:
        sys.exit(f"{SPARK_PYTHON} names no Python with JVM Spark: run `make bench`")
    scripts = {"duckdb_sql": sys.executable, "with_pandas": sys.executable}
    if polars:
        scripts["with_polars"] = polars
    else:
        print(f"{POLARS_PYTHON} names no Python with Polars: with_polars is skipped", file=sys.stderr)

    compared = Compared(scripts, python, options.spark_currencies, options.large)
    with tempfile.TemporaryDirectory(prefix="cryptoetl-benchmark-") as name:
        raw, folder = Path(name) / "raw", Path(name) / "round"
        raw.mkdir()
        numbers = range(max(options.currencies, options.large))
        currencies = [make_currency(raw, number, options.days) for number in numbers]
        measure_round(folder, currencies, WARM_UP, compared._replace(on_spark=0, large=0))
        rounds = [
            measure_round(folder, currencies, options.currencies, compared, verify=number == 0)
            for number in range(options.rounds)
        ]
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}; "
        f"{options.currencies} currencies of {options.days} days; median (each round)"
    )
    report(rounds, compared)


if __name__ == "__main__":
    main()
