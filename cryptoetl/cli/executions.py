"""Executions, from start to what they wrote: run, up, status, stop, logs."""

from __future__ import annotations

from typing import Annotated

import typer

from cryptoetl.cli.options import (
    FailOption,
    StrictOption,
    TickersOption,
    parse_duration,
    parse_fail,
    parse_tickers,
)
from cryptoetl.cli.session import Session
from cryptoetl.errors import UsageError


def run(
    session: Session,
    *,
    tickers: TickersOption = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="What failed last time, each from its failed step.")
    ] = False,
    execution: Annotated[
        str | None,
        typer.Option("--execution", metavar="NAME", help="With --retry-failed: what failed in this one."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start it and do not wait for it (on AWS).")
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="30m", help="Stop it if it is not through by then: 90s, 30m, 2h."),
    ] = None,
    begin: Annotated[
        str,
        typer.Option("--from", metavar="silver|gold|redshift", help="The step at which to begin."),
    ] = "silver",
    fail: FailOption = None,
) -> int:
    """Start an execution of what is deployed, and follow it."""
    from cryptoetl import pipeline
    from cryptoetl.pipeline.results import RunRequest
    from cryptoetl.state_machine.definition import STEPS

    if execution is not None and not retry_failed:
        raise UsageError(
            "--execution goes with --retry-failed", hint="`cryptoetl status` shows an execution."
        )
    if begin not in STEPS:
        raise UsageError(f"--from {begin}: there is no such step", hint=f"There are {', '.join(STEPS)}.")
    if begin != STEPS[0] and retry_failed:
        raise UsageError(
            "--from and --retry-failed exclude each other", hint="A retry begins at the step that failed."
        )
    config = session.config()
    request = RunRequest(
        session.rules(config, strict=False),
        parse_tickers(tickers),
        retry_failed,
        parse_fail(fail or []),
        failed_in=execution,
        detach=detach,
        timeout=parse_duration(timeout) if timeout is not None else None,
        begin=begin,
    )
    result = pipeline.run(config, session.target(config), request, session.terminal.observe)
    session.terminal.show(result)
    return result.exit_code


def up(
    session: Session,
    *,
    tickers: TickersOption = None,
    strict: StrictOption = False,
    fail: FailOption = None,
) -> int:
    """Check, upload, deploy, run and verify: everything in one."""
    from cryptoetl import pipeline
    from cryptoetl.pipeline.results import RunRequest

    config = session.config()
    session.files(config, tickers)
    rules = session.rules(config, strict=strict)
    request = RunRequest(rules, parse_tickers(tickers), fail=parse_fail(fail or []))
    result = pipeline.up(config, session.target(config), request, session.terminal.observe)
    session.terminal.show(result)
    return result.exit_code


def status(
    session: Session,
    execution: Annotated[str | None, typer.Argument(help="The latest by default.")] = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    last: Annotated[int | None, typer.Option("--last", min=1, help="List this many executions.")] = None,
) -> int:
    """Each currency and its steps in an execution."""
    from cryptoetl.pipeline import watching
    from cryptoetl.pipeline.results import ExecutionList, exit_code

    target = session.target(session.config())
    if last is not None:
        session.terminal.show(ExecutionList(tuple(watching.latest(target, last, session.terminal.observe))))
        return 0
    if watch:
        result = watching.follow(target, execution, session.terminal.observe)
    else:
        result = watching.status(target, execution)
    session.terminal.show(result)
    return exit_code(result)


def stop(
    session: Session,
    execution: Annotated[str | None, typer.Argument(help="The latest by default.")] = None,
) -> int:
    """Stop an execution and the Glue runs that it has started."""
    from cryptoetl import pipeline

    result = pipeline.stop(session.target(session.config()), execution)
    session.terminal.show(result)
    return result.exit_code


def logs(
    session: Session,
    ticker: Annotated[str, typer.Argument(help="The currency.")],
    *,
    step: Annotated[
        str | None, typer.Option("--step", metavar="silver|gold|redshift", help="This step only.")
    ] = None,
    execution: Annotated[
        str | None, typer.Option("--execution", metavar="NAME", help="The latest by default.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show lines as they come.")] = False,
    errors: Annotated[bool, typer.Option("--errors", help="Errors and tracebacks only.")] = False,
) -> int:
    """What the Glue runs of a currency wrote, in order of time."""
    from cryptoetl.pipeline import logs as step_logs
    from cryptoetl.pipeline import watching
    from cryptoetl.pipeline.results import StepLog
    from cryptoetl.state_machine.definition import STEPS

    if step is not None and step not in STEPS:
        raise UsageError(f"{step!r} is not a step", hint=f"There are {', '.join(STEPS)}.")
    target = session.target(session.config())
    name = execution or watching.latest_name(target)
    steps = [item for item in STEPS if step in (None, item)]
    found = step_logs.lines(target, ticker, name, steps, errors_only=errors, follow=follow)
    if follow:
        for line in found:
            session.terminal.show_line(line)
        return 0
    session.terminal.show(StepLog(ticker, name, tuple(found)))
    return 0
