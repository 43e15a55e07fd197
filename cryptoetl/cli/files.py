"""The commands for raw files: init, check, upload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cryptoetl.cli.options import StrictOption, TickersOption
from cryptoetl.cli.session import Session


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
            "--glob", metavar="PATTERN", help="Pattern of the files' names. [default: *.csv and *.tsv]"
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the configuration without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing configuration.")] = False,
) -> int:
    """Write a configuration for the price and trend files of a folder."""
    from cryptoetl.discovery import proposal

    terminal = session.terminal
    proposal.may_write(session.path, force=force)
    found = proposal.propose(folder or Path(), session.path, glob, terminal.observe)
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


def check(session: Session, *, tickers: TickersOption = None, strict: StrictOption = False) -> int:
    """Report errors and warnings of every raw file, with file and line."""
    from cryptoetl import pipeline

    config = session.config()
    currencies = session.files(config, tickers)
    result = pipeline.check(currencies, session.rules(config, strict=strict), session.terminal.observe)
    return session.terminal.show(result)


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
    currencies = session.files(config, tickers)
    rules = session.rules(config, strict=strict)
    target = session.target(config)
    result = pipeline.upload(currencies, rules, target, session.terminal.observe, dry_run=dry_run)
    return session.terminal.show(result)
