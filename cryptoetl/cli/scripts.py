"""The commands for the Glue scripts: scripts export, scripts check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cryptoetl.cli.session import Session


def export(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write the scripts to.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace scripts that are there already.")] = False,
) -> int:
    """Write the original Glue scripts to a folder, to change them there."""
    from cryptoetl.state_machine import scripts

    written = scripts.export(folder, force=force)
    session.terminal.text("\n".join(map(str, written)))
    beside = session.path.parent / "glue_scripts"
    used = folder.resolve() == beside.resolve()
    session.terminal.say(
        f"The configuration beside it uses them from now on: {session.path}."
        if used
        else f"To use them, add `scripts: {folder}` to {session.path}."
    )
    return 0


def check(session: Session) -> int:
    """Check that the scripts of the configuration have what the state machine needs."""
    from cryptoetl.state_machine import bundle, scripts

    config = session.config()
    bundle.build(config, bundle.Layout("", "", "", ""))
    session.terminal.text(f"{scripts.described(config)}: ok")
    return 0
