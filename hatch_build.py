"""Add the project's addresses to the metadata of a build: those of the repository it was cloned from.

A source distribution has them in its PKG-INFO, from which a wheel that is built of it takes them again.
"""

from __future__ import annotations

import re
import subprocess
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_HOSTS_OF_FILES = ("github.com", "gitlab.com")
"""Hosts on which a file and a folder of the default branch have the same paths."""


class ProjectUrls(MetadataHookInterface):
    """Hatchling's hook for `urls`, which pyproject.toml declares as dynamic."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the URLs; a folder that comes from nowhere has none."""
        root = Path(self.root)
        metadata["urls"] = _from_sdist(root) or urls(_remote(root))


def urls(remote: str) -> dict[str, str]:
    """Return the URLs of the project, by their labels, for the address of a git remote.

    `https://host/path` and SSH's `git@host:path` are known; user names, passwords and ports are left out.
    """
    found = re.fullmatch(
        r"(?:https://|ssh://|(?=[^/]+@))(?:[^/@]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+)(?::\d+)?[/:]"
        r"(?P<path>[\w./~-]+?)(?:\.git)?/?",
        remote,
    )
    if found is None:
        return {}
    page = f"https://{found['host']}/{found['path'].lstrip('/')}"
    labels = {"Repository": page, "Issues": f"{page}/issues"}
    if found["host"] in _HOSTS_OF_FILES:
        labels |= {"Documentation": f"{page}/tree/HEAD/docs", "Changelog": f"{page}/blob/HEAD/CHANGELOG.md"}
    return labels


def _remote(root: Path) -> str:
    """Return the address of the remote `origin`; "" without one, or without git."""
    if not (root / ".git").exists():  # an enclosing repository is another project
        return ""
    try:
        done = subprocess.run(
            ["git", "remote", "get-url", "origin"],  # noqa: S607 - the git of the one who builds
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return ""
    return done.stdout.strip()


def _from_sdist(root: Path) -> dict[str, str]:
    info = root / "PKG-INFO"
    if not info.is_file():
        return {}
    headers = HeaderParser().parsestr(info.read_text(encoding="utf-8"))
    pairs = (str(line).partition(", ") for line in headers.get_all("Project-URL", []))
    return {label: url for label, _, url in pairs}
