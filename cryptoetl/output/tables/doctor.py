"""The lines of `doctor`: one for each diagnosis, below the name of its area."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cryptoetl.pipeline.results import DoctorResult
from cryptoetl.target.diagnosis import Diagnosis, Verdict

STYLES: dict[Verdict, str] = {
    "passed": "green",
    "warned": "yellow",
    "failed": "bold red",
    "skipped": "dim",
}


def lines(found: Diagnosis, *, first: bool) -> Iterator[RenderableType]:
    """Yield the diagnosis and the next step, after the name of the area if it is the `first` of that."""
    if first:
        yield Text(found.area, style="bold")
    what = f"{found.what}: " if found.what else ""
    yield _indented(Text(found.verdict, style=STYLES[found.verdict]), Text(f"{what}{found.detail}"))
    if found.hint:
        yield _indented(Text(), Text(found.hint, style="dim"))


def _indented(verdict: Text, text: Text) -> Table:
    """Return the text beside the verdict, wrapped to the right of it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=len("  skipped"))
    grid.add_column(overflow="fold")
    grid.add_row(Text("  ") + verdict, text)
    return grid


def summary(result: DoctorResult) -> Text:
    """Return the number of diagnoses by verdict."""
    parts = [f"{result.count(verdict)} {verdict}" for verdict in STYLES if result.count(verdict)]
    return Text(f"{', '.join(parts)}.")
