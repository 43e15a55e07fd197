"""Findings about raw files, with file and line, collected in a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning"]
Kind = Literal["history", "trend"]

MAX_FINDINGS = 100
"""Findings kept per file and severity; further ones are only counted."""


@dataclass(frozen=True)
class Finding:
    """An error or warning about a file; `line` counts from 1 and is None for the whole file.

    `file` is the configuration if that file cannot be opened.
    """

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
    """A file's content and findings: `rows` distinct dates, `missing` of them without a value."""

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
        """Add an error; the first `MAX_FINDINGS` are kept, all are counted."""
        self.errors += 1
        self._add(Finding("error", self.kind, self.file, line, message), self.errors)

    def is_missing(self, config: Path, line: int | None, message: str) -> None:
        """Add the error that the file cannot be opened, at the line of the configuration that names it."""
        self.errors += 1
        self.findings.append(Finding("error", self.kind, config, line, message))

    def cannot_be_read(self, line: int | None, message: str) -> None:
        """Add, in front and once, an error that makes the others irrelevant, such as a wrong encoding."""
        if all(finding.message != message for finding in self.findings[:1]):
            self.errors += 1
            self.findings.insert(0, Finding("error", self.kind, self.file, line, message))

    def warning(self, line: int | None, message: str) -> None:
        """Add a warning; the first `MAX_FINDINGS` are kept, all are counted."""
        self.warnings += 1
        self._add(Finding("warning", self.kind, self.file, line, message), self.warnings)

    def _add(self, finding: Finding, count: int) -> None:
        if count <= MAX_FINDINGS:
            self.findings.append(finding)

    def strictly(self) -> FileReport:
        """Return the report with every warning turned into an error."""
        findings = [replace(finding, severity="error") for finding in self.findings]
        return replace(self, errors=self.errors + self.warnings, warnings=0, findings=findings)

    @property
    def reason(self) -> str | None:
        """Return the errors in one line, or None if there are none."""
        first = next((finding for finding in self.findings if finding.severity == "error"), None)
        if first is None:
            return None
        if first.file != self.file:
            return f"{self.kind}: {first.file}:{first.line}: {first.message}"
        if self.errors == 1 or first.line is None:
            return str(first)
        return f"{self.kind}: {self.errors} lines cannot be read; first: line {first.line}: {first.message}"
