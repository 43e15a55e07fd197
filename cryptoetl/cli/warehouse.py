"""The commands for tables: verify, query, preview."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli import completion
from cryptoetl.cli.options import StrictOption, TickersOption, parse_duration, parse_size, parse_tickers
from cryptoetl.cli.session import Session
from cryptoetl.errors import QueryError, UsageError
from cryptoetl.util.text import did_you_mean, enumerated

if TYPE_CHECKING:
    from cryptoetl.config.models import Config


MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="4GB",
        help="Memory that the statement may use (local target). [default: 2GB]",
    ),
]


def verify(session: Session, *, tickers: TickersOption = None, strict: StrictOption = False) -> int:
    """Check that the tables equal gold and are recent."""
    from cryptoetl import pipeline

    config = session.config()
    chosen = [currency.ticker for currency in config.select(parse_tickers(tickers))]
    rules = session.rules(config, strict=strict)
    result = pipeline.verify(config, session.target(config), chosen, session.terminal.observe, rules)
    return session.terminal.show(result)


def query(
    session: Session,
    sql: Annotated[
        str | None, typer.Argument(help="A SELECT statement; - reads it from standard input.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the statement from this file.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="table|csv|json|parquet", help="Format of the rows.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rows to this file.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Return at most this many rows.")] = 1000,
    timeout: Annotated[
        str,
        typer.Option("--timeout", metavar="30m", help="Cancel the statement after this time: 90s, 30m, 2h."),
    ] = "5m",
    memory: MemoryOption = None,
) -> int:
    """Run one read-only SQL statement."""
    from cryptoetl.output import export

    as_json = session.options.json and form == "table"
    form = export.format_named("json" if as_json else form, output=output)
    text = _statement(sql, file)
    seconds, memory_limit = parse_duration(timeout), parse_size(memory) if memory is not None else None
    config = session.config()
    try:
        rows = session.target(config).warehouse.query(text, limit, timeout=seconds, memory=memory_limit)
    except QueryError as error:
        raise _with_tables(error, config) from error
    if form == "table":
        return session.terminal.show(rows)
    if as_json and output is None:
        session.terminal.show(rows)
    else:
        _write(session, export.encoded(rows, form), output, text=form == "json")
    if output is not None:
        session.terminal.say(f"Wrote {len(rows.rows):,} rows to {output}.")
    if rows.more:
        session.terminal.warn(f"only the first {len(rows.rows):,} rows; --limit returns more")
    return 0


def _with_tables(error: QueryError, config: Config) -> QueryError:
    """Return the error with the tables that there are, if one is named that does not exist."""
    missing = re.search(r'(?:relation "|Table with name )(?:\w+\.)?(\w+)"? does not exist', error.message)
    if missing is None or error.hint:
        return error
    from cryptoetl.config import ALL_CURRENCIES

    tables = [ALL_CURRENCIES, *(currency.table for currency in config.currencies)]
    if missing[1] in tables:
        return QueryError(
            error.message, hint="Nothing has been loaded into it yet: `cryptoetl run` does that."
        )
    hint = f"{did_you_mean([missing[1]], tables)}The tables are {enumerated(tables)}."
    return QueryError(error.message, hint=f"{hint} They are in the schema {config.aws.redshift.schema_name}.")


def _write(session: Session, content: bytes, output: Path | None, *, text: bool) -> None:
    if output is not None:
        output.write_bytes(content)
    elif text:
        session.terminal.text(content.decode())
    else:
        session.terminal.data(content.decode())


def _statement(sql: str | None, file: Path | None) -> str:
    """Return the statement from the argument, standard input or a file. Raises UsageError."""
    if (sql is None) == (file is None):
        raise UsageError(
            "exactly one statement is needed",
            hint="Give it in quotes, as - for standard input, or as -f FILE.",
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
    ticker: Annotated[str, typer.Argument(help="Ticker of the currency.", autocompletion=completion.ticker)],
    *,
    days: Annotated[int, typer.Option("--days", min=2, help="Plot this many of the latest rows.")] = 365,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Also write the plot to this PNG file.")
    ] = None,
) -> int:
    """Plot a currency and print the last rows of its table."""
    from cryptoetl import pipeline

    config = session.config()
    result = pipeline.preview(config, session.target(config), ticker, days)
    if png is not None:
        from cryptoetl.output import picture

        png.write_bytes(picture.png(result))
    code = session.terminal.show(result)
    if png is not None:
        session.terminal.say(f"Wrote the plot to {png}.")
    return code
