"""Code, tests and documentation are written in plain technical English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PLACES = (
    *("cryptoetl", "glue_scripts", "definitions", "docs", "tests", "benchmarks", "examples", ".ci"),
    *("README.md", "CHANGELOG.md", "config.example.yaml", "Makefile", "pyproject.toml"),
)
SUFFIXES = {"", ".py", ".md", ".yaml", ".json", ".sh", ".toml"}

WORDS = re.compile(
    r"(?<![a-z])(?:mend(?:s|ed|ing)?|heed(?:s|ed|ing)?|told|whoever|nobody)(?![a-z])", re.IGNORECASE
)
"""Words that are not idiomatic here; also as parts of identifiers such as `is_told`."""

EXCEPTIONS = {
    ("tests/unit/test_language.py", None): "lists the words",
    ("tests/warehouse/postgres.py", "nobody"): "a user of the operating system",
}


def files() -> Iterator[Path]:
    for place in PLACES:
        path = REPOSITORY / place
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        assert found, place
        for file in found:
            if file.is_file() and file.suffix in SUFFIXES and "__pycache__" not in file.parts:
                yield file


def uses(file: Path) -> Iterator[str]:
    name = file.relative_to(REPOSITORY).as_posix()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        for word in WORDS.findall(line):
            if not {(name, None), (name, word.lower())} & EXCEPTIONS.keys():
                yield f"{name}:{number}: {word}: {line.strip()}"


def test_words_that_are_not_idiomatic_are_not_used() -> None:
    assert [found for file in files() for found in uses(file)] == []


def test_every_exception_is_needed() -> None:
    for name, word in EXCEPTIONS:
        words = {found.lower() for found in WORDS.findall((REPOSITORY / name).read_text(encoding="utf-8"))}
        assert word in words if word else words, name
