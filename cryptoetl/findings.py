"""What is said about a raw file: findings with file and line, gathered in a report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning"]
Kind = Literal["history", "trend"]

MAX_FINDINGS = 100
"""Findings kept per file and severity; the rest are counted."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a file; `line` counts from 1 and is None for the file as a whole."""

    severity: Severity
    kind: Kind
    file: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{self.kind}: {where}{self.message}"


@dataclass
class FileReport:
    """What a file holds: `rows` distinct dates from `first` to `last`, `missing` of them without a value."""

    kind: Kind
    file: Path
    rows: int = 0
    missing: int = 0
    first: date | None = None
    last: date | None = None
    errors: int = 0
    warnings: int = 0
    findings: list[Finding] = field(default_factory=list)

    def error(self, line: int | None, message: str) -> None:
        self.errors += 1
        self._add(Finding("error", self.kind, self.file, line, message), self.errors)

    def cannot_be_read(self, line: int | None, message: str) -> None:
        """An error that makes all others beside the point, such as an encoding: said once, and first."""
        if all(finding.message != message for finding in self.findings[:1]):
            self.errors += 1
            self.findings.insert(0, Finding("error", self.kind, self.file, line, message))

    def warning(self, line: int | None, message: str) -> None:
        self.warnings += 1
        self._add(Finding("warning", self.kind, self.file, line, message), self.warnings)

    def _add(self, finding: Finding, count: int) -> None:
        if count <= MAX_FINDINGS:
            self.findings.append(finding)

    def strictly(self) -> FileReport:
        """The same report with every warning an error."""
        findings = [replace(finding, severity="error") for finding in self.findings]
        return replace(self, errors=self.errors + self.warnings, warnings=0, findings=findings)

    @property
    def reason(self) -> str | None:
        """The errors in one line, worded as the silver step would word them."""
        first = next((finding for finding in self.findings if finding.severity == "error"), None)
        if first is None:
            return None
        if self.errors == 1 or first.line is None:
            return str(first)
        return f"{self.kind}: {self.errors} lines cannot be read; first: line {first.line}: {first.message}"


def quoted(text: str) -> str:
    """A value for a message, cut to 40 characters."""
    return f"'{shown(text, 40)}'"


def shown(text: str, limit: int) -> str:
    """Return text from a file as one line, cut, and as `printable` has it."""
    return _escaped(text if len(text) <= limit else text[: limit - 3] + "...")


def printable(text: str) -> str:
    """Return the text with an escape sequence for each character that a terminal would obey or hide.

    These are controls (C0 and C1), DEL, marks that change the direction of writing, and spaces other than a
    blank. Newlines and tabs stay.
    """
    if text.isprintable():
        return text
    return re.sub(r"[^\n\t]+", lambda found: _escaped(found[0]), text)


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plural(count: int, noun: str) -> str:
    """A count with its noun, such as 1 day or 2 currencies."""
    if count != 1:
        noun = f"{noun[:-1]}ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{count:,} {noun}"
