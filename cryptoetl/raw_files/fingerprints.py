"""What tells a file's content from another."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """A file's content: bytes, SHA-256 and MD5 in hexadecimal (S3's ETag is one).

    `modified` is the file's own time in nanoseconds, from before it was read.
    """

    size: int
    sha256: str
    md5: str
    modified: int


def fingerprint(path: Path) -> Fingerprint:
    """Return a file's fingerprint. Raises OSError."""
    size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        modified = os.fstat(file.fileno()).st_mtime_ns
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            sha256.update(chunk)
            md5.update(chunk)
    return Fingerprint(size, sha256.hexdigest(), md5.hexdigest(), modified)
