"""The objects that a state machine reads and writes, as files of a home."""

from __future__ import annotations

from cryptoetl.local.home import Home, write_atomically


class HomeObjects:
    """`step_functions.tasks.Objects`: a bucket is the folder of that name."""

    def __init__(self, home: Home) -> None:
        # The keys of lists begin below the home itself.
        self._folders = {home.path.absolute().name: home.path, home.temp.name: home.temp}

    def get(self, bucket: str, key: str) -> bytes:
        """Return an object's content. Raises OSError."""
        return (self._folders[bucket] / key).read_bytes()

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object. Raises OSError."""
        write_atomically(self._folders[bucket] / key, content)
