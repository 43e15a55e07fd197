"""Raw files in lake/raw, with the same keys as in the raw bucket."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from cryptoetl.local.home import Home, naming_path, write_atomically
from cryptoetl.target.storage import NOTHING, About, StoredFile, changed_meanwhile
from cryptoetl.util.atomic import replacing
from cryptoetl.util.files import load_json

_CHUNK = 1 << 20


class LocalStorage:
    """`target.Storage` on folders."""

    def __init__(self, home: Home) -> None:
        self._root = home.raw

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Return the stored files among `keys`."""
        stored = {key: self._root / key for key in keys if (self._root / key).is_file()}
        return {key: StoredFile(path.stat().st_size) for key, path in stored.items()}

    def tags(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the SHA-256 of the stored files among `keys`."""
        return {key: found for key in keys if (found := self.sha256(key)) is not None}

    def sha256(self, key: str) -> str | None:
        """Return the SHA-256 of a stored file in hexadecimal; None without a file."""
        path = self._root / key
        if not path.is_file():
            return None
        with naming_path(path), path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def summary(self, key: str) -> str | None:
        """Return the summary that was stored with a file; None without one."""
        try:
            found = load_json(_described(self._root / key).read_bytes())
        except (OSError, ValueError):
            return None
        summary = found.get("summary") if isinstance(found, dict) else None
        return summary if isinstance(summary, str) else None

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        about: About = NOTHING,
    ) -> None:
        """Store a file as a whole. Raises EnvironmentFault, also if `source` no longer has that hash."""
        path = self._root / key
        described = _described(path)
        with naming_path(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = stat.S_IMODE(source.stat().st_mode)
            copied = hashlib.sha256()
            if about.summary is not None:
                described.unlink(missing_ok=True)  # it must not describe a file that it does not belong to
            with source.open("rb") as reader, replacing(path, mode=mode) as writer:
                while chunk := reader.read(_CHUNK):
                    copied.update(chunk)
                    writer.write(chunk)
                    on_bytes(len(chunk))
                if copied.hexdigest() != sha256:
                    raise changed_meanwhile(source)
        kept = {field: text for field, text in about._asdict().items() if text is not None}
        if kept:
            write_atomically(described, f"{json.dumps(kept, ensure_ascii=False)}\n".encode())

    def location(self, key: str) -> str:
        """Return the path of a stored file."""
        return str(self._root / key)


def _described(path: Path) -> Path:
    """Return the file beside a stored one that says what is known of it."""
    return path.with_name(f"{path.name}.json")
