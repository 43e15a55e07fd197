"""Results of earlier checks, kept in the user's cache, so that unchanged files are not read again.

A verdict depends on the content of both files, on how they are read, and on the rules of this package. The
cache can be deleted at any time; without a writable folder there is none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptoetl import __version__
from cryptoetl.raw_files.findings import FileReport, Finding
from cryptoetl.raw_files.fingerprints import Fingerprint
from cryptoetl.raw_files.plain import PlainFile
from cryptoetl.util.atomic import replacing
from cryptoetl.util.files import load_json

KEPT = 12_000
"""Most recently used verdicts that are kept: about ten megabytes."""
MANY = 50
"""Verdicts with more findings are not kept: such files are about to be corrected."""


def folder() -> Path:
    """Return the cache's folder: CRYPTOETL_CACHE, or the platform's, which honours XDG_CACHE_HOME."""
    if given := os.environ.get("CRYPTOETL_CACHE"):
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("cryptoetl", appauthor=False)


class Known(NamedTuple):
    """An earlier verdict; `plain` is empty if the files' plain form was not made."""

    reports: tuple[FileReport, FileReport]
    plain: Sequence[PlainFile]


class Verdicts:
    """A file of verdicts. Its methods raise no errors: an unusable cache is treated as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = {}
        self._changed = False
        with suppress(OSError, ValueError):
            found = load_json(path.read_bytes())
            self._known = found if isinstance(found, dict) else {}

    def find(self, key: str, history: Path, trend: Path) -> Known | None:
        """Return the earlier verdict on these files, or None."""
        kept = self._known.pop(key, None)
        if kept is None:
            return None
        try:
            reports = (
                _read(kept[0], FileReport("history", history)),
                _read(kept[1], FileReport("trend", trend)),
            )
            plain = [
                PlainFile(None, Fingerprint(int(size), str(sha256), str(md5), 0), summary and str(summary))
                for size, sha256, md5, summary in kept[2]
            ]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
        self._known[key] = kept  # in the order of their last use
        return Known(reports, plain)

    def keep(self, key: str, reports: tuple[FileReport, FileReport], plain: Sequence[PlainFile]) -> None:
        """Keep these reports, and what is known of the files' plain form if it was made."""
        if sum(len(report.findings) for report in reports) <= MANY:
            known = [[*_print(made.fingerprint), made.summary] for made in plain]
            self._known[key] = [*map(_written, reports), known]
            self._changed = True

    def save(self) -> None:
        """Replace the file atomically, if there are new verdicts."""
        if not self._changed:
            return
        self._changed = False
        latest = dict(list(self._known.items())[-KEPT:])
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path, mode=0o600) as file:
                file.write(json.dumps(latest, separators=(",", ":")).encode())


def key(*depends_on: object) -> str:
    """Return the key of a verdict that depends on these values of built-in types, and on the rules."""
    return hashlib.sha256(repr((_rules(), depends_on)).encode()).hexdigest()


@cache
def _rules() -> str:
    """Return a hash of the code that decides what is found and how it is worded."""
    digest = hashlib.sha256(__version__.encode())
    with suppress(OSError):
        folder = Path(__file__).parent
        for module in [*sorted(folder.glob("*.py")), folder.parent / "util" / "text.py"]:
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _print(found: Fingerprint) -> Sequence[Any]:
    return found.size, found.sha256, found.md5


def _written(report: FileReport) -> Mapping[str, Any]:
    return {
        "rows": report.rows,
        "missing": report.missing,
        "first": report.first and report.first.isoformat(),
        "last": report.last and report.last.isoformat(),
        "errors": report.errors,
        "warnings": report.warnings,
        "findings": [[finding.severity, finding.line, finding.message] for finding in report.findings],
    }


def _read(kept: Mapping[str, Any], report: FileReport) -> FileReport:
    return FileReport(
        report.kind,
        report.file,
        rows=int(kept["rows"]),
        missing=int(kept["missing"]),
        first=kept["first"] and date.fromisoformat(kept["first"]),
        last=kept["last"] and date.fromisoformat(kept["last"]),
        errors=int(kept["errors"]),
        warnings=int(kept["warnings"]),
        findings=[
            Finding(severity, report.kind, report.file, line, str(message))
            for severity, line, message in kept["findings"]
        ],
    )
