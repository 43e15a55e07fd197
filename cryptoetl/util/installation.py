"""How this copy of the package was installed, for messages that name a command."""

from __future__ import annotations

import shlex
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from cryptoetl.util.text import parse_json

NAME = "cryptoetl"


def command(extra: str | None) -> str:
    """Return the command that installs the package, with an extra, from where it was installed from."""
    return f"pip install {_requirement(f'[{extra}]' if extra else '')}"


def _requirement(extras: str) -> str:
    """Return what pip is given (PyPA, Recording the Direct URL Origin of installed distributions)."""
    try:
        origin = parse_json(metadata.distribution(NAME).read_text("direct_url.json"))
    except metadata.PackageNotFoundError:
        checkout = Path(__file__).parents[2]
        return f"-e {shlex.quote(f'{checkout}{extras}')}"
    if not isinstance(origin, dict) or not isinstance(url := origin.get("url"), str):
        return f"'{NAME}{extras}'"
    if "dir_info" in origin:
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return editable + shlex.quote(url2pathname(urlsplit(url).path) + extras)
    if vcs := origin.get("vcs_info"):
        url = f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}".rstrip("@")
    return shlex.quote(f"{NAME}{extras} @ {url}")
