"""The plain form of a raw file, the only one that the pipeline's scripts read.

    Date,Price                      Date,Trend
    2022-11-18,16634.0              2022-11-06,28
    2022-11-19,-1                   2022-11-13,31

UTF-8, LF, ascending days as yyyy-MM-dd, each once. A price keeps its digits and has a decimal point; -1
marks a missing one. A trend value is a whole number from 0 to 100.
"""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cryptoetl.errors import EnvironmentFault
from cryptoetl.raw_files.findings import Kind
from cryptoetl.raw_files.fingerprints import Fingerprint
from cryptoetl.raw_files.series import Series

MISSING = "-1"
HEADERS = {"history": "Date,Price", "trend": "Date,Trend"}
_ROWS = 50_000
"""Rows that are joined at a time: a few megabytes."""


class PlainFile(NamedTuple):
    """A file in the plain form, and the summary of a history; `path` is None if it is not written."""

    path: Path | None
    fingerprint: Fingerprint
    summary: str | None = None


def write(series: Series, kind: Kind, path: Path | None) -> Fingerprint:
    """Write a series in the plain form; without a path, only compute its fingerprint.

    The series of a history must have its digits.

    Raises:
        EnvironmentFault: The file cannot be written.
    """
    size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    rows = series.written(MISSING)
    try:
        with path.open("wb") if path else nullcontext() as file:
            part = [HEADERS[kind], *islice(rows, _ROWS)]
            while part:
                content = ("\n".join(part) + "\n").encode()
                size += len(content)
                sha256.update(content)
                md5.update(content)
                if file is not None:
                    file.write(content)
                part = list(islice(rows, _ROWS))
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror or error}",
            hint="Free some space in the folder of temporary files, or name another one with TMPDIR, and run "
            "the same command again.",
        ) from error
    return Fingerprint(size, sha256.hexdigest(), md5.hexdigest(), 0)
