"""Progress on standard error: bars and a live table on a terminal, one line per change on a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.text import Text

from cryptoetl.events import FileProgress, Progressed, ResourceProgress, Transfer
from cryptoetl.output.tables import executions
from cryptoetl.output.tables.words import seconds
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus

SMALL_FILE = 2_000_000
"""Bytes below which a file is read or copied before a progress bar could be seen."""


@dataclass(frozen=True, kw_only=True)
class StepChange(StepStatus):
    """A step of a currency that began or ended, with its new status."""

    execution: str
    ticker: str

    def __str__(self) -> str:
        took = seconds(self.started, self.ended)
        duration = f" in {took}" if took else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.ticker} {self.step} {self.status.lower()}{duration}{reason}"


class StepChanges:
    """Finds what is new in each status of an execution."""

    def __init__(self) -> None:
        self._known: dict[str, CurrencyStatus] = {}

    def since_last(self, status: ExecutionStatus) -> Iterator[StepChange]:
        """Yield each step that began or ended since the last call."""
        for currency in status.currencies:
            before = self._known.get(currency.ticker)
            if currency is before:  # the same object: nothing has happened to it
                continue
            self._known[currency.ticker] = currency
            known = [step.status for step in before.steps] if before else repeat("PENDING")
            for step, known_status in zip(currency.steps, known, strict=False):
                if step.status not in (known_status, "PENDING"):
                    yield StepChange(**vars(step), execution=status.name, ticker=currency.ticker)


class _View(Protocol):
    """Something that is redrawn in place until it is stopped."""

    def __init__(self, console: Console) -> None: ...

    def stop(self) -> None: ...


_AnyView = TypeVar("_AnyView", bound=_View)


class ProgressDisplay:
    """Shows progress events; at most one view is on the terminal at a time."""

    def __init__(self, console: Console, write_line: Callable[[str], None]) -> None:
        self._console = console
        self._write_line = write_line
        self._changes = StepChanges()
        self._view: _View | None = None

    def files(self, event: FileProgress | Transfer) -> None:
        """Show how much of the files is read or copied; on a pipe, nothing."""
        if self._console.is_terminal:
            self._current(FileBars).update(event)

    def resource(self, event: ResourceProgress) -> None:
        """Print a line for each finished resource; on a terminal, also a bar with the current one."""
        if event.status != "begins":
            style = "bold red" if event.status == "failed" else "green"
            reason = f": {event.reason}" if event.reason else ""
            self._console.print(Text.assemble((event.status, style), f" {event.what} {event.name}{reason}"))
        if self._console.is_terminal:
            self._current(ResourceBar).update(event)

    def execution(self, event: Progressed) -> None:
        """Show an execution as a live table; on a pipe, as one line for each change of a step."""
        if self._console.is_terminal:
            self._current(ExecutionView).update(event.status)
        elif changes := [str(change) for change in self._changes.since_last(event.status)]:
            self._write_line("\n".join(changes))

    def stop(self) -> None:
        """Remove the current view from the terminal."""
        if self._view is not None:
            self._view.stop()
            self._view = None

    def _current(self, kind: type[_AnyView]) -> _AnyView:
        """Return the view of this kind; any other gives way to it."""
        if isinstance(self._view, kind):
            return self._view
        self.stop()
        view = kind(self._console)
        self._view = view
        return view


class FileBars:
    """A bar for each large file, and one for all copies together."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            console=console,
            transient=True,
        )
        self._started = False
        self._bars: dict[tuple[str, Path, bool], TaskID] = {}
        self._copied: dict[tuple[str, Path, bool], int] = {}
        self._files = self._bytes = self._done = 0
        self._all: TaskID | None = None

    def update(self, event: FileProgress | Transfer) -> None:
        """Show the event; whatever is smaller than SMALL_FILE has no bar."""
        if isinstance(event, Transfer):
            self._files += event.files
            self._bytes += event.bytes
        else:
            self._update_file(event)
        if self._all is None and self._bytes >= SMALL_FILE:
            self._all = self._bar("", self._bytes)
        if self._all is not None:
            self._progress.update(
                self._all,
                description=f"upload of {self._files} files",
                completed=self._done,
                total=self._bytes,
            )

    def _update_file(self, event: FileProgress) -> None:
        key = event.label, event.file, event.copied
        if event.copied:
            self._done += event.done - self._copied.get(key, 0)
            self._copied[key] = event.done
        if event.total < SMALL_FILE:
            return
        if key not in self._bars:
            name = f"{event.label} {event.file.name}{' (upload)' if event.copied else ''}"
            self._bars[key] = self._bar(name, event.total)
        self._progress.update(self._bars[key], completed=event.done, visible=event.done < event.total)

    def _bar(self, name: str, total: int) -> TaskID:
        if not self._started:  # not before there is a bar, so that small files draw nothing
            self._started = True
            self._progress.start()
        return self._progress.add_task(name, total=total)

    def stop(self) -> None:
        """Remove the bars."""
        if self._started:
            self._progress.stop()


class ResourceBar:
    """A bar of the resources of a deploy or destroy, with the name of the current one."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.description}", markup=False),
            console=console,
            transient=True,
        )
        self._progress.start()
        self._bar: TaskID | None = None

    def update(self, event: ResourceProgress) -> None:
        """Show which resource is current and how many are done."""
        what = f"{event.what} {event.name}"
        if self._bar is None:
            self._bar = self._progress.add_task(what, total=event.total)
        self._progress.update(self._bar, description=what, completed=event.done, total=event.total)

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class ExecutionView:
    """A live table of a running execution; currencies that do not fit the screen are counted."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._live.start()

    def update(self, status: ExecutionStatus) -> None:
        """Show this status; the durations of running steps go on by themselves."""
        self._live.update(_LiveTable(status, max(3, self._console.height - 6)))

    def stop(self) -> None:
        """Remove the table."""
        self._live.stop()


@dataclass(frozen=True)
class _LiveTable:
    status: ExecutionStatus
    rows: int

    def __rich__(self) -> RenderableType:
        now = datetime.now().astimezone()
        return executions.execution(self.status, now=now, rows=self.rows)
