"""The output of a command: results on standard output, progress and messages on standard error.

File names, cells, error texts and logs may hold escape sequences, which a terminal would obey. console.py,
through which all of rich's output goes, and `Terminal.text` print them as plain text.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import IO, Any, assert_never

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.errors import CryptoetlError, Interrupted
from cryptoetl.events import (
    Counted,
    Event,
    FileProgress,
    Phase,
    Progressed,
    Remarked,
    ResourceProgress,
    Transfer,
    Warned,
)
from cryptoetl.output import tables
from cryptoetl.output.changes import StepChanges
from cryptoetl.output.console import console, discard_output, spelled
from cryptoetl.output.contract import CONTRACTS, Failure
from cryptoetl.output.progress import ProgressDisplay
from cryptoetl.output.serialize import document
from cryptoetl.output.tables import Result, doctor, executions, phases
from cryptoetl.output.tables.view import PIPED_ROWS, View
from cryptoetl.pipeline.results import StepLine, UpPart
from cryptoetl.target.deployment import Plan
from cryptoetl.target.diagnosis import Diagnosis
from cryptoetl.util.interruption import deferred
from cryptoetl.util.text import printable


def _local_time() -> datetime:
    return datetime.now().astimezone()


class Terminal:
    """All output of a command. Use it as a context manager, whose end removes the view of progress."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        verbose: bool = False,
        quiet: bool = False,
        clock: Callable[[], datetime] = _local_time,
    ) -> None:
        codecs.register_error("spelled", spelled)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="spelled")  # a terminal without the letters must not end a run
        self.out = console(sys.stdout)
        self.err = console(sys.stderr, stderr=True)
        self._as_json = as_json
        self._verbose = verbose
        self._quiet = quiet
        self._clock = clock
        self._progress = ProgressDisplay(
            self.err, lambda text: self._write(printable(text), self.err.file), clock, verbose=verbose
        )
        self._followed: StepChanges | None = None
        self._phase: str | None = None

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

    def show(self, result: Result, *, failed: bool = False) -> int:
        """Print a result, as tables or JSON, and return its exit code.

        With `failed`, the table of an execution has only the currencies that failed.
        """
        self._progress.stop()
        if self._as_json:
            self._write_json(result)
        else:
            self._print(tables.render(result, self._view(failed=failed)))
        return CONTRACTS[type(result)].exit_code(result)

    def show_plan(self, plan: Plan) -> None:
        """Print a plan before it is applied; nothing with --json, whose result has it."""
        self._progress.stop()
        if not self._as_json:
            self._print(tables.deployment.proposal(plan, self._view()))

    def begin_phases(self, first: str) -> None:
        """Print headings of phases from now on, that of the first one at once; nothing with --json."""
        if not self._as_json:
            self._phase = ""
            self._begin_phase(first)

    def end_phase(self, part: UpPart) -> None:
        """Print what a phase has ended with; nothing with --json, whose result has it."""
        self._progress.stop()
        if not self._as_json:
            self._print(phases.ended(part, self._view()))

    def _begin_phase(self, name: str) -> None:
        heading = phases.heading(name)
        if self._phase is None or heading is None or name == self._phase:
            return
        self._print(([Text()] if self._phase else []) + [heading])
        self._phase = name

    def _view(self, *, failed: bool = False) -> View:
        rows = max(5, self.out.height - 10) if self.out.is_terminal else PIPED_ROWS
        return View(verbose=self._verbose, rows=rows, now=self._clock(), failed=failed)

    def _print(self, parts: Iterable[RenderableType]) -> None:
        for part in parts:
            self.out.print_whole(part) if isinstance(part, Text) else self.out.print(part)

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
            self.out.print_whole(executions.log_line(line))

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
            discard_output(stream)

    # --- progress and messages, on standard error

    @deferred()
    def observe(self, event: Event) -> None:
        """Show an event of a use case."""
        match event:
            case Phase():
                self._progress.stop()
                self._begin_phase(event.name)
            case Warned():
                self.warn(event.message)
            case Remarked():
                self.say(event.message)
            case Progressed() if self._as_json and self._followed is not None:
                for change in self._followed.since_last(event.status):
                    self._write_json(change)
            case _ if self._quiet:
                pass
            case Counted() | FileProgress() | Transfer() | Progressed() | ResourceProgress():
                self._progress.show(event)
            case _:
                assert_never(event)

    @deferred()
    def say(self, message: str) -> None:
        """Print a message, unless only results, warnings and errors are wanted."""
        if not self._quiet:
            self.err.print_whole(Text(printable(message)))

    @deferred()
    def warn(self, message: str) -> None:
        """Print a warning."""
        self.err.print_whole(Text.assemble(("warning: ", "yellow"), printable(message)))

    def error(self, error: CryptoetlError) -> None:
        """Print what went wrong and what to do; with --json also as an object on standard output."""
        self._progress.stop()
        label = "interrupted: " if error.exit_code == Interrupted.exit_code else "error: "
        self.err.print_whole(Text.assemble((label, "bold red"), printable(error.message)))
        if error.hint:
            self.err.print_whole(Text(printable(error.hint), style="dim"))
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


def _json_escapes(text: str) -> str:
    r"""Return the text with \uXXXX for what `printable` replaces, which in JSON means the same."""

    def escape(found: re.Match[str]) -> str:
        part = found[0]
        if part.isprintable():
            return part
        return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in part)

    return text if text.isprintable() else re.sub(r"[^\n\t]+", escape, text)
