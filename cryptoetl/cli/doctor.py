"""The command doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli.session import Session

if TYPE_CHECKING:
    from cryptoetl.target.diagnosis import Diagnosis


def doctor(
    session: Session,
    *,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect", help="Also ask the Redshift database, which wakes the workgroup and is billed."
        ),
    ] = False,
) -> int:
    """Check installation, configuration, files, account and network, without changing anything."""
    from cryptoetl import pipeline
    from cryptoetl.config.environments import Source
    from cryptoetl.pipeline.results import DoctorResult

    terminal = session.terminal
    found: list[Diagnosis] = []
    for diagnosis in pipeline.diagnose(
        Source(session.path, session.environment), session.config, session.target, connect=connect
    ):
        terminal.show_diagnosis(diagnosis, first=not found or found[-1].area != diagnosis.area)
        found.append(diagnosis)
    return terminal.show(DoctorResult(tuple(found)))
