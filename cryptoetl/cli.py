"""The commands: parse, call a use case, hand its result to the console. Nothing else.

Heavy modules are imported inside the commands, so that `--help` and `--version` stay quick. `command`
gives each of them the global options and is the one place where errors become messages and exit codes.
"""

from __future__ import annotations

import inspect
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from cryptoetl import __version__
from cryptoetl.errors import ConfigError, CryptoetlError, EnvironmentFault, Interrupted, UsageError

if TYPE_CHECKING:
    from cryptoetl.config import Config, Currency, TargetName
    from cryptoetl.console import Terminal
    from cryptoetl.results import CheckRules
    from cryptoetl.state_machine import Step
    from cryptoetl.target import Target

app = typer.Typer(
    help="From crypto price and trend files to tables ready for SQL, on AWS or on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich would double the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)
render_app = typer.Typer(
    help="Print what would be deployed, without credentials or network.", no_args_is_help=True
)
app.add_typer(render_app, name="render")


# --- global options and the error boundary ------------------------------------------------------------

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file. [env: CRYPTOETL_CONFIG; default: config.yaml]"),
]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", metavar="local|aws", help="Where to work. [env: CRYPTOETL_TARGET]"),
]
RegionOption = Annotated[str | None, typer.Option("--region", help="AWS region.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="AWS profile.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show more.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Take every warning for an error.")]
TickersOption = Annotated[
    str | None, typer.Option("--tickers", metavar="BTC,XMR", help="These currencies only.")
]


@dataclass(frozen=True)
class Globals:
    """The global options, wherever on the command line they were given."""

    config: ConfigOption = None
    target: TargetOption = None
    region: RegionOption = None
    profile: ProfileOption = None
    json: JsonOption = False
    verbose: VerboseOption = False
    debug: DebugOption = False

    def over(self, other: Globals) -> Globals:
        """These, and where they say nothing, the other's."""
        return Globals(*(getattr(self, f.name) or getattr(other, f.name) for f in fields(self)))


class Session:
    """What a command works with, each part made when it is first needed."""

    def __init__(self, options: Globals, terminal: Terminal) -> None:
        self.options = options
        self.terminal = terminal
        self.path = options.config or Path(os.environ.get("CRYPTOETL_CONFIG") or "config.yaml")

    def config(self) -> Config:
        """The configuration, --target and CRYPTOETL_TARGET applied."""
        from cryptoetl import config

        loaded = config.load(self.path)
        name = self.options.target or os.environ.get("CRYPTOETL_TARGET")
        if not name:
            return loaded
        if name not in ("local", "aws"):
            raise UsageError(f"{name!r} is not a target", hint="There are local and aws.")
        return loaded.model_copy(update={"target": cast("TargetName", name)})

    def files(self, config: Config, tickers: str | None) -> tuple[Currency, ...]:
        """The chosen currencies, their files present. Raises ConfigError naming each that is not."""
        from cryptoetl.config import missing_files

        currencies = config.select(parse_tickers(tickers))
        if problems := missing_files(self.path, currencies):
            raise ConfigError(problems)
        return currencies

    def rules(self, config: Config, *, strict: bool) -> CheckRules:
        """What the check goes by, today."""
        from datetime import date

        from cryptoetl.results import CheckRules

        return CheckRules(date.today(), config.max_age_days, strict)  # noqa: DTZ011 - the user's own day

    def target(self, config: Config) -> Target:
        if config.target == "aws":
            from cryptoetl import aws

            return aws.target(
                config, region=self.options.region, profile=self.options.profile, warn=self.terminal.warn
            )
        from cryptoetl import local

        return local.target(config)


def command(
    group: typer.Typer, name: str | None = None
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a command: it takes a Session first, gains the global options, and returns its exit code."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        signature = inspect.signature(function, eval_str=True)
        own = list(signature.parameters.values())[1:]
        shared = inspect.signature(Globals, eval_str=True).parameters.values()
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

        @wraps(function)
        def call(context: typer.Context, **arguments: Any) -> NoReturn:
            given = Globals(**{f.name: arguments.pop(f.name) for f in fields(Globals)})
            options = given.over(cast(Globals, context.obj))
            raise typer.Exit(_bounded(function, options, arguments))

        parameters = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *shared))]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        group.command(name)(call)
        return function

    return register


