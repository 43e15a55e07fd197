"""What a person sees: results as tables or JSON on standard output, everything else on standard error.

On a terminal a run is a live table; piped, it is one plain line per change.

File names, cells, error texts and logs may hold escape sequences, which a terminal would obey. `_Console`,
through which all of rich's output goes, and `Terminal.text` print them as plain text.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate, repeat
from types import TracebackType
from typing import IO, Any, TextIO, assert_never

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.segment import Segment
from rich.text import Span, Text

from cryptoetl.errors import CryptoetlError
from cryptoetl.events import Event, FileProgress, Phase, Progressed, ResourceProgress, Transfer, Warned
from cryptoetl.output import tables
from cryptoetl.output.serialize import to_data
from cryptoetl.output.tables import Result, executions
from cryptoetl.output.tables.words import seconds
from cryptoetl.pipeline.results import StepLine
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus
from cryptoetl.util.interruption import deferred
from cryptoetl.util.text import printable

PIPED_WIDTH = 10_000
"""Columns where nobody looks at a screen: nothing is cut or wrapped."""
SMALL_FILE = 2_000_000
"""Bytes below which a file is read or copied before a progress bar could be seen."""


_ALL = ""
"""The bar of all files together."""


class Terminal:
    """One object for all output of a command; use it as a context manager, which ends the live view."""

    def __init__(self, *, as_json: bool = False, verbose: bool = False) -> None:
        codecs.register_error("spelled", _spelled)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="spelled")  # a terminal without the letters must not end a run
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr, stderr=True)
        self._as_json = as_json
        self._verbose = verbose
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._files: dict[str, TaskID] = {}
        self._copied: dict[str, int] = {}
        self._shown: dict[str, CurrencyStatus] = {}

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_views()

    # --- results, on standard output

    def show(self, result: Result) -> None:
        """Print a result: a table for people, or JSON."""
        self._end_views()
        if self._as_json:
            self._write_json(to_data(result))
            return
        for part in tables.render(result, verbose=self._verbose, now=datetime.now().astimezone()):
            self.out.print(part)

    def text(self, text: str) -> None:
        """Print a document (a state machine, a schema); as JSON it keeps its meaning."""
        self._write(_json_escapes(text))

    def data(self, text: str) -> None:
        """Print data for another program exactly; on a terminal, as a document for people."""
        self._write(printable(text) if sys.stdout.isatty() else text)

    def _write(self, text: str, stream: IO[str] | None = None) -> None:
        """Write text to a stream, standard output by default, without a detour through rich."""
        stream = stream or sys.stdout
        try:
            stream.write(text if text.endswith("\n") else text + "\n")
            stream.flush()
        except BrokenPipeError:
            _forget(stream)

    def show_line(self, line: StepLine) -> None:
        """Print a line of a log as it comes; as JSON, one object a line."""
        if self._as_json:
            self._write_json(to_data(line), indent=None)
        else:
            self.out.print(executions.log_line(line))

    def _write_json(self, data: Any, indent: int | None = 2) -> None:
        plain = not (sys.stdout.encoding or "").lower().startswith("utf")  # names must survive any encoding
        self.text(json.dumps(data, indent=indent, ensure_ascii=plain))

    # --- progress and messages, on standard error

    @deferred()
    def observe(self, event: Event) -> None:
        """Show an event of a use case."""
        match event:
            case Phase():
                self._end_views()
            case FileProgress():
                self._file_progress(event)
            case Transfer():
                self._transfer(event)
            case Warned():
                self.warn(event.message)
            case Progressed():
                self._progressed(event.status)
            case ResourceProgress():
                self._resource_progress(event)
            case _:
                assert_never(event)

    @deferred()
    def say(self, message: str) -> None:
        self.err.print(Text(printable(message)))

    @deferred()
    def warn(self, message: str) -> None:
        self.err.print(Text.assemble(("warning: ", "yellow"), printable(message)))

    def error(self, error: CryptoetlError) -> None:
        """Print what went wrong and what to do; as JSON on standard output too, if that was asked for."""
        self._end_views()
        label = "interrupted: " if error.exit_code == 130 else "error: "
        self.err.print(Text.assemble((label, "bold red"), printable(error.message)))
        if error.hint:
            self.err.print(Text(printable(error.hint), style="dim"))
        if self._as_json:
            self._write_json({"error": error.message, "hint": error.hint, "exit_code": error.exit_code})

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return sys.stdin.isatty() and self.err.is_terminal and not self._as_json

    def confirm(self, question: str) -> bool:
        """Ask on the terminal."""
        return self.ask(f"{question} [y/N] ").lower() in ("y", "yes")

    def ask(self, question: str) -> str:
        """What the user types on the terminal."""
        self.err.print(Text(question), end="")
        return sys.stdin.readline().strip()

    def _transfer(self, event: Transfer) -> None:
        """A bar for all files together."""
        if event.bytes >= SMALL_FILE and self.err.is_terminal:
            name = f"upload of {event.files} files"
            self._files[_ALL] = self._bars().add_task(name, total=event.bytes)

    def _file_progress(self, event: FileProgress) -> None:
        if not self.err.is_terminal:
            return
        name = f"{event.label} {event.file.name}{' (upload)' if event.copied else ''}"
        if event.copied and _ALL in self._files:
            self._bars().advance(self._files[_ALL], event.done - self._copied.get(name, 0))
            self._copied[name] = event.done
        if event.total < SMALL_FILE:
            return
        if name not in self._files:
            self._files[name] = self._bars().add_task(name, total=event.total)
        self._bars().update(self._files[name], completed=event.done, visible=event.done < event.total)

    def _bars(self) -> Progress:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                console=self.err,
                transient=True,
            )
            self._progress.start()
        return self._progress

    def _resource_progress(self, event: ResourceProgress) -> None:
        """A line for each resource that is through; on a terminal also a bar with what is being worked on."""
        if event.status == "begins":
            if self.err.is_terminal:
                self._resource_bar(event)
            return
        style = "bold red" if event.status == "failed" else "green"
        reason = f": {event.reason}" if event.reason else ""
        self.err.print(Text.assemble((event.status, style), f" {event.what} {event.name}{reason}"))
        if self.err.is_terminal:
            self._resource_bar(event)

    def _resource_bar(self, event: ResourceProgress) -> None:
        if self._progress is None:
            self._progress = Progress(
                BarColumn(),
                TextColumn("{task.completed}/{task.total} {task.description}", markup=False),
                console=self.err,
                transient=True,
            )
            self._progress.start()
        what = f"{event.what} {event.name}"
        if "resources" not in self._files:
            self._files["resources"] = self._progress.add_task(what, total=event.total)
        self._progress.update(
            self._files["resources"], description=what, completed=event.done, total=event.total
        )

    def _progressed(self, status: ExecutionStatus) -> None:
        if self.err.is_terminal:
            if self._live is None:
                self._live = Live(console=self.err, refresh_per_second=4, transient=True)
                self._live.start()
            self._live.update(_LiveView(status, self.err.height))
        else:
            if lines := list(self._changes(status)):
                self._write(printable("\n".join(lines)), self.err.file)

    def _changes(self, status: ExecutionStatus) -> Iterable[str]:
        """One line for each step that began or ended since the last call."""
        for currency in status.currencies:
            before = self._shown.get(currency.ticker)
            if currency is before:  # nothing has happened to it
                continue
            self._shown[currency.ticker] = currency
            shown = [step.status for step in before.steps] if before else repeat("PENDING")
            for step, shown_status in zip(currency.steps, shown, strict=False):
                if step.status in (shown_status, "PENDING"):
                    continue
                took = seconds(step.started, step.ended)
                reason = f": {step.reason}" if step.reason else ""
                duration = f" in {took}" if took else ""
                yield f"{currency.ticker} {step.step} {step.status.lower()}{duration}{reason}"

    def _end_views(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._files.clear()
            self._copied.clear()


class _LiveView:
    """The table of a running execution; what does not fit the screen is counted."""

    def __init__(self, status: ExecutionStatus, height: int) -> None:
        self._status = status
        self._rows = max(3, height - 6)

    def __rich__(self) -> RenderableType:
        now = datetime.now().astimezone()
        return executions.execution(self._status, now=now, rows=self._rows)


class _Console(Console):
    """A console that prints text as `printable` has it; rich's own colours and cursor movements pass."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        if isinstance(renderable, Text):  # before it is wrapped, so that no line becomes too long
            renderable = _printable_text(renderable)
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        _forget(self.file)


