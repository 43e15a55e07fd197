"""The folders of the state machine's templates and the Glue scripts.

They are at the top of the repository because they are deployed unchanged; a wheel carries them inside the
package (`force-include` in pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def definitions() -> Path:
    """Return the folder with the state machine and CloudFormation templates."""
    return _folder("definitions")


def glue_scripts() -> Path:
    """Return the folder with the scripts that the Glue jobs run, and the module that they share."""
    return _folder("glue_scripts")


def _folder(name: str) -> Path:
    installed = _PACKAGE / "_assets" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