def _bounded(function: Callable[..., int | None], options: Globals, arguments: dict[str, Any]) -> int:
    """Run a command; whatever goes wrong becomes a message and an exit code."""
    from cryptoetl.console import Terminal

    with Terminal(as_json=options.json, verbose=options.verbose) as terminal:
        try:
            return function(Session(options, terminal), **arguments) or 0
        except CryptoetlError as error:
            if options.debug:
                raise
            terminal.error(error)
            return error.exit_code
        except KeyboardInterrupt:
            terminal.error(Interrupted("stopped before it was done"))
            return Interrupted.exit_code
        except Exception as error:
            if options.debug:
                raise
            terminal.error(_unforeseen(error))
            return 2


_EXTRAS = {
    **dict.fromkeys(("duckdb", "pysail", "pyspark", "filelock"), ("local", "the local target")),
    "pyarrow": ("local", "reading and writing Parquet"),
    "matplotlib": ("png", "preview --png"),
}
"""Packages that are not always there: the extra that brings each, and what needs it."""


def _unforeseen(error: Exception) -> CryptoetlError:
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get(error.name or "")):
        return EnvironmentFault(
            f"{extra[1]} needs the package {error.name}, which is not installed",
            hint=f"Install it with: pip install 'cryptoetl[{extra[0]}]'",
        )
    if isinstance(error, OSError):
        return EnvironmentFault(f"{error.filename or 'the system'}: {error.strerror or error}")
    return CryptoetlError(
        f"unexpected {type(error).__name__}: {error}", hint="Run the same command with --debug and report it."
    )


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 90s, 30m or 2h; a bare number is minutes. Raises UsageError."""
    found = re.fullmatch(r"(\d+)([smh]?)", text.strip())
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{text!r} is not a duration", hint="Write it as 90s, 30m or 2h.")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2] or "m"]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cryptoetl {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    config: ConfigOption = None,
    target: TargetOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    context.obj = Globals(config, target, region, profile, json, verbose, debug)


def parse_tickers(text: str | None) -> list[str] | None:
    """`BTC,XMR` as a list; None stays None. Raises UsageError for a list without a ticker."""
    if text is None:
        return None
    tickers = [part.strip() for part in text.split(",") if part.strip()]
    if not tickers:
        raise UsageError("--tickers names no currency", hint="Write it as --tickers BTC,XMR.")
    return list(dict.fromkeys(tickers))


def parse_fail(items: list[str]) -> dict[str, Step]:
    """`["XMR:gold"]` as {"XMR": "gold"}. Raises UsageError."""
    from cryptoetl.state_machine import STEPS

    fail: dict[str, Step] = {}
    for item in items:
        ticker, _, step = item.partition(":")
        if step not in STEPS or not ticker:
            raise UsageError(
                f"--fail {item}: not a currency and step",
                hint=f"Write TICKER:STEP, with one of {', '.join(STEPS)}.",
            )
        fail[ticker] = step
    return fail


# --- commands -----------------------------------------------------------------------------------------


@command(app)
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


@command(app)
def check(session: Session, *, tickers: TickersOption = None, strict: StrictOption = False) -> int:
    """Read every raw file and report all that is wrong or odd, with file and line."""
    from cryptoetl import pipeline

    config = session.config()
    currencies = session.files(config, tickers)
    result = pipeline.check(currencies, session.rules(config, strict=strict), session.terminal.observe)
    session.terminal.show(result)
    return result.exit_code


@command(app)
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


@command(app)
def deploy(
    session: Session,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    drift: Annotated[
        bool, typer.Option("--drift", help="Also report what was changed by others (with --dry-run, on AWS).")
    ] = False,
    allow_data_removal: Annotated[
        bool, typer.Option("--allow-data-removal", help="Let what holds data leave the stack (on AWS).")
    ] = False,
) -> int:
    """Show what would change, ask, and apply it."""
    from cryptoetl import pipeline

    if drift and not dry_run:
        raise UsageError("--drift only reports", hint="Use it with --dry-run.")
    config, terminal = session.config(), session.terminal
    target = session.target(config)
    if not dry_run:
        pipeline.join(target, terminal.observe)
    plan = pipeline.plan(config, target, drift=drift)
    if dry_run or not plan.changes:
        terminal.show(plan)
        return plan.exit_code
    if not yes and (terminal.can_ask or config.target == "aws"):
        if not terminal.can_ask:
            raise UsageError(
                "this changes your AWS account, and there is nobody to ask",
                hint="--dry-run shows the plan; --yes applies it.",
            )
        terminal.show(plan)
        if not plan.exit_code and not terminal.confirm("Deploy this?"):
            terminal.say("Nothing was deployed.")
            return 2
    applied = pipeline.deploy(plan, target, terminal.observe, allow_data_removal=allow_data_removal)
    terminal.show(applied)
    return applied.exit_code


@command(app)
def destroy(
    session: Session,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go and what would stay.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, unless for data.")] = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete raw, silver and gold data too, for good.")
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm", metavar="PIPELINE", help="The pipeline's name: what --delete-data asks for."
        ),
    ] = None,
) -> int:
    """List what would be removed, ask, and remove it. Data stays unless you say otherwise."""
    from cryptoetl import pipeline

    config, terminal = session.config(), session.terminal
    target = session.target(config)
    removal = pipeline.removal(target, delete_data=delete_data)
    if dry_run or not removal.removed:
        terminal.show(removal)
        return removal.exit_code
    if terminal.can_ask and not (yes and not delete_data) and confirm is None:
        terminal.show(removal)
    if not _agreed(session, config.pipeline, delete_data=delete_data, yes=yes, confirm=confirm):
        terminal.say("Nothing was removed.")
        return 2
    terminal.show(pipeline.destroy(removal, target, terminal.observe))
    return removal.exit_code


def _agreed(session: Session, pipeline: str, *, delete_data: bool, yes: bool, confirm: str | None) -> bool:
    """Whether the user wants it: a yes for what can be deployed again, the pipeline's name for data."""
    terminal = session.terminal
    if not delete_data:
        if yes:
            return True
        if terminal.can_ask:
            return terminal.confirm("Remove this?")
        raise UsageError("there is nobody to ask", hint="--dry-run lists what would go; --yes removes it.")
    if confirm is None and terminal.can_ask:
        confirm = terminal.ask(f"This deletes data for good. Type {pipeline} to go on: ")
        return confirm == pipeline
    if confirm != pipeline:
        raise UsageError(
            "--delete-data needs the pipeline's name",
            hint=f"Say --confirm {pipeline} if that is meant. Nothing was removed.",
        )
    return True


FailOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fail",
        metavar="TICKER:STEP",
        help="Make this step fail on purpose, to see that the others go on (local target).",
    ),
]


@command(app)
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
    fail: FailOption = None,
) -> int:
    """Start an execution of what is deployed, and follow it."""
    from cryptoetl import pipeline
    from cryptoetl.results import RunRequest

    if execution is not None and not retry_failed:
        raise UsageError(
            "--execution goes with --retry-failed", hint="`cryptoetl status` shows an execution."
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
    )
    result = pipeline.run(config, session.target(config), request, session.terminal.observe)
    session.terminal.show(result)
    return result.exit_code


@command(app)
def up(
    session: Session,
    *,
    tickers: TickersOption = None,
    strict: StrictOption = False,
    fail: FailOption = None,
) -> int:
    """Check, upload, deploy, run and verify: everything in one."""
    from cryptoetl import pipeline
    from cryptoetl.results import RunRequest

    config = session.config()
    session.files(config, tickers)
    rules = session.rules(config, strict=strict)
    request = RunRequest(rules, parse_tickers(tickers), fail=parse_fail(fail or []))
    result = pipeline.up(config, session.target(config), request, session.terminal.observe)
    session.terminal.show(result)
    return result.exit_code


@command(app)
def status(
    session: Session,
    execution: Annotated[str | None, typer.Argument(help="The latest by default.")] = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    last: Annotated[int | None, typer.Option("--last", min=1, help="List this many executions.")] = None,
) -> int:
    """Each currency and its steps in an execution."""
    from cryptoetl import pipeline
    from cryptoetl.results import ExecutionList, exit_code

    target = session.target(session.config())
    if last is not None:
        session.terminal.show(ExecutionList(tuple(pipeline.latest(target, last))))
        return 0
    if watch:
        result = pipeline.follow(target, execution, session.terminal.observe)
    else:
        result = pipeline.status(target, execution)
    session.terminal.show(result)
    return exit_code(result)


