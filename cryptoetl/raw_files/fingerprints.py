"""Fingerprints by which two files can be compared without reading them again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """A file's size in bytes, its SHA-256, and its MD5, which is S3's ETag; both in hexadecimal.

    `modified` is the file's modification time in nanoseconds, taken before the content was read.
    """

    size: int
    sha256: str
    md5: str
    modified: int


ABSENT = Fingerprint(0, "", "", 0)
"""For a file that cannot be opened."""


def fingerprint(path: Path) -> Fingerprint:
    """Return a file's fingerprint. Raise OSError if it cannot be read."""
    size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        modified = os.fstat(file.fileno()).st_mtime_ns
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            sha256.update(chunk)
            md5.update(chunk)
    return Fingerprint(size, sha256.hexdigest(), md5.hexdigest(), modified)
