"""Seconds and memory of a group of currencies in one process of JVM Spark, as a Glue run works on it.

    CRYPTOETL_SPARK_PYTHON=.venv-spark/bin/python .venv/bin/python -m benchmarks.groups [--currencies 50]

Each step is one process that starts Spark, works on all currencies as a group, and ends: what a Glue run
does, except that the files are on a disk and that the load ends in a file instead of Redshift. A process with
one currency before it gives the part that does not depend on the number of currencies. `--conf` sets Spark
properties, as the job argument of Glue does.

RECORDED are the figures of 2026-11-27 on two idle processors. In two rounds each further currency took
0.84 and 0.83 s for all three steps, from which the estimate of costs is made (cryptoetl/aws/stack/review.py).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.local_run import SPARK_PYTHON
from benchmarks.processes import REPOSITORY, Project, measure
from benchmarks.synthetic import make_currency

RECORDED = {"silver": (21.2, 4.9, 868), "gold": (23.3, 4.5, 833), "redshift": (9.6, 3.4, 754)}
"""Step → seconds of the script with 50 currencies and with one, MB of the JVM with 50."""
STEPS = {"silver": "bronze2silver", "gold": "silver2gold", "redshift": "redshift_upload"}


class Measured(NamedTuple):
    """The figures of one step of a group: the whole process, the script in it, and the JVM's memory."""

    process: float
    script: float
    jvm_mb: float | None


def step(
    python: str, project: Project, name: str, tickers: Sequence[str], options: argparse.Namespace
) -> Measured:
    """Run a step of a group in a new process. Raises RuntimeError if a currency fails."""
    folder = project.folder
    deployed = project.home / "deployed" / "jobs.json"
    jobs = {Path(job["script"]).stem: job["arguments"] for job in json.loads(deployed.read_text())}
    execution = f"of{len(tickers)}"
    own = {
        "--GROUP": json.dumps([item(ticker) for ticker in tickers]),
        "--EXECUTION": execution,
        "--OUTCOMES": (folder / "outcomes").as_uri(),
        "--THREADS": str(options.threads),
    }
    argv = [STEPS[name], *chain.from_iterable({**jobs[STEPS[name]], **own}.items())]
    case = {"sink": str(folder / "tables"), "cases": [{"name": name, "argv": argv}]}
    (folder / "cases.json").write_text(json.dumps(case))
    runner = REPOSITORY / "tests" / "spark" / "run_scripts.py"
    conf = [f"--conf={pair}" for pair in options.conf]
    files = [folder / "cases.json", folder / "result.json"]
    run = measure([python, runner, *files, *conf], folder / "spark.out")
    result = json.loads((folder / "result.json").read_text())
    outcome = json.loads((folder / "outcomes" / execution / name / f"{tickers[0]}.json").read_text())
    bad = {t: found for t, found in outcome["currencies"].items() if found["status"] != "SUCCEEDED"}
    if bad or result["outcomes"][0]["error"] or len(outcome["currencies"]) != len(tickers):
        raise RuntimeError(f"{name} failed: {result['outcomes'][0]['error']} {bad}")
    return Measured(run.seconds, result["outcomes"][0]["seconds"], result["peak_mb"])


def item(ticker: str) -> Mapping[str, Any]:
    """Return a currency as the list of an execution has it."""
    files = {"HIST_FILE": f"{ticker}/history.csv", "TREND_FILE": f"{ticker}/trend.csv"}
    return {"TICKER": ticker, **files, "DROP": "N", "FROM": "silver"}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure a group of currencies on JVM Spark.")
    parser.add_argument("--currencies", type=int, default=50)
    parser.add_argument("--days", type=int, default=1900)
    parser.add_argument("--threads", type=int, default=2 * (os.cpu_count() or 2))
    parser.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(argv)
    python = os.environ.get(SPARK_PYTHON)
    if not python:
        sys.exit(f"{SPARK_PYTHON} does not name a Python with JVM Spark: run `make .venv-spark/ready`")
    print(
        f"{options.currencies} currencies of {options.days} days, {options.threads} threads, "
        f"{os.cpu_count()} processors ({platform.machine()}) {' '.join(options.conf)}"
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = [make_currency(folder, number, options.days) for number in range(options.currencies)]
        project = Project(folder / "project", made)
        project.run("upload")
        project.run("deploy", "--yes")
        tickers = [currency.ticker for currency in made]
        total = one_total = 0.0
        for name in STEPS:
            one = step(python, project, name, tickers[:1], options)
            found = step(python, project, name, tickers, options)
            total, one_total = total + found.process, one_total + one.process
            print(
                f"{name:>9}: process {found.process:5.1f} s, script {found.script:5.1f} s, "
                f"JVM {found.jvm_mb or 0:,.0f} MB; "
                f"one currency: process {one.process:5.1f} s, script {one.script:5.1f} s",
                flush=True,
            )
        further = (total - one_total) / max(1, len(tickers) - 1)
        print(f"all three: {total:.1f} s; each further currency {further:.2f} s")


if __name__ == "__main__":
    main()
