"""Fuzz test: generated configurations and raw files for `check` and `init`, in one process.

    .venv/bin/python -m tests.fuzz [COUNT] [SEED]

Each of COUNT configurations (default 1,000) and as many pairs of files must end with exit code 0, 1 or 2
and no "error: unexpected", within 5 seconds; the process must stay below 500 MB. Failures are
printed with their seed and content, and the exit code is 1.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from cryptoetl.cli import app
from tests.conftest import DATA

SECONDS, MEGABYTES = 5.0, 500
CONFIG = (Path(__file__).parents[1] / "config.example.yaml").read_text(encoding="utf-8")
YAML_PIECES = (
    *(
        "&a ",
        "*a",
        "<<: *a\n",
        "<<: [*a, *a]\n",
        "[",
        "]",
        "{",
        "}",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "? ",
        "|\n",
        ">\n",
    ),
    *(
        "!!binary x",
        "!!python/object:os.system",
        "!!set",
        "~",
        "null",
        "yes",
        ".nan",
        ".inf",
        "1e999",
        "0x1f",
        "1_0",
    ),
    *(
        "2024-13-45",
        "'",
        '"',
        "#",
        "%YAML 9\n",
        "---\n",
        "...\n",
        "\x00",
        "\ufeff",
        "\x1b[2J",
        "é",
        "…",
        "9" * 400,
    ),
    *("ticker: BTC\n", "history: /dev/zero\n", "trend: .\n", "currencies:\n", "aws: {glue: {workers: -1}}\n"),
)
FILE_PIECES = (
    *(
        ",",
        ";",
        "\t",
        "|",
        '"',
        '""',
        "\n",
        "\r",
        "\r\n",
        "\x00",
        "\ufeff",
        "-1",
        "n/a",
        "1e400",
        "1,234.5",
        "1.234,5",
    ),
    *(
        "2024-02-30",
        "01/02/2024",
        "Nov 19, 2022",
        "1700000000",
        "9" * 400,
        "Date",
        "Price",
        "Week",
        "Month",
        "<1",
        "101",
    ),
    *("\x1b[2J", "é", "\u202e", "Category: All categories\n\n", "-", "$", "%", " ", "\u00a0"),
)


def mutated(text: str, pieces: tuple[str, ...], chance: random.Random) -> str:
    """Return the text with some places cut, repeated or filled with pieces."""
    for _ in range(chance.choice((1, 1, 2, 3, 8, 30))):
        at = chance.randrange(len(text) + 1)
        length = chance.choice((0, 1, 3, 20))
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[:at] + text[at : at + length] * chance.choice((2, 3, 50)) + text[at + length :]
            case 2:
                text = text[:at] + chance.choice(pieces) * chance.choice((1, 1, 1, 200)) + text[at:]
            case _:
                text = text[:at] + chance.choice(pieces) + text[at + length :]
    return text[:200_000]


def configuration(folder: Path, chance: random.Random) -> list[list[str]]:
    """Write a configuration; return the commands to try on it."""
    text = mutated(CONFIG, YAML_PIECES, chance).replace("\ud800", "")
    (folder / "config.yaml").write_bytes(text.encode(errors="replace"))
    return [["check", "-c", str(folder / "config.yaml")]]


def raw_files(folder: Path, chance: random.Random) -> list[list[str]]:
    """Write a history, a trend and a valid configuration; return the commands to try on them."""
    for kind, sources in SOURCES.items():
        content = mutated(chance.choice(sources), FILE_PIECES, chance)
        encoding = chance.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1"))
        (folder / f"{kind}.csv").write_bytes(content.encode(encoding, errors="replace"))
    path = folder / "config.yaml"
    path.write_text(
        f"currencies:\n- ticker: BTC\n  history: {folder}/history.csv\n  trend: {folder}/trend.csv\n",
        encoding="utf-8",
    )
    return [
        ["check", "-c", str(path)],
        ["init", str(folder), "--yes", "--force", "-c", str(folder / "made.yaml")],
    ]


def _samples(*patterns: str) -> list[str]:
    paths = [path for pattern in patterns for path in sorted(DATA.rglob(pattern))]
    return [
        "\n".join(path.read_text(encoding="utf-8-sig", errors="replace").splitlines()[:60]) for path in paths
    ]


SOURCES = {"history": _samples("*ist*.csv", "*Data*.csv"), "trend": _samples("*imeline*.csv", "*trend*.csv")}


def complaint(commands: list[list[str]]) -> str | None:
    """Run the commands; return a description of the first wrong result, or None."""
    for command in commands:
        begun = time.process_time()
        result = CliRunner().invoke(app, command)
        seconds = time.process_time() - begun
        if result.exit_code not in (0, 1, 2) or "error: unexpected" in result.output:
            return f"{command[0]}: exit code {result.exit_code}\n{result.output[-2000:]}{result.exception!r}"
        if seconds > SECONDS:
            return f"{command[0]}: {seconds:.1f} s"
    return None


def main(count: int = 1000, seed: int = 1) -> int:
    """Try `count` examples of each kind; return the number of failures."""
    os.environ["CRYPTOETL_CACHE"] = tempfile.mkdtemp()
    wrong = 0
    makers: tuple[Callable[[Path, random.Random], list[list[str]]], ...] = (configuration, raw_files)
    for make in makers:
        begun, slowest = time.monotonic(), 0.0
        for number in range(count):
            with tempfile.TemporaryDirectory() as folder:
                commands = make(Path(folder), random.Random(f"{seed} {number}"))
                one = time.process_time()
                if problem := complaint(commands):
                    wrong += 1
                    contents = [path.read_bytes()[:2000] for path in Path(folder).iterdir() if path.is_file()]
                    print(f"{make.__name__} {seed} {number}: {problem}\n{contents}\n")
                slowest = max(slowest, time.process_time() - one)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        wrong += peak > MEGABYTES
        print(
            f"{make.__name__}: {count:,} tried in {time.monotonic() - begun:.0f} s, "
            f"the slowest {slowest:.2f} s, peak memory {peak:.0f} MB, {wrong} wrong so far",
            flush=True,
        )
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
