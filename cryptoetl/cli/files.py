"""The commands for raw files: init, check, upload."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli.options import StrictOption, TickersOption, parse_tickers
from cryptoetl.cli.session import Session
from cryptoetl.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from cryptoetl.discovery.asking import Ask, Question
    from cryptoetl.output.terminal import Terminal
    from cryptoetl.pipeline.results import CheckResult


def init(
    session: Session,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Folder with the files. [default: the working folder]"),
    ] = None,
    *,
    glob: Annotated[
        str | None,
        typer.Option(
            "--glob",
            metavar="PATTERN",
            help="Pattern of the files' names. [default: *.csv, *.tsv, packed too]",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the configuration without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing configuration.")] = False,
) -> int:
    """Write a configuration for the price and trend files of a folder."""
    from cryptoetl.discovery import proposal

    terminal = session.terminal
    proposal.may_write(session.new_path, force=force)
    ask = _asking(terminal) if terminal.can_ask and not (yes or session.options.quiet) else None
    found = proposal.propose(folder or Path(), session.new_path, glob, terminal.observe, ask)
    if not found.currencies:
        code = terminal.show(found)
        terminal.say(proposal.how_to_go_on(found))
        return code
    if not yes:
        code = terminal.show(found)
        if not terminal.can_ask or not terminal.confirm(f"Write {found.config}?"):
            terminal.say(
                "Nothing was written." + ("" if terminal.can_ask else " --yes writes it without asking.")
            )
            return code
    written = proposal.write(found, force=force)
    if yes:
        terminal.show(written)
    terminal.say(proposal.how_to_go_on(written))
    return written.exit_code


def _asking(terminal: Terminal) -> Ask:
    """Return a function that asks on the terminal which column or file holds the prices of a currency."""

    def ask(question: Question) -> int | None:
        terminal.say(f"{question.ticker}: {question.reason}. Which are the prices?")
        for number, option in enumerate((f"leave {question.ticker} out", *question.options)):
            terminal.say(f"  {number}  {option}")
        while answer := terminal.ask("Number [0]: "):
            if answer.isdecimal() and int(answer) <= len(question.options):
                return int(answer) - 1 if int(answer) else None
            terminal.say("Type one of the numbers above.")
        return None

    return ask


def check(
    session: Session,
    *,
    tickers: TickersOption = None,
    strict: StrictOption = False,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="table|github",
            help="github: print annotations of files and lines too, for GitHub Actions.",
        ),
    ] = "table",
) -> int:
    """Report errors and warnings of every raw file, with file and line."""
    from cryptoetl import pipeline

    annotate = _annotating(session, form)
    try:
        config = session.config()
    except ConfigError as error:
        annotate(error)
        raise
    currencies = config.select(parse_tickers(tickers))
    result = pipeline.check(currencies, session.rules(config, strict=strict), session.terminal.observe)
    code = session.terminal.show(result)
    annotate(result)
    return code


def _annotating(session: Session, form: str) -> Callable[[CheckResult | ConfigError], None]:
    """Return what prints the annotations of a format: nothing for a table. Raises UsageError."""
    if form == "table":
        return lambda _: None
    if form != "github":
        raise UsageError(f"{form!r} is not a format", hint="Choose table or github.")
    if session.options.json:
        raise UsageError("--format github and --json exclude each other", hint="Leave one of them out.")
    from cryptoetl.output import annotations

    def annotate(found: CheckResult | ConfigError) -> None:
        if isinstance(found, ConfigError):
            made = annotations.of_problems(found.problems)
        else:
            made = annotations.of_check(found)
        root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
        if text := annotations.commands(made, root):
            session.terminal.data(text)

    return annotate


def upload(
    session: Session,
    *,
    tickers: TickersOption = None,
    strict: StrictOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be copied.")] = False,
) -> int:
    """Check the raw files, then copy those that changed."""
    from cryptoetl import pipeline

    config = session.config()
    currencies = config.select(parse_tickers(tickers))
    rules = session.rules(config, strict=strict)
    target = session.target(config)
    result = pipeline.upload(currencies, rules, target, session.terminal.observe, dry_run=dry_run)
    return session.terminal.show(result)
