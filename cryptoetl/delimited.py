"""Lines of a text file and the fields of a line: what the check shares with nobody but the silver step.

A field is quoted with `""` as the escape or holds no quote at all, and never spans lines. The rules are
those of `glue_scripts/bronze2silver.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

MAX_LINE = 1_000_000
"""Bytes; a longer line is not that of a CSV file, and reading it whole would cost memory."""

TAB = "tab"
"""How a configuration names the tab as a delimiter."""

_CHUNK = 1 << 16


class Unreadable(Exception):
    """Why a file, or one of its lines, is no text of lines; `line` is None for the file as a whole."""

    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason


class Splitter:
    """Splits lines into fields at one delimiter: `,` `;` `|` or `tab`."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = "\t" if delimiter == TAB else delimiter
        self._blanks = " " if self.delimiter == "\t" else " \t"
        blanks, mark = f"[{self._blanks}]*", re.escape(self.delimiter)
        field = rf'(?:{blanks}"[^"]*(?:""[^"]*)*"{blanks}|[^"{mark}]*)'
        self._line = re.compile(rf"{field}(?:{mark}{field})*")
        self._next_field = re.compile(rf"{mark}({field})")
        self._quoted_mark = f'"{self.delimiter}"'
        self._nothing = f" \t{self.delimiter}"

    def blank(self, text: str) -> bool:
        """Whether a line holds nothing but blanks and delimiters, as spreadsheets write below a table."""
        return not text.strip(self._nothing)

    def __call__(self, text: str) -> list[str] | None:
        """The fields of a line, unquoted and trimmed; None if its quotes are not balanced."""
        blanks = self._blanks
        if '"' not in text:
            return [part.strip(blanks) for part in text.split(self.delimiter)]
        if text[0] == text[-1] == '"':
            # Every field quoted and no quote inside one, the form of most exports: five times as fast.
            parts = text[1:-1].split(self._quoted_mark)
            if text.count('"') == 2 * len(parts):
                return [part.strip(blanks) for part in parts]
        if not self._line.fullmatch(text):
            return None
        parts = [part.strip(blanks) for part in self._next_field.findall(self.delimiter + text)]
        return [
            part[1:-1].replace('""', '"').strip(blanks) if part.startswith('"') else part for part in parts
        ]


splitter = lru_cache(Splitter)
"""The splitter of a delimiter, made once."""


def width(fields: list[str]) -> int:
    """The number of columns without the unnamed ones that trailing delimiters make."""
    return max((index for index, name in enumerate(fields, start=1) if name), default=0)


def numbered_lines(
    path: Path, on_bytes: Callable[[int], None] | None = None
) -> Iterator[tuple[int, str | Unreadable]]:
    """Numbered lines without their ends (LF, CRLF or CR) and without a byte-order mark.

    A line that is not UTF-8 text is an Unreadable in its place. `on_bytes` receives the bytes read so far,
    now and then. Raises Unreadable for another encoding and for a line above `MAX_LINE`, OSError.
    """
    for number, line in enumerate(_raw_lines(path, on_bytes), start=1):
        if len(line) > MAX_LINE:
            raise Unreadable(number, f"the line is longer than {MAX_LINE:,} bytes: this is no CSV file")
        if number == 1:
            if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Unreadable(None, _UTF16)
            line = line.removeprefix(b"\xef\xbb\xbf")
            if b"\0" in line:
                raise Unreadable(None, _UTF16)
        try:
            if b"\0" in line:
                raise ValueError  # noqa: TRY301 - no text holds it
            yield number, line.decode("utf-8")
        except ValueError:
            yield number, Unreadable(number, "the file is not UTF-8 text: save it as UTF-8")


_UTF16 = "the file is not UTF-8 text but UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"
_LINE_END = re.compile(rb"\r\n|\n|\r")


def _raw_lines(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    """The lines as bytes; one that exceeds `MAX_LINE` ends the iteration as far as it was read."""
    with path.open("rb") as file:
        rest, done = b"", 0
        while chunk := file.read(_CHUNK):
            done += len(chunk)
            rest += chunk
            # A CR at the end may be half of a CRLF.
            held = b"\r" if rest.endswith(b"\r") else b""
            *lines, rest = _LINE_END.split(rest[: len(rest) - len(held)])
            rest += held
            yield from lines
            if len(rest) > MAX_LINE:
                yield rest
                return
            if on_bytes is not None:
                on_bytes(done)
        if rest:
            *lines, rest = _LINE_END.split(rest)
            yield from lines
            if rest:
                yield rest
