"""Processor time of `cryptoetl --help` and `--version`, compared with another command.

python benchmarks/startup.py [COMMAND …]        default: aws --version
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence

RUNS = 15


def cpu_seconds(command: Sequence[str]) -> float:
    """Return the median of user plus system time of the process, after a warm-up."""
    figures = []
    for _ in range(RUNS + 1):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        figures.append(usage.ru_utime + usage.ru_stime)
    return statistics.median(figures[1:])


def main() -> None:
    """Measure and print. The commands do not alternate: run it on an idle machine."""
    other = sys.argv[1:] or ["aws", "--version"]
    base = cpu_seconds(other) if shutil.which(other[0]) else None
    if base is not None:
        print(f"{' '.join(other):24} {base:.3f} s")
    for option in ("--help", "--version"):
        figure = cpu_seconds([sys.executable, "-m", "cryptoetl", option])
        ratio = f"  ratio {figure / base:.2f}" if base else ""
        print(f"{'cryptoetl ' + option:24} {figure:.3f} s{ratio}")


if __name__ == "__main__":
    main()
