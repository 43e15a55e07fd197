"""The commands for executions: run, up, status, stop, logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli import completion, confirmation, reports
from cryptoetl.cli.options import (
    FailOption,
    StrictOption,
    TickersOption,
    YesOption,
    parse_duration,
    parse_fail,
    parse_tickers,
)
from cryptoetl.cli.reports import ReportOption
from cryptoetl.cli.session import Session
from cryptoetl.errors import UsageError

if TYPE_CHECKING:
    from cryptoetl.pipeline.results import RunRequest
    from cryptoetl.state_machine.definition import Step
    from cryptoetl.target.deployment import Plan


ExecutionOption = Annotated[
    str | None,
    typer.Option(
        "--execution", metavar="NAME", help="With --retry-failed: resume what failed in this execution."
    ),
]
LoggedOption = Annotated[
    str | None,
    typer.Argument(
        help="Ticker of the currency. [optional with --step clean]", autocompletion=completion.ticker
    ),
]
StepOption = Annotated[
    str | None,
    typer.Option(
        "--step",
        metavar="clean|silver|gold|redshift",
        autocompletion=completion.steps,
        help="Only this step; clean is the cleaning before them, of all currencies.",
    ),
]
ChangedOption = Annotated[
    bool,
    typer.Option(
        "--changed",
        help="Leave out currencies whose tables are loaded from these files, settings and scripts.",
    ),
]
TimeoutOption = Annotated[
    str | None,
    typer.Option("--timeout", metavar="30m", help="Stop the execution after this time: 90s, 30m, 2h."),
]


def run(
    session: Session,
    *,
    tickers: TickersOption = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="Resume what failed last time, each currency at its failed step."
        ),
    ] = False,
    execution: ExecutionOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start the execution and return at once (on AWS).")
    ] = False,
    timeout: TimeoutOption = None,
    begin: Annotated[
        str,
        typer.Option("--from", metavar="silver|gold|redshift", help="Begin at this step."),
    ] = "silver",
    changed: ChangedOption = False,
    fail: FailOption = None,
    report: ReportOption = None,
) -> int:
    """Start an execution of the deployed pipeline and follow it."""
    from cryptoetl import pipeline
    from cryptoetl.pipeline.results import RunRequest

    config = session.config()
    request = RunRequest(
        session.rules(config, strict=False),
        parse_tickers(tickers),
        retry_failed,
        parse_fail(fail or []),
        failed_in=execution,
        detach=detach,
        timeout=parse_duration(timeout) if timeout is not None else None,
        begin=_step(begin),
        changed=changed,
    )
    _verify_combination(request)
    reports.require(report)
    target = session.target(config)
    result = pipeline.run(config, target, request, session.terminal.observe)
    return reports.finish(session, config, target, result, report)


def _verify_combination(request: RunRequest) -> None:
    """Raise UsageError for options of `run` that exclude each other."""
    if request.failed_in is not None and not request.retry_failed:
        raise UsageError(
            "--execution needs --retry-failed", hint="To see an execution, use `cryptoetl status NAME`."
        )
    if request.begin != "silver" and request.retry_failed:
        raise UsageError(
            "--from and --retry-failed exclude each other", hint="A retry begins at the failed step."
        )
    if request.changed and (request.retry_failed or request.begin != "silver"):
        other = "--retry-failed" if request.retry_failed else "--from"
        raise UsageError(
            f"--changed and {other} exclude each other",
            hint="What failed is not loaded: --changed runs it again, from silver.",
        )


def _step(name: str) -> Step:
    """Return the step of this name. Raises UsageError."""
    from cryptoetl.state_machine.definition import STEPS

    if name not in STEPS:
        raise UsageError(f"--from {name}: no such step", hint=f"The steps are {', '.join(STEPS)}.")
    return name


def up(
    session: Session,
    *,
    tickers: TickersOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what each phase would do, and change nothing.")
    ] = False,
    yes: YesOption = False,
    strict: StrictOption = False,
    changed: ChangedOption = False,
    fail: FailOption = None,
    report: ReportOption = None,
) -> int:
    """Check, deploy, upload, run and verify in one go. On AWS, ask before a deploy."""
    chosen, failing = parse_tickers(tickers), parse_fail(fail or [])
    config, terminal = session.config(), session.terminal
    terminal.begin_phases("check")  # before the imports, which take a moment

    from cryptoetl import pipeline
    from cryptoetl.pipeline.everything import Dialog
    from cryptoetl.pipeline.results import RunRequest

    def approve(plan: Plan) -> None:
        terminal.show_plan(plan)
        if config.target == "aws" and not plan.exit_code:
            confirmation.confirm(session, config, plan, yes=yes)

    rules = session.rules(config, strict=strict)
    request = RunRequest(rules, chosen, fail=failing, dry_run=dry_run, changed=changed)
    dialog = Dialog(terminal.end_phase, approve)
    reports.require(report)
    target = session.target(config)
    try:
        result = pipeline.up(config, target, request, terminal.observe, dialog)
    except confirmation.Declined:
        terminal.say("Nothing was deployed, uploaded or run.")
        return 2
    return reports.finish(session, config, target, result, report)


def status(
    session: Session,
    execution: Annotated[
        str | None,
        typer.Argument(
            help="Name of the execution. [default: the latest]", autocompletion=completion.executions
        ),
    ] = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the execution to its end.")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="Show only currencies, or executions, that failed.")
    ] = False,
    last: Annotated[
        int | None, typer.Option("--last", min=1, help="List the latest executions, at most this many.")
    ] = None,
) -> int:
    """Show each currency and its steps in an execution."""
    from cryptoetl.pipeline import watching
    from cryptoetl.pipeline.results import ExecutionList, exit_code

    if watch:
        session.terminal.follow()
    target = session.target(session.config())
    if last is not None:
        latest = watching.latest(target, last, session.terminal.observe)
        chosen = (found for found in latest if not failed or exit_code(found))
        return session.terminal.show(ExecutionList(tuple(chosen)), failed=failed)
    if watch:
        result = watching.watch(target, execution, session.terminal.observe)
    else:
        result = watching.status(target, execution)
    return session.terminal.show(result, failed=failed)


def stop(
    session: Session,
    execution: Annotated[
        str | None,
        typer.Argument(
            help="Name of the execution. [default: the latest]", autocompletion=completion.executions
        ),
    ] = None,
) -> int:
    """Stop an execution and the job runs that it has started."""
    from cryptoetl import pipeline

    result = pipeline.stop(session.target(session.config()), execution)
    return session.terminal.show(result)


def logs(
    session: Session,
    ticker: LoggedOption = None,
    *,
    step: StepOption = None,
    execution: Annotated[
        str | None,
        typer.Option("--execution", metavar="NAME", help="Name of the execution. [default: the latest]"),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print lines as they are written, until the currency has ended.")
    ] = False,
    errors: Annotated[bool, typer.Option("--errors", help="Only errors and tracebacks.")] = False,
) -> int:
    """Print the log of a currency's steps in order of time."""
    from cryptoetl.pipeline import logs as step_logs
    from cryptoetl.pipeline import watching
    from cryptoetl.pipeline.results import StepLog

    if follow:
        session.terminal.follow()
    steps = step_logs.chosen(step)
    if ticker is None and steps != ["clean"]:
        raise UsageError(
            "a currency is missing", hint="Write `cryptoetl logs BTC`, or `cryptoetl logs --step clean`."
        )
    target = session.target(session.config())
    name = execution or watching.latest_name(target)
    request = step_logs.LogRequest(ticker or "", name, steps, errors, follow)
    found = step_logs.lines(target, request)
    if follow:
        any_line = False
        for line in found:
            session.terminal.show_line(line)
            any_line = True
        if not any_line and (note := step_logs.why_none(target, request)):
            session.terminal.say(note)
        return 0
    lines = tuple(found)
    note = None if lines else step_logs.why_none(target, request)
    return session.terminal.show(StepLog(ticker or "", name, lines, note))