@command(app)
def stop(
    session: Session,
    execution: Annotated[str | None, typer.Argument(help="The latest by default.")] = None,
) -> int:
    """Stop an execution and the Glue runs that it has started."""
    from cryptoetl import pipeline

    result = pipeline.stop(session.target(session.config()), execution)
    session.terminal.show(result)
    return result.exit_code


@command(app)
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
    from cryptoetl import pipeline, step_logs
    from cryptoetl.results import StepLog
    from cryptoetl.state_machine import STEPS

    if step is not None and step not in STEPS:
        raise UsageError(f"{step!r} is not a step", hint=f"There are {', '.join(STEPS)}.")
    target = session.target(session.config())
    name = execution or pipeline.latest_name(target)
    steps = [item for item in STEPS if step in (None, item)]
    found = step_logs.lines(target, ticker, name, steps, errors_only=errors, follow=follow)
    if follow:
        for line in found:
            session.terminal.show_line(line)
        return 0
    session.terminal.show(StepLog(ticker, name, tuple(found)))
    return 0


@command(app)
def verify(session: Session, *, tickers: TickersOption = None, strict: StrictOption = False) -> int:
    """Whether the tables are there, as they should be, and hold what gold holds."""
    from cryptoetl import pipeline

    config = session.config()
    chosen = [currency.ticker for currency in config.select(parse_tickers(tickers))]
    rules = session.rules(config, strict=strict)
    result = pipeline.verify(config, session.target(config), chosen, session.terminal.observe, rules)
    session.terminal.show(result)
    return result.exit_code


@command(app)
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
) -> int:
    """Run one read-only SQL statement."""
    from cryptoetl import export

    form = export.format_named("json" if session.options.json and form == "table" else form, output=output)
    text = _statement(sql, file)
    rows = session.target(session.config()).warehouse.query(text, limit)
    if form == "table":
        session.terminal.show(rows)
        return 0
    content = export.encoded(rows, form)
    if output is None:
        session.terminal.text(content.decode())
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


@command(app)
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
        from cryptoetl import picture

        png.write_bytes(picture.png(result))
    session.terminal.show(result)
    if png is not None:
        session.terminal.say(f"The picture is in {png}.")
    return 0


@command(render_app)
def machine(session: Session) -> int:
    """The state machine, in Amazon States Language."""
    import json

    from cryptoetl import bundle

    session.terminal.text(json.dumps(bundle.machine(session.config()), indent=2, ensure_ascii=False))
    return 0


@command(render_app)
def stack(
    session: Session,
    *,
    artifacts: Annotated[
        Path | None,
        typer.Option("--artifacts", metavar="DIR", help="Also write what belongs into the artifacts bucket."),
    ] = None,
) -> int:
    """The CloudFormation template of the aws target."""
    import json

    from cryptoetl import stack as stacks

    rendered = stacks.render(session.config())
    for key, body in rendered.artifacts.items() if artifacts else ():
        assert artifacts is not None
        (artifacts / key).parent.mkdir(parents=True, exist_ok=True)
        (artifacts / key).write_bytes(body)
    session.terminal.text(json.dumps(rendered.template, indent=2))
    return 0


@command(render_app)
def policies(
    session: Session,
    *,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help="Account to put into the ARNs.")
    ] = None,
) -> int:
    """What whoever deploys needs to be allowed, and what the roles of the stack are allowed."""
    import json

    from cryptoetl import permissions

    config = session.config()
    region = session.options.region or config.aws.region or os.environ.get("AWS_REGION")
    printed = permissions.plain(permissions.all_policies(config), account=account, region=region)
    session.terminal.text(json.dumps(printed, indent=2))
    return 0


@command(render_app)
def sql(session: Session) -> int:
    """The SQL that a deploy runs on Redshift: tables to be, the view of all currencies, grants."""
    from cryptoetl import warehouse_sql

    statements = warehouse_sql.provisions(session.config())
    session.terminal.text("".join(f"{statement};\n" for statement in statements))
    return 0


@command(app)
def schema(session: Session) -> int:
    """The JSON Schema of the configuration file, for editors."""
    import json

    from cryptoetl import config

    session.terminal.text(json.dumps(config.json_schema(), indent=2, ensure_ascii=False))
    return 0


def main() -> None:
    """The entry point. SIGTERM and SIGHUP stop a run as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, number):
            signal.signal(getattr(signal, number), interrupt)
    app(prog_name="cryptoetl")


if __name__ == "__main__":
    main()
