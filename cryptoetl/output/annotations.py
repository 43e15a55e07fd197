"""Problems with file and line as annotations of GitHub Actions, which a workflow shows in the changed files.

The form and its escapes: GitHub Docs, Workflow commands for GitHub Actions. GitHub shows ten errors and ten
warnings of a step, so the first problem of each file comes before all second ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptoetl.errors import ConfigProblem
from cryptoetl.pipeline.results import CheckResult
from cryptoetl.util.text import printable


@dataclass(frozen=True)
class Annotation:
    """A message about a line of a file; `line` counts from 1 and is None for the whole file."""

    severity: Literal["error", "warning"]
    file: Path
    line: int | None
    title: str
    message: str

    def text(self, root: Path) -> str:
        """Return the workflow command, with the file relative to `root` if it is below it."""
        file = self.file.absolute()
        file = file.relative_to(root) if file.is_relative_to(root) else file
        places = {"file": file.as_posix()} | ({"line": str(self.line)} if self.line else {})
        places["title"] = self.title
        named = ",".join(f"{name}={_property(value)}" for name, value in places.items())
        return f"::{self.severity} {named}::{_data(self.message)}"


def of_check(result: CheckResult) -> Iterator[Annotation]:
    """Yield an annotation for each finding."""
    for currency in result.currencies:
        for report in (currency.history, currency.trend):
            for found in report.findings:
                title = f"{currency.ticker} {found.kind}"
                yield Annotation(found.severity, found.file, found.line, title, found.message)


def of_problems(problems: Iterable[ConfigProblem]) -> Iterator[Annotation]:
    """Yield an annotation for each problem of a configuration."""
    for problem in problems:
        yield Annotation(
            "error", problem.file, problem.line, problem.field or "configuration", problem.message
        )


def commands(annotations: Iterable[Annotation], root: Path) -> str:
    """Return the workflow commands, one a line; empty if there are none."""
    earlier: Counter[Path] = Counter()
    ranked: list[tuple[int, str]] = []
    for annotation in annotations:
        ranked.append((earlier[annotation.file], annotation.text(root)))
        earlier[annotation.file] += 1
    return "".join(f"{text}\n" for _, text in sorted(ranked, key=lambda pair: pair[0]))


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
