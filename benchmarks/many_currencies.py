"""Time and memory of many small currencies in groups on the local target.

    .venv/bin/python -m benchmarks.many_currencies [--currencies 2000] [--configured 10000]

First the commands that only plan, with 10,000 configured currencies: `render machine` and `deploy --dry-run`.
Then an upload, a run, and its `status`, with a tenth of the currencies and with all of them, in turns: the
ratio of the times per currency is valid on a machine of any speed, and says whether they grow.

RECORDED are the figures of 2026-11-27 on two idle processors.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.processes import Project, Run
from benchmarks.synthetic import Currency, make_currency

RECORDED: Mapping[str, tuple[float, int]] = {
    "render machine, 10,000": (0.9, 99),
    "deploy --dry-run, 10,000": (1.0, 98),
    "run, 200": (7.8, 408),
    "run, 2,000": (65.8, 774),
    "status, 2,000": (0.7, 71),
}
"""Seconds and MB, the medians of three rounds; a currency of 2,000 takes 0.95 times as long as one of 200."""
DAYS = 60
FILES = 50
"""Different files; currencies share them, each with a copy of its own once it is uploaded."""
SIZE = 25


def project(folder: Path, count: int, files: Sequence[Currency]) -> Project:
    """Return a project of this many currencies in groups."""
    currencies = [replace(files[n % len(files)], ticker=f"C{n}") for n in range(count)]
    made = Project(folder, currencies)
    config = folder / "config.yaml"
    content = json.loads(config.read_text(encoding="utf-8")) | {"currencies_per_run": SIZE}
    # As people write it: one key a line. JSON would take the slower loader.
    rows = "".join(
        f"- ticker: {c['ticker']}\n  history: {c['history']}\n  trend: {c['trend']}\n"
        for c in content["currencies"]
    )
    config.write_text(
        f"currencies_per_run: {SIZE}\nlocal:\n  home: {made.home.name}\ncurrencies:\n{rows}", encoding="utf-8"
    )
    return made


@dataclass(frozen=True)
class Figures:
    """What was measured with a number of currencies: each command's process, and the execution's seconds."""

    count: int
    upload: Run
    run: Run
    status: Run
    execution: float

    @property
    def per_currency(self) -> float:
        """Return the milliseconds of the execution per currency."""
        return 1000 * self.execution / self.count


def loaded(folder: Path, count: int, files: Sequence[Currency]) -> Figures:
    """Upload, deploy and run. Raises RuntimeError unless every currency is loaded."""
    made = project(folder, count, files)
    upload = made.run("upload")
    made.run("deploy", "--yes")
    run = made.run("run")
    status = made.run("status", "--json")
    execution = json.loads(made.output("status").read_text(encoding="utf-8"))
    statuses = [currency["status"] for currency in execution["currencies"]]
    if statuses != ["LOADED"] * count:
        raise RuntimeError(f"of {count} currencies {statuses.count('LOADED')} are loaded")
    return Figures(count, upload, run, status, made.execution_seconds())


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure many small currencies on the local target.")
    parser.add_argument("--currencies", type=int, default=2000)
    parser.add_argument("--configured", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    print(f"{os.cpu_count()} processors ({platform.machine()}), load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = [make_currency(folder, number, DAYS) for number in range(FILES)]
        planned = project(folder / "planned", options.configured, files)
        for command in (["render", "machine"], ["deploy", "--dry-run"]):
            found = planned.run(*command)
            print(f"{' '.join(command):>18}: {found.seconds:5.2f} s, {found.peak_mb:4.0f} MB")
        print(f"definition: {len(planned.output('render').read_bytes()):,} bytes")
        counts = (max(1, options.currencies // 10), options.currencies)
        rounds: dict[int, list[Figures]] = {count: [] for count in counts}
        for number in range(options.rounds):
            for count in counts:
                found_now = loaded(folder / f"{count}-{number}", count, files)
                rounds[count].append(found_now)
                show(found_now)
                shutil.rmtree(folder / f"{count}-{number}")
        few, many = (statistics.median(f.per_currency for f in rounds[count]) for count in counts)
        print(f"time per currency: {many:.1f} ms, {many / few:.2f} times that of {counts[0]}")


def show(found: Figures) -> None:
    """Print a line of figures."""
    print(
        f"{found.count:>6}: upload {found.upload.seconds:5.1f} s {found.upload.peak_mb:4.0f} MB, "
        f"run {found.run.seconds:5.1f} s {found.run.peak_mb:4.0f} MB ({found.per_currency:.1f} ms each), "
        f"status {found.status.seconds:.2f} s {found.status.peak_mb:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
