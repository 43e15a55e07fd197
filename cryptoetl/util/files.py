"""Reading files from outside: whether a file can be read, and JSON of any content."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def unreadable(file: Path) -> str | None:
    """Return why a file cannot be read, or None if it can.

    Only regular files are opened: reading a device or a pipe may never end.
    """
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            return f"is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file"
        with file.open("rb"):
            return None
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def load_json(text: str | bytes) -> Any:
    """Parse JSON from outside. Raises ValueError, also if it is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
