"""Raw files in lake/raw, with the same keys as in the raw bucket."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptoetl.local.home import Home, told
from cryptoetl.target import Fingerprint, Stored, changed_meanwhile

_CHUNK = 1 << 20


class LocalStorage:
    """`target.Storage` on folders."""

    def __init__(self, home: Home) -> None:
        self._root = home.raw

    def compare(self, files: Mapping[str, Fingerprint | None]) -> Mapping[str, Stored]:
        return {key: self._compare(self._root / key, fingerprint) for key, fingerprint in files.items()}

    def _compare(self, path: Path, fingerprint: Fingerprint | None) -> Stored:
        if not path.is_file():
            return "absent"
        if fingerprint is None or path.stat().st_size != fingerprint.size:
            return "other"
        with told(path), path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return "same" if digest == fingerprint.sha256 else "other"

    def put(self, key: str, source: Path, sha256: str, on_bytes: Callable[[int], None]) -> None:
        path = self._root / key
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            try:
                copied = hashlib.sha256()
                with source.open("rb") as reader, os.fdopen(handle, "wb") as writer:
                    while chunk := reader.read(_CHUNK):
                        copied.update(chunk)
                        writer.write(chunk)
                        on_bytes(len(chunk))
                if copied.hexdigest() != sha256:
                    raise changed_meanwhile(source)  # noqa: TRY301 - the copy is to be removed
                shutil.copymode(source, name)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def location(self, key: str) -> str:
        return str(self._root / key)
