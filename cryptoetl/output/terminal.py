"""The output of a command: results on standard output, progress and messages on standard error.

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
from itertools import accumulate
from types import TracebackType
from typing import IO, Any, TextIO, assert_never

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Span, Text

from cryptoetl.errors import CryptoetlError, Interrupted
from cryptoetl.events import Event, FileProgress, Phase, Progressed, ResourceProgress, Transfer, Warned
from cryptoetl.output import tables
from cryptoetl.output.contract import CONTRACTS, Failure
from cryptoetl.output.progress import ProgressDisplay, StepChanges
from cryptoetl.output.serialize import document
from cryptoetl.output.tables import Result, doctor, executions
from cryptoetl.pipeline.results import StepLine
from cryptoetl.target.diagnosis import Diagnosis
from cryptoetl.util.interruption import deferred
from cryptoetl.util.text import printable

PIPED_WIDTH = 10_000
"""Columns where the output is not a screen: nothing is cut or wrapped."""


class Terminal:
    """All output of a command. Use it as a context manager, whose end removes the view of progress."""

    def __init__(self, *, as_json: bool = False, verbose: bool = False) -> None:
        codecs.register_error("spelled", _spelled)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="spelled")  # a terminal without the letters must not end a run
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr, stderr=True)
        self._as_json = as_json
        self._verbose = verbose
        self._progress = ProgressDisplay(self.err, lambda text: self._write(printable(text), self.err.file))
        self._followed: StepChanges | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    # --- results, on standard output

    def show(self, result: Result) -> int:
        """Print a result, as tables or JSON, and return its exit code."""
        self._progress.stop()
        if self._as_json:
            self._write_json(result)
        else:
            for part in tables.render(result, verbose=self._verbose, now=datetime.now().astimezone()):
                self.out.print(part)
        return CONTRACTS[type(result)].exit_code(result)

    def text(self, text: str) -> None:
        """Print a document (a state machine, a schema); as JSON it keeps its meaning."""
        self._write(_json_escapes(text))

    def data(self, text: str) -> None:
        """Print data for another program exactly; on a terminal, as a document for people."""
        self._write(printable(text) if sys.stdout.isatty() else text)

    def follow(self) -> None:
        """Print each JSON object on one line from now on, changes of an execution's steps among them."""
        self._followed = StepChanges()

    def show_line(self, line: StepLine) -> None:
        """Print one line of a log."""
        if self._as_json:
            self._write_json(line)
        else:
            self.out.print(executions.log_line(line))

    def show_diagnosis(self, found: Diagnosis, *, first: bool) -> None:
        """Print a diagnosis, and its area before the `first` of that; JSON has all of them at the end."""
        if not self._as_json:
            for part in doctor.lines(found, first=first):
                self.out.print(part)

    def _write_json(self, value: Any) -> None:
        plain = not (sys.stdout.encoding or "").lower().startswith("utf")  # names must survive any encoding
        indent = 2 if self._followed is None else None
        self.text(json.dumps(document(value), indent=indent, ensure_ascii=plain))

    def _write(self, text: str, stream: IO[str] | None = None) -> None:
        """Write text to a stream, standard output by default, and not through rich."""
        stream = stream or sys.stdout
        try:
            stream.write(text if text.endswith("\n") else text + "\n")
            stream.flush()
        except BrokenPipeError:
            _discard_output(stream)

    # --- progress and messages, on standard error

    @deferred()
    def observe(self, event: Event) -> None:
        """Show an event of a use case."""
        match event:
            case Phase():
                self._progress.stop()
            case FileProgress() | Transfer():
                self._progress.files(event)
            case Warned():
                self.warn(event.message)
            case Progressed() if self._as_json and self._followed is not None:
                for change in self._followed.since_last(event.status):
                    self._write_json(change)
            case Progressed():
                self._progress.execution(event)
            case ResourceProgress():
                self._progress.resource(event)
            case _:
                assert_never(event)

    @deferred()
    def say(self, message: str) -> None:
        """Print a message."""
        self.err.print(Text(printable(message)))

    @deferred()
    def warn(self, message: str) -> None:
        """Print a warning."""
        self.err.print(Text.assemble(("warning: ", "yellow"), printable(message)))

    def error(self, error: CryptoetlError) -> None:
        """Print what went wrong and what to do; with --json also as an object on standard output."""
        self._progress.stop()
        label = "interrupted: " if error.exit_code == Interrupted.exit_code else "error: "
        self.err.print(Text.assemble((label, "bold red"), printable(error.message)))
        if error.hint:
            self.err.print(Text(printable(error.hint), style="dim"))
        if self._as_json:
            self._write_json(Failure.of(error))

    @property
    def can_ask(self) -> bool:
        """Whether a question can be asked: input and output are a terminal, and --json is not given."""
        return sys.stdin.isatty() and self.err.is_terminal and not self._as_json

    def confirm(self, question: str) -> bool:
        """Ask a question on the terminal, to which any answer but y or yes means no."""
        return self.ask(f"{question} [y/N] ").lower() in ("y", "yes")

    def ask(self, question: str) -> str:
        """Print a question and return the line that the user types."""
        self.err.print(Text(question), end="")
        return sys.stdin.readline().strip()


class _Console(Console):
    """A console that prints text as `printable` returns it; rich's own colours and cursor movements pass."""

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
        _discard_output(self.file)


def _printable_text(text: Text) -> Text:
    """Return the text as `printable` returns it, with its styles."""
    shown = printable(text.plain)
    if shown == text.plain:
        return text
    ends = [0, *accumulate(len(printable(letter)) for letter in text.plain)]
    copy = text.copy()
    copy.plain = shown
    copy.spans = [Span(ends[span.start], ends[min(span.end, len(text))], span.style) for span in text.spans]
    return copy


def _json_escapes(text: str) -> str:
    r"""Return the text with \uXXXX for what `printable` replaces, which in JSON means the same."""

    def escape(found: re.Match[str]) -> str:
        part = found[0]
        if part.isprintable():
            return part
        return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in part)

    return text if text.isprintable() else re.sub(r"[^\n\t]+", escape, text)


def _discard_output(stream: IO[str]) -> None:
    """Send further output to /dev/null, after the reader of a pipe has ended: the exit code stays its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _console(file: TextIO, *, stderr: bool = False) -> Console:
    width = None if file.isatty() else PIPED_WIDTH
    return _Console(
        stderr=stderr, width=width, highlight=False, emoji=False, markup=False, soft_wrap=width is not None
    )


_SPELLING = {"–": "-", "−": "-", "…": "...", "→": "->"}


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks by letters that it has: an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SPELLING.get(letter, "?") for letter in text), error.end
