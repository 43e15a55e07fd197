"""Run the Glue scripts, case by case, on the Spark of the Python that executes this file.

    python run_scripts.py CASES.json OUTCOMES.json [--threads N] [--conf NAME=VALUE]

CASES.json: {"sink": folder, "cases": [{"name", "argv": [script name, arguments …]}, …]}. A table that goes to
Redshift is written to `<sink>/<dbtable>.parquet`. OUTCOMES.json: {"spark": version, "peak_mb": memory of the
JVM, "outcomes": [{"name", "error", "seconds"}, …]}, in the order of the cases; `error` is null for a case
that succeeded, `peak_mb` where the system is not Linux.

It imports only two files of cryptoetl, by path: this Python has nothing but PySpark, pandas and PyArrow.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]


def load(path: Path) -> ModuleType:
    """Import the Python file at `path`."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ParquetSink:
    """A sink whose tables are Parquet files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, table: Any, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
    ) -> None:
        import pyarrow.parquet

        assert preactions
        assert postactions
        self._folder.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table, self._folder / f"{dbtable}.parquet")


def run_cases(cases: Sequence[Mapping[str, Any]], sink: Path, threads: int = 1) -> list[dict[str, Any]]:
    """Run every case in the active session.

    Adjacent cases of one name run in sequence, as the steps of a branch; `threads` such groups run in
    parallel.
    """
    glue = ROOT / "cryptoetl" / "local" / "glue"
    load(glue / "runtime.py").install(ParquetSink(sink))
    load_script = load(glue / "engine.py").load_script
    names = {case["argv"][0] for case in cases}
    scripts = {name: load_script(ROOT / "glue_scripts" / f"{name}.py") for name in names}

    def outcome(case: Mapping[str, Any]) -> dict[str, Any]:
        name, *arguments = case["argv"]
        started = time.perf_counter()
        error = None
        try:
            scripts[name].main([f"{name}.py", *arguments])
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        return {"name": case["name"], "error": error, "seconds": time.perf_counter() - started}

    branches = [list(branch) for _, branch in groupby(cases, key=lambda case: case["name"])]
    with ThreadPoolExecutor(threads) as pool:
        return [
            done for branch in pool.map(lambda branch: [*map(outcome, branch)], branches) for done in branch
        ]


def peak_mb(process: int) -> float | None:
    """Return the largest resident memory that a process has had, from Linux's /proc; None elsewhere."""
    status = Path("/proc") / str(process) / "status"
    if not status.exists():
        return None
    lines = status.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Run the Glue scripts on JVM Spark.")
    parser.add_argument("cases", type=Path)
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(argv)

    from pyspark.sql import SparkSession

    logging.disable(logging.INFO)
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
    )
    for name, value in (pair.split("=", 1) for pair in options.conf):
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    work = json.loads(options.cases.read_text(encoding="utf-8"))
    try:
        outcomes = run_cases(work["cases"], Path(work["sink"]), options.threads)
        memory = peak_mb(spark.sparkContext._gateway.proc.pid)
    finally:
        version = spark.version
        spark.stop()
    result = {"spark": version, "peak_mb": memory, "outcomes": outcomes}
    options.outcomes.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
