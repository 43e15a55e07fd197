"""Progress on standard error: bars and a live table on a terminal, one line per change on a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cryptoetl.events import Counted, FileProgress, Progressed, ResourceProgress, Transfer
from cryptoetl.output.changes import ProgressLines
from cryptoetl.output.tables.live import live
from cryptoetl.output.tables.view import View
from cryptoetl.state_machine.status import ExecutionStatus

SMALL_FILE = 2_000_000
"""Bytes below which a file is read or copied before a progress bar could be seen."""
MANY = 10
"""Currencies from which on they are counted while they are worked on."""


class _View(Protocol):
    """Something that is redrawn in place until it is stopped."""

    def __init__(self, console: Console) -> None: ...

    def stop(self) -> None: ...


_AnyView = TypeVar("_AnyView", bound=_View)


Shown: TypeAlias = Counted | FileProgress | Transfer | Progressed | ResourceProgress


class ProgressDisplay:
    """Shows progress events; at most one view is on the terminal at a time."""

    def __init__(
        self,
        console: Console,
        write_line: Callable[[str], None],
        clock: Callable[[], datetime],
        *,
        verbose: bool,
    ) -> None:
        self._console = console
        self._write_line = write_line
        self._clock = clock
        self._lines = ProgressLines(verbose=verbose)
        self._view: _View | None = None

    def show(self, event: Shown) -> None:
        """Show an event."""
        match event:
            case Counted():
                self.counted(event)
            case FileProgress() | Transfer():
                self.files(event)
            case Progressed():
                self.execution(event)
            case ResourceProgress():
                self.resource(event)

    def counted(self, event: Counted) -> None:
        """Show how many currencies are through a phase, and the time left; on a pipe, nothing."""
        if self._console.is_terminal:
            self._current(FileBars).count(event)

    def files(self, event: FileProgress | Transfer) -> None:
        """Show how much of the files is read or copied; on a pipe, nothing."""
        if self._console.is_terminal:
            self._current(FileBars).update(event)

    def resource(self, event: ResourceProgress) -> None:
        """Print a line for each finished resource; on a terminal, also a bar with the current one."""
        if event.status != "begins":
            style = "bold red" if event.status == "failed" else "green"
            reason = f": {event.reason}" if event.reason else ""
            piped = event.total is not None and not self._console.is_terminal
            number = f"{event.done} of {event.total}  " if piped else ""
            what = f" {event.what} {event.name}{reason}"
            self._console.print(Text.assemble(number, (event.status, style), what))
        if self._console.is_terminal:
            self._current(ResourceBar).update(event)

    def execution(self, event: Progressed) -> None:
        """Show an execution as a live table; on a pipe, as one line for each change."""
        if self._console.is_terminal:
            self._current(ExecutionView).update(event.status, self._clock)
        elif changes := list(self._lines.since_last(event.status, self._clock())):
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


class _Amount(DownloadColumn):
    """How much of a task is done: currencies, or bytes."""

    def render(self, task: Task) -> Text:
        if task.fields.get("currencies"):
            return Text(f"{task.completed:,.0f} of {task.total or 0:,.0f}", style="progress.download")
        return super().render(task)


class FileBars:
    """A bar for each large file, one for all copies together, and one for the currencies."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            _Amount(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._started = False
        self._bars: dict[tuple[str, Path, bool], TaskID] = {}
        self._copied: dict[tuple[str, Path, bool], int] = {}
        self._files = self._bytes = self._done = 0
        self._all: TaskID | None = None
        self._currencies: TaskID | None = None

    def count(self, event: Counted) -> None:
        """Show how many currencies are done, if there are many."""
        if event.total < MANY:
            return
        if self._currencies is None:
            self._currencies = self._bar("currencies", event.total, currencies=True)
        self._progress.update(self._currencies, completed=event.done)

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

    def _bar(self, name: str, total: int, *, currencies: bool = False) -> TaskID:
        if not self._started:  # not before there is a bar, so that small files draw nothing
            self._started = True
            self._progress.start()
        return self._progress.add_task(name, total=total, currencies=currencies)

    def stop(self) -> None:
        """Remove the bars."""
        if self._started:
            self._progress.stop()


class ResourceBar:
    """A bar of the resources of a deploy or destroy, with the name of the current one."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            BarColumn(),
            TimeElapsedColumn(),
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

    def update(self, status: ExecutionStatus, clock: Callable[[], datetime]) -> None:
        """Show this status; the durations of running steps go on by themselves."""
        self._live.update(_LiveTable(status, max(3, self._console.height - 8), clock))

    def stop(self) -> None:
        """Remove the table."""
        self._live.stop()


@dataclass(frozen=True)
class _LiveTable:
    status: ExecutionStatus
    rows: int
    clock: Callable[[], datetime]

    def __rich__(self) -> RenderableType:
        return live(self.status, View(rows=self.rows, now=self.clock()))
