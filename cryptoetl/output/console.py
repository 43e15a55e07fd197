"""The console that all tables and texts are printed on, and what an encoding lacks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import accumulate
from typing import IO, Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Span, Text

from cryptoetl.util.text import printable

PIPED_WIDTH = 10_000
"""Columns where the output is not a screen: nothing is cut or wrapped."""


class PlainConsole(Console):
    """A console that prints text as `printable` returns it; rich's own colours and cursor movements pass."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text that rich is given as `str`."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed of anything that rich renders."""
        if isinstance(renderable, Text):  # before it is wrapped, so that no line becomes too long
            renderable = _printable_text(renderable)
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)

    def print_whole(self, text: Text) -> None:
        """Print a text whose lines are broken between words only.

        A path or an address that is longer than the screen is left to the terminal to wrap, so that it can
        be copied as one.
        """
        text = _printable_text(text)
        for line in text.split("\n", allow_blank=True):
            for part in [line] if self.soft_wrap else between_words(line, self.width):
                self.print(part, no_wrap=True, overflow="ignore", crop=False)

    def on_broken_pipe(self) -> None:
        """Go on without output when the reader of a pipe has ended."""
        discard_output(self.file)


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


def between_words(text: Text, width: int) -> list[Text]:
    """Return the lines of a text within a width; a word that is longer has a line of its own."""
    breaks, room = [], width
    for word in re.finditer(r"\s*\S+\s*", text.plain):
        if cell_len(word[0].rstrip()) > room and word.start():
            breaks.append(word.start())
            room = width
        room -= cell_len(word[0])
    lines = list(text.divide(breaks))
    for line in lines:
        line.rstrip()
    return lines


def discard_output(stream: IO[str]) -> None:
    """Send further output to /dev/null, after the reader of a pipe has ended: the exit code stays its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def console(file: TextIO, *, stderr: bool = False) -> PlainConsole:
    """Return a console for a screen, or for what is none: a pipe, or a terminal that can only print."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    screen = file.isatty() and not dumb
    return PlainConsole(
        stderr=stderr,
        width=None if screen else PIPED_WIDTH,
        force_terminal=False if dumb else None,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=not screen,
    )


_SPELLING = {"–": "-", "−": "-", "…": "...", "→": "->"}


def spelled(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks by letters that it has: an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SPELLING.get(letter, "?") for letter in text), error.end
