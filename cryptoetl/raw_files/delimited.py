"""Lines of a text file, and the fields of a line.

A field is either quoted, with `""` as the escape, or holds no quote; it never spans lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from pathlib import Path

from cryptoetl.raw_files import archives

MAX_LINE = 1_000_000
"""Longest line of a CSV file in bytes; a longer one is refused before it fills the memory."""

TAB = "tab"
"""The name of the tab as a delimiter in a configuration."""

_CHUNK = 1 << 16


class Unreadable(Exception):
    """A file, or one of its lines, cannot be read as text; `line` is None for the whole file."""

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
        """Return whether a line holds only blanks and delimiters, as spreadsheets write below a table."""
        return not text.strip(self._nothing)

    def columns(self, lines: Sequence[str], width: int, picks: Sequence[int]) -> tuple[list[str], ...] | None:
        """Return some columns of lines, not trimmed, if all lines have `width` fields in one simple form.

        In that form either no field is quoted, or every field is and holds no quote, as in most exports. For
        any other lines return None; splitting them one by one takes ten times as long.
        """
        mark, rows = self.delimiter, lines
        text = "\n".join(lines)
        if '"' in text:
            # Two quotes per field, all of them between fields or at the ends: none is inside a field.
            if set(map(str.count, lines, repeat('"'))) != {2 * width} or text[0] != '"' or text[-1] != '"':
                return None
            mark, rows = self._quoted_mark, text[1:-1].split('"\n"')
            if len(rows) != len(lines):
                return None
        if set(map(str.count, rows, repeat(mark))) != {width - 1}:
            return None
        fields = mark.join(rows).split(mark)
        return tuple(fields[at::width] for at in picks)

    def __call__(self, text: str) -> list[str] | None:
        """Return the fields of a line, unquoted and trimmed, or None if its quotes are not balanced."""
        blanks = self._blanks
        if '"' not in text:
            return [part.strip(blanks) for part in text.split(self.delimiter)]
        if text[0] == text[-1] == '"':
            # Every field is quoted and holds no quote, as in most exports: this path is five times as fast.
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
"""Return the splitter of a delimiter, shared by all callers."""


def width(fields: list[str]) -> int:
    """Return the number of columns, without the unnamed ones that trailing delimiters add."""
    return max((index for index, name in enumerate(fields, start=1) if name), default=0)


Line = str | Unreadable
"""A line without its line end, or the reason why it is not text."""


def numbered_lines(path: Path, on_bytes: Callable[[int], None] | None = None) -> Iterator[tuple[int, Line]]:
    """Yield the lines of `numbered_blocks` one by one, each with its number."""
    for first, lines in numbered_blocks(path, on_bytes):
        yield from enumerate(lines, start=first)


def numbered_blocks(
    path: Path, on_bytes: Callable[[int], None] | None = None
) -> Iterator[tuple[int, list[Line]]]:
    """Yield blocks of lines without their line ends (LF, CRLF or CR) and without a byte-order mark.

    Each block has at least one line and comes with the number of its first one. In place of a line that is
    not UTF-8 text there is an Unreadable. `on_bytes` is called repeatedly with the bytes read so far.

    Raises:
        Unreadable: The file is no text, a damaged archive, or a line is longer than `MAX_LINE`.
        OSError: The file cannot be read.
    """
    number = 1
    for block in _unpacked(path, on_bytes):
        if number == 1:
            block = _without_bom(block)
        if len(block) > MAX_LINE:
            pieces = block.split(b"\n")
            at = next((at for at, piece in enumerate(pieces) if len(piece) > MAX_LINE), len(pieces))
            if at:
                yield number, _decoded(b"\n".join(pieces[:at]), number)
            if at < len(pieces):
                raise Unreadable(
                    number + at, f"the line is longer than {MAX_LINE:,} bytes: this is not a CSV file"
                )
            number += len(pieces)
            continue
        lines = _decoded(block, number)
        yield number, lines
        number += len(lines)


_UTF16 = "the file is not UTF-8 text but UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"


def _without_bom(block: bytes) -> bytes:
    """Return the first block without its byte-order mark. Raise Unreadable for UTF-16."""
    line = block.partition(b"\n")[0]
    if len(line) <= MAX_LINE and (line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line):
        raise Unreadable(None, _UTF16)
    return block.removeprefix(b"\xef\xbb\xbf")


def _decoded(block: bytes, number: int) -> list[Line]:
    try:
        if b"\0" not in block:  # NUL is valid UTF-8, but not text
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


def _unpacked(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    """Yield the blocks of a file, or of the one file in an archive. Raises Unreadable, OSError."""
    try:
        with archives.opened(path) as opened:
            yield from _raw_blocks(opened, on_bytes)
    except archives.NotReadable as error:
        raise Unreadable(None, str(error)) from error


def _raw_blocks(opened: archives.Opened, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    """Yield whole lines with LF between them; a line longer than `MAX_LINE` is the last, as far as read."""
    rest = b""
    while chunk := opened.content.read(_CHUNK):
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
            on_bytes(opened.file.tell())
    if rest:
        yield _with_lf(rest).removesuffix(b"\n")


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
