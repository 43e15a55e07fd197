"""The metadata of a build names the repository that it was cloned from."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest

from cryptoetl import __version__
from hatch_build import urls

REPOSITORY = Path(__file__).parents[2]
PAGE = "https://github.com/owner/cryptoetl"
ALL = {
    f"Repository, {PAGE}",
    f"Issues, {PAGE}/issues",
    f"Documentation, {PAGE}/tree/HEAD/docs",
    f"Changelog, {PAGE}/blob/HEAD/CHANGELOG.md",
}


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/owner/cryptoetl.git", PAGE),
        ("https://me:token@github.com/owner/cryptoetl/", PAGE),
        ("git@github.com:owner/cryptoetl.git", PAGE),
        ("ssh://git@git.example.org:2222/team/data/cryptoetl", "https://git.example.org/team/data/cryptoetl"),
        ("/home/me/cryptoetl", None),
        ("../cryptoetl", None),
        ("file:///srv/cryptoetl.git", None),
        ("C:/cryptoetl", None),
        ("http://localhost:3000/owner/cryptoetl", None),
        ("", None),
    ],
)
def test_the_page_of_a_remote(remote: str, page: str | None) -> None:
    assert urls(remote).get("Repository") == page


def test_paths_of_files_are_given_where_they_are_known() -> None:
    assert set(urls("git@git.example.org:owner/cryptoetl")) == {"Repository", "Issues"}
    assert {f"{label}, {url}" for label, url in urls(PAGE).items()} == ALL


def build(folder: Path, kind: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder / "dist")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = (folder / "dist").iterdir()
    return built


def copy(folder: Path) -> None:
    """Copy what a build needs, without the history."""
    for name in ("cryptoetl", "glue_scripts", "definitions"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / name)


def wheel(folder: Path) -> Message:
    with zipfile.ZipFile(build(folder, "wheel")) as archive:
        return HeaderParser().parsestr(archive.read(f"cryptoetl-{__version__}.dist-info/METADATA").decode())


def test_a_wheel_made_of_a_source_distribution_has_the_addresses_of_the_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    copy(clone)
    for command in (
        ["init", "-q"],
        ["remote", "add", "origin", "https://me:token@github.com/owner/cryptoetl"],
    ):
        subprocess.run(["git", *command], cwd=clone, check=True)
    with tarfile.open(build(clone, "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    made = wheel(tmp_path / f"cryptoetl-{__version__}")
    assert set(made.get_all("Project-URL", [])) == ALL
    assert "token" not in str(made.items())


def test_a_copy_without_a_remote_has_none(tmp_path: Path) -> None:
    copy(tmp_path / "copy")
    made = wheel(tmp_path / "copy")
    assert made.get_all("Project-URL") is None
    assert made["Name"] == "cryptoetl"
