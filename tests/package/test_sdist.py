"""The source distribution has what a clone has."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from cryptoetl import __version__

REPOSITORY = Path(__file__).parents[2]
MADE = {"PKG-INFO"}
NOT_SHIPPED = (".ci/", ".gitattributes")


def test_the_source_distribution_has_every_file_of_a_clone(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = {name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()}
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    with tarfile.open(tmp_path / f"cryptoetl-{__version__}.tar.gz") as archive:
        top = f"cryptoetl-{__version__}/"
        packed = {member.name.removeprefix(top) for member in archive.getmembers() if member.isfile()}
    assert {"glue_scripts/silver2gold.py", "definitions/branch.asl.json", "Makefile", "mkdocs.yml"} <= packed
    assert packed - tracked == MADE
    assert {name for name in tracked - packed if not name.startswith(NOT_SHIPPED)} == set()
