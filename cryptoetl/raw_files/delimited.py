"""Lines of a text file and the fields of a line: what the check shares with nobody but the silver step.

A field is quoted with `""` as the escape or holds no quote at all, and never spans lines. The rules are
those of `glue_scripts/bronze2silver.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
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

    def columns(
        self, lines: Sequence[str], width: int, picks: tuple[int, int]
    ) -> tuple[list[str], list[str]] | None:
        """Two of the fields of every line, not trimmed, if all have `width` fields in the same plain form.

        That is: no quote in any of them, or every field quoted and no quote inside one, as most exports are.
        None for whatever else; looking at lines one by one takes ten times as long.
        """
        mark, rows = self.delimiter, lines
        text = "\n".join(lines)
        if '"' in text:
            # With two quotes a field, all of them between fields or at an end, none is inside one.
            if set(map(str.count, lines, repeat('"'))) != {2 * width} or text[0] != '"' or text[-1] != '"':
                return None
            mark, rows = self._quoted_mark, text[1:-1].split('"\n"')
            if len(rows) != len(lines):
                return None
        if set(map(str.count, rows, repeat(mark))) != {width - 1}:
            return None
        fields = mark.join(rows).split(mark)
        return fields[picks[0] :: width], fields[picks[1] :: width]

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


Line = str | Unreadable
"""A line without its end, or why it is no text."""


def numbered_lines(path: Path, on_bytes: Callable[[int], None] | None = None) -> Iterator[tuple[int, Line]]:
    """The lines of `numbered_blocks`, one by one."""
    for first, lines in numbered_blocks(path, on_bytes):
        yield from enumerate(lines, start=first)


def numbered_blocks(
    path: Path, on_bytes: Callable[[int], None] | None = None
) -> Iterator[tuple[int, list[Line]]]:
    """Lines without their ends (LF, CRLF or CR) and without a byte-order mark, some at a time.

    Each block comes with the number of its first line, and has at least one. A line that is not UTF-8 text is
    an Unreadable in its place. `on_bytes` receives the bytes read so far, now and then. Raises Unreadable for
    another encoding and for a line above `MAX_LINE`, OSError.
    """
    number = 1
    for block in _raw_blocks(path, on_bytes):
        if number == 1:
            block = _without_bom(block)
        if len(block) > MAX_LINE:
            pieces = block.split(b"\n")
            at = next((at for at, piece in enumerate(pieces) if len(piece) > MAX_LINE), len(pieces))
            if at:
                yield number, _decoded(b"\n".join(pieces[:at]), number)
            if at < len(pieces):
                raise Unreadable(
                    number + at, f"the line is longer than {MAX_LINE:,} bytes: this is no CSV file"
                )
            number += len(pieces)
            continue
        lines = _decoded(block, number)
        yield number, lines
        number += len(lines)


_UTF16 = "the file is not UTF-8 text but UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"


def _without_bom(block: bytes) -> bytes:
    """The first block without its byte-order mark. Raises Unreadable for UTF-16."""
    line = block.partition(b"\n")[0]
    if len(line) <= MAX_LINE and (line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line):
        raise Unreadable(None, _UTF16)
    return block.removeprefix(b"\xef\xbb\xbf")


def _decoded(block: bytes, number: int) -> list[Line]:
    try:
        if b"\0" not in block:  # no text holds it
            return list[Line](block.decode("utf-8").split("\n"))
    except UnicodeDecodeError:
        pass
    return [_decoded_line(line, at) for at, line in enumerate(block.split(b"\n"), start=number)]


def _decoded_line(line: bytes, number: int) -> Line:
    try:
        if b"\0" not in line:
            return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return Unreadable(number, "the file is not UTF-8 text: save it as UTF-8")


def _raw_blocks(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    """Whole lines with LF between them; one above `MAX_LINE` ends the iteration as far as it was read."""
    with path.open("rb") as file:
        rest, done = b"", 0
        while chunk := file.read(_CHUNK):
            done += len(chunk)
            rest += chunk
            # A CR at the end may be half of a CRLF.
            held = b"\r" if rest.endswith(b"\r") else b""
            whole, end, rest = _with_lf(rest[: len(rest) - len(held)]).rpartition(b"\n")
            rest += held
            if end:
                yield whole
            if len(rest) > MAX_LINE:
                yield rest
                return
            if on_bytes is not None:
                on_bytes(done)
        if rest:
            yield _with_lf(rest).removesuffix(b"\n")


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
