"""Raw files in lake/raw, with the same keys as in the raw bucket."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from cryptoetl.local.home import Home, naming_path, write_atomically
from cryptoetl.target.storage import StoredFile, changed_meanwhile
from cryptoetl.util.atomic import replacing

_CHUNK = 1 << 20


class LocalStorage:
    """`target.Storage` on folders."""

    def __init__(self, home: Home) -> None:
        self._root = home.raw

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Return the stored files among `keys`."""
        stored = {key: self._root / key for key in keys if (self._root / key).is_file()}
        return {key: StoredFile(path.stat().st_size) for key, path in stored.items()}

    def sha256(self, key: str) -> str | None:
        """Return the SHA-256 of a stored file in hexadecimal; None without a file."""
        path = self._root / key
        if not path.is_file():
            return None
        with naming_path(path), path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        name: str | None = None,
    ) -> None:
        """Store a file as a whole. Raises EnvironmentFault, also if `source` no longer has that hash."""
        path = self._root / key
        with naming_path(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = stat.S_IMODE(source.stat().st_mode)
            copied = hashlib.sha256()
            with source.open("rb") as reader, replacing(path, mode=mode) as writer:
                while chunk := reader.read(_CHUNK):
                    copied.update(chunk)
                    writer.write(chunk)
                    on_bytes(len(chunk))
                if copied.hexdigest() != sha256:
                    raise changed_meanwhile(source)
        if name is not None:
            described = json.dumps({"name": name}, ensure_ascii=False)
            write_atomically(path.with_name(f"{path.name}.json"), f"{described}\n".encode())

    def location(self, key: str) -> str:
        """Return the path of a stored file."""
        return str(self._root / key)
