"""The command line: parse arguments, call a use case, hand its result to `output`.

Heavy modules are imported inside the commands, so that `--help` and `--version` stay fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cryptoetl import __version__
from cryptoetl.cli import config as configuration
from cryptoetl.cli import deployment, doctor, executions, files, reports, scripts, warehouse
from cryptoetl.cli.command import Program, command
from cryptoetl.cli.examples import epilog
from cryptoetl.cli.session import (
    ConfigOption,
    DebugOption,
    EnvironmentOption,
    Globals,
    JsonOption,
    ProfileOption,
    QuietOption,
    RegionOption,
    TargetOption,
    VerboseOption,
)

app = typer.Typer(
    cls=Program,
    help="Load crypto price and trend files into tables ready for SQL, on AWS or on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,  # importing rich would double the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)
render_app = typer.Typer(
    help="Print what deploy would create. Needs no credentials and no network.", no_args_is_help=True
)
app.add_typer(render_app, name="render")
scripts_app = typer.Typer(help="Change the transformation: the scripts that Glue runs.", no_args_is_help=True)
app.add_typer(scripts_app, name="scripts")
config_app = typer.Typer(help="Show or check the configuration with its environments.", no_args_is_help=True)
app.add_typer(config_app, name="config")

COMMANDS: tuple[Callable[..., int], ...] = (
    files.init,
    files.check,
    files.upload,
    deployment.deploy,
    deployment.destroy,
    executions.run,
    executions.up,
    executions.status,
    executions.stop,
    executions.logs,
    warehouse.verify,
    warehouse.query,
    warehouse.preview,
    doctor.doctor,
    reports.report,
    configuration.schema,
)
"""In the order of --help."""
RENDER_COMMANDS: tuple[Callable[..., int], ...] = (
    deployment.machine,
    deployment.stack,
    deployment.policies,
    deployment.sql,
)
SCRIPTS_COMMANDS: tuple[Callable[..., int], ...] = (scripts.export, scripts.check)
CONFIG_COMMANDS: tuple[Callable[..., int], ...] = (configuration.show, configuration.check)
for _function in COMMANDS:
    command(app, _function)
for _function in RENDER_COMMANDS:
    command(render_app, _function, "render ")
for _function in SCRIPTS_COMMANDS:
    command(scripts_app, _function, "scripts ")
for _function in CONFIG_COMMANDS:
    command(config_app, _function, "config ")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cryptoetl {__version__}")
        raise typer.Exit


@app.command(epilog=epilog("version"))
def version() -> None:
    """Print the version."""
    typer.echo(f"cryptoetl {__version__}")


@app.command("help", epilog=epilog("help"))
def help_(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Such as run, or render machine.")
    ] = None,
) -> None:
    """Show the help of a command."""
    arguments = [*(names or ()), "--help"]
    root = context.find_root()
    root.command.main(arguments, prog_name=root.info_name)


@app.callback()
def _global_options(
    context: typer.Context,
    config: ConfigOption = None,
    environment: EnvironmentOption = None,
    target: TargetOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    context.obj = Globals(config, environment, target, region, profile, json, verbose, quiet, debug)


def run() -> int:
    """Run the command that sys.argv names and return its exit code."""
    try:
        app(prog_name="cryptoetl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0
