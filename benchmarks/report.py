"""Time and size of `cryptoetl report` on the local target, for several numbers of currencies.

python -m benchmarks.report [--days 1900] [--currencies 2 250] [--fail 1] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.synthetic import make_currency


def measure(folder: Path, currencies: int, days: int, failing: int) -> tuple[float, float, int]:
    """Load synthetic currencies, and return seconds, processor seconds and bytes of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [make_currency(folder, number, days) for number in range(currencies)]
    config = {"max_age_days": None, "currencies": [currency.for_config() for currency in made]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    fail = [word for number in range(failing) for word in ("--fail", f"C{2 * number}:gold")]
    _run(folder, "up", *fail, codes=(0, 1))
    began, used = time.perf_counter(), _processor()
    _run(folder, "report", "--output", "report.html", codes=(0,))
    return time.perf_counter() - began, _processor() - used, (folder / "report.html").stat().st_size


def _processor() -> float:
    """Return the processor time of the commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _run(folder: Path, *arguments: str, codes: tuple[int, ...]) -> None:
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "cryptoetl", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in codes:
        raise SystemExit(done.stderr)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=1900)
    parser.add_argument("--currencies", type=int, nargs="+", default=[2, 250])
    parser.add_argument("--fail", type=int, default=1, help="currencies whose gold step fails on purpose")
    parser.add_argument("--keep", type=Path, help="folder for the files; a temporary one by default")
    options = parser.parse_args()
    print("| currencies | seconds | of a processor | MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for currencies in options.currencies:
            folder = (options.keep or Path(temporary)) / str(currencies)
            seconds, used, size = measure(
                folder, currencies, options.days, min(options.fail, currencies // 2)
            )
            print(f"| {currencies:,} | {seconds:.1f} | {used:.1f} | {size / 1e6:.1f} |", flush=True)


if __name__ == "__main__":
    main()
