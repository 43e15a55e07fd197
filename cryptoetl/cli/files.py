"""The commands around the users' files: init, check, upload."""

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
        typer.Argument(metavar="DIR", help="Where the files are; the working folder by default."),
    ] = None,
    *,
    glob: Annotated[
        str | None, typer.Option("--glob", metavar="PATTERN", help="Which files. [default: *.csv and *.tsv]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a configuration that exists.")] = False,
) -> int:
    """Find the files of prices and trends, and write a configuration for them."""
    from cryptoetl.discovery import proposal

    terminal = session.terminal
    proposal.may_write(session.path, force=force)
    found = proposal.propose(folder or Path(), session.path, glob, terminal.observe)
    if not found.currencies:
        terminal.show(found)
        terminal.say(proposal.how_to_go_on(found))
        return found.exit_code
    if not yes:
        terminal.show(found)
        if not terminal.can_ask or not terminal.confirm(f"Write {found.config}?"):
            terminal.say(
                "Nothing was written." + ("" if terminal.can_ask else " --yes writes it without asking.")
            )
            return 2
    written = proposal.write(found, force=force)
    if yes:
        terminal.show(written)
    terminal.say(proposal.how_to_go_on(written))
    return written.exit_code


def check(session: Session, *, tickers: TickersOption = None, strict: StrictOption = False) -> int:
    """Read every raw file and report all that is wrong or odd, with file and line."""
    from cryptoetl import pipeline

    config = session.config()
    currencies = session.files(config, tickers)
    result = pipeline.check(currencies, session.rules(config, strict=strict), session.terminal.observe)
    session.terminal.show(result)
    return result.exit_code


def upload(
    session: Session,
    *,
    tickers: TickersOption = None,
    strict: StrictOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be copied.")] = False,
) -> int:
    """Check, then copy the raw files that changed."""
    from cryptoetl import pipeline

    config = session.config()
    currencies = session.files(config, tickers)
    rules = session.rules(config, strict=strict)
    target = session.target(config)
    result = pipeline.upload(currencies, rules, target, session.terminal.observe, dry_run=dry_run)
    session.terminal.show(result)
    return result.exit_code
