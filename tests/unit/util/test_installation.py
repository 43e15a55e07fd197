"""How an extra is installed: from where the package came."""

from __future__ import annotations

import json
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest

from cryptoetl.util import installation


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'cryptoetl[local]'"),
        (
            {"url": "file:///src/my%20etl", "dir_info": {"editable": True}},
            "pip install -e '/src/my etl[local]'",
        ),
        ({"url": "file:///src/etl", "dir_info": {}}, "pip install '/src/etl[local]'"),
        (
            {"url": "file:///w/cryptoetl-0.2.0-py3-none-any.whl", "archive_info": {}},
            "pip install 'cryptoetl[local] @ file:///w/cryptoetl-0.2.0-py3-none-any.whl'",
        ),
        (
            {"url": "https://example.com/e.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "pip install 'cryptoetl[local] @ git+https://example.com/e.git@abc'",
        ),
    ],
)
def test_an_extra_is_installed_from_where_the_package_came(
    monkeypatch: pytest.MonkeyPatch, origin: Any, command: str
) -> None:
    found = SimpleNamespace(read_text=lambda _: json.dumps(origin) if origin else None)
    monkeypatch.setattr(metadata, "distribution", lambda _: found)
    assert installation.command("local") == command


def test_without_an_installation_it_is_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert installation.command("local").startswith("pip install -e '/")
    assert installation.command(None).startswith("pip install -e /")
