"""The tables: verify, query, preview."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cryptoetl.cli.options import StrictOption, TickersOption, parse_duration, parse_size, parse_tickers
from cryptoetl.cli.session import Session
from cryptoetl.errors import UsageError


def verify(session: Session, *, tickers: TickersOption = None, strict: StrictOption = False) -> int:
    """Whether the tables are there, as they should be, and hold what gold holds."""
    from cryptoetl import pipeline

    config = session.config()
    chosen = [currency.ticker for currency in config.select(parse_tickers(tickers))]
    rules = session.rules(config, strict=strict)
    result = pipeline.verify(config, session.target(config), chosen, session.terminal.observe, rules)
    session.terminal.show(result)
    return result.exit_code


def query(
    session: Session,
    sql: Annotated[str | None, typer.Argument(help="A SELECT; - reads it from standard input.")] = None,
    *,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the statement from a file.")] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="table|csv|json|parquet", help="How to print the rows.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rows to a file.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at the most.")] = 1000,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="30m", help="Stop it after that time: 90s, 30m, 2h.")
    ] = "5m",
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory-limit", metavar="4GB", help="Memory it may use (local target). [default: 2GB]"
        ),
    ] = None,
) -> int:
    """Run one read-only SQL statement."""
    from cryptoetl.output import export

    form = export.format_named("json" if session.options.json and form == "table" else form, output=output)
    text = _statement(sql, file)
    seconds = parse_duration(timeout)
    size = None if memory is None else parse_size(memory)
    warehouse = session.target(session.config()).warehouse
    rows = warehouse.query(text, limit, timeout=seconds, memory=size)
    if form == "table":
        session.terminal.show(rows)
        return 0
    content = export.encoded(rows, form)
    if output is None:
        (session.terminal.text if form == "json" else session.terminal.data)(content.decode())
    else:
        output.write_bytes(content)
        session.terminal.say(f"{len(rows.rows):,} rows are in {output}.")
    if rows.more:
        session.terminal.warn(f"these are the first {len(rows.rows):,} rows; --limit gives more")
    return 0


def _statement(sql: str | None, file: Path | None) -> str:
    """The statement, from where it was given. Raises UsageError."""
    if (sql is None) == (file is None):
        raise UsageError(
            "one statement is needed", hint="Give it in quotes, or - for standard input, or -f FILE."
        )
    if file is None:
        assert sql is not None
        return sys.stdin.read() if sql == "-" else sql
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text") from None


def preview(
    session: Session,
    ticker: Annotated[str, typer.Argument(help="The currency.")],
    *,
    days: Annotated[int, typer.Option("--days", min=2, help="The latest rows that are plotted.")] = 365,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Also draw a picture into a file.")
    ] = None,
) -> int:
    """The last rows of a currency's table, and a plot of price, its mean and the trend."""
    from cryptoetl import pipeline

    config = session.config()
    result = pipeline.preview(config, session.target(config), ticker, days)
    if png is not None:
        from cryptoetl.output import picture

        png.write_bytes(picture.png(result))
    session.terminal.show(result)
    if png is not None:
        session.terminal.say(f"The picture is in {png}.")
    return 0
