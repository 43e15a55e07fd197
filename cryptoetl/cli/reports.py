"""The command for reports, and what `run` and `up` do with `--report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli.options import parse_duration
from cryptoetl.cli.session import Session
from cryptoetl.errors import CryptoetlError, EnvironmentFault, UsageError

if TYPE_CHECKING:
    from cryptoetl.config.models import Config
    from cryptoetl.pipeline.reporting import ReportRequest, ReportResult
    from cryptoetl.pipeline.results import RunResult, UpResult
    from cryptoetl.target import Target

ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="FILE", help="At the end, also write a report of the execution to this HTML file."
    ),
]
LONGEST = 7 * 24 * 3600
"""Seconds that a presigned link can work (Amazon S3 User Guide, "Download and upload objects with presigned
URLs")."""


def report(
    session: Session,
    execution: Annotated[
        str | None, typer.Argument(help="Name of the execution. [default: the latest]")
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Its file. [default: report-EXECUTION.html]"),
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    last: Annotated[
        int, typer.Option("--last", min=1, help="Show this many of the latest executions beside it.")
    ] = 10,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish", help="Also store it in the artifacts bucket, and print a link to it (on AWS)."
        ),
    ] = False,
    expires: Annotated[
        str, typer.Option("--expires", metavar="24h", help="With --publish: how long the link works.")
    ] = "24h",
) -> int:
    """Write one HTML file of an execution: state machine, timeline, currencies, charts, findings."""
    from cryptoetl.output.report import charts
    from cryptoetl.pipeline import reporting

    charts.require()
    seconds = int(parse_duration(expires))
    if seconds > LONGEST:
        raise UsageError(
            f"--expires {expires}: a link works for seven days at most", hint="Write 168h or less."
        )
    config = session.config()
    target = session.target(config)
    if publish and target.publish is None:
        raise reporting.cannot_publish()
    result = write(session, config, target, request(session, config, execution, last=last), output)
    if publish:
        result = reporting.published(target, result, seconds)
    code = session.terminal.show(result)
    if opened:
        import webbrowser

        webbrowser.open(result.path.resolve().as_uri())
    return code


def require(wanted: Path | None) -> None:
    """Raise an error, before anything is run, if a report is wanted and cannot be made.

    Raises ModuleNotFoundError without the extra `report`, EnvironmentFault if there is no such folder.
    """
    from cryptoetl.output.report import charts

    if wanted is not None:
        charts.require()
        if not wanted.parent.is_dir():
            raise EnvironmentFault(f"the report cannot be written to {wanted}: there is no such folder")


def request(session: Session, config: Config, execution: str | None, *, last: int = 10) -> ReportRequest:
    """Return the request for a report that is made now."""
    from datetime import UTC, datetime

    from cryptoetl.pipeline.reporting import ReportRequest

    rules = session.rules(config, strict=False)
    return ReportRequest(rules, session.path, datetime.now(UTC), execution, last)


def write(
    session: Session, config: Config, target: Target, wanted: ReportRequest, output: Path | None
) -> ReportResult:
    """Gather the facts, make the page and write it. Raises EnvironmentFault if it cannot be written."""
    from cryptoetl.output import report as pages
    from cryptoetl.pipeline import reporting
    from cryptoetl.util import atomic

    facts = reporting.gather(config, target, wanted, session.terminal.observe)
    page = pages.page(facts).encode()
    path = output or Path(f"report-{facts.execution.name}.html")
    try:
        with atomic.replacing(path, mode=0o644) as file:
            file.write(page)
    except OSError as error:
        raise EnvironmentFault(
            f"the report cannot be written to {path}: {error.strerror or error}"
        ) from error
    return reporting.ReportResult(facts.execution.name, path, len(page), len(facts.execution.currencies))


def finish(
    session: Session, config: Config, target: Target, result: RunResult | UpResult, path: Path | None
) -> int:
    """Show the result of `run` or `up`, write the report that is wanted, and return the result's exit code.

    Warn if no report can be written: what was run has its own exit code.
    """
    from dataclasses import replace

    from cryptoetl.pipeline.results import RunResult

    code = session.terminal.show(result)
    if path is None:
        return code
    ran = result if isinstance(result, RunResult) else result.run
    if ran is None or ran.execution is None:
        session.terminal.warn(f"no report was written to {path}: nothing was run")
        return code
    wanted = request(session, config, ran.execution.name)
    if not isinstance(result, RunResult):
        wanted = replace(wanted, known=result)
    try:
        written = write(session, config, target, wanted, path)
    except CryptoetlError as error:
        session.terminal.warn(f"no report was written: {error.message}")
    else:
        session.terminal.say(f"Wrote the report to {written.path}.")
    return code
