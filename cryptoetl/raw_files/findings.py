"""What is said about a raw file: findings with file and line, gathered in a report."""

from __future__ import annotations

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