def _printable_text(text: Text) -> Text:
    """Return the text as `printable` has it, in its styles."""
    shown = printable(text.plain)
    if shown == text.plain:
        return text
    ends = [0, *accumulate(len(printable(letter)) for letter in text.plain)]
    copy = text.copy()
    copy.plain = shown
    copy.spans = [Span(ends[span.start], ends[min(span.end, len(text))], span.style) for span in text.spans]
    return copy


def _json_escapes(text: str) -> str:
    r"""Return the text with \uXXXX for what `printable` replaces: of JSON the same document."""

    def escape(found: re.Match[str]) -> str:
        part = found[0]
        if part.isprintable():
            return part
        return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in part)

    return text if text.isprintable() else re.sub(r"[^\n\t]+", escape, text)


def _forget(stream: IO[str]) -> None:
    """The reader of a pipe (head, less) has gone: the command goes on unheard, to its own exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _console(file: TextIO, *, stderr: bool = False) -> Console:
    width = None if file.isatty() else PIPED_WIDTH
    return _Console(
        stderr=stderr, width=width, highlight=False, emoji=False, markup=False, soft_wrap=width is not None
    )


_SPELLING = {"–": "-", "−": "-", "…": "...", "→": "->"}


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: what an encoding lacks, in letters that it has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SPELLING.get(letter, "?") for letter in text), error.end
