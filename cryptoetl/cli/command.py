"""Make commands of functions: add the global options and turn errors into exit codes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import fields
from functools import cache, wraps
from typing import Annotated, Any, NoReturn, cast, get_args

import typer
from typer.core import TyperGroup

from cryptoetl.cli.examples import epilog
from cryptoetl.cli.session import Globals, Session
from cryptoetl.errors import CryptoetlError, EnvironmentFault, Interrupted, UsageError
from cryptoetl.util import installation, interruption


def command(group: typer.Typer, function: Callable[..., int], prefix: str = "") -> None:
    """Add a command to a group, whose name with a space is the `prefix`.

    The function takes a Session first and returns an exit code. The command also takes the global options,
    and ends with the exit code of the function, or of the error that it raises.
    """
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @wraps(function)
    def call(context: typer.Context, **arguments: Any) -> NoReturn:
        given = Globals(**{f.name: arguments.pop(f.name) for f in fields(Globals)})
        options = given.or_else(cast(Globals, context.obj))
        raise typer.Exit(_bounded(function, options, arguments))

    parameters = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *_shared()))]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    name = function.__name__.rstrip("_")
    group.command(short_help=summary, epilog=epilog(f"{prefix}{name}"))(call)


@cache
def _shared() -> list[inspect.Parameter]:
    """Return the global options as parameters; the help of a command has one line for them."""
    return [_hidden(item) for item in inspect.signature(Globals, eval_str=True).parameters.values()]


def _hidden(parameter: inspect.Parameter) -> inspect.Parameter:
    kind, option = get_args(parameter.annotation)
    option = copy(option)
    option.hidden = True
    return parameter.replace(annotation=Annotated[kind, option])


def _bounded(function: Callable[..., int], options: Globals, arguments: dict[str, Any]) -> int:
    """Run a command and return its exit code; print an error instead of raising it."""
    from cryptoetl.output.terminal import Terminal

    shown = Terminal(as_json=options.json, verbose=options.verbose, quiet=options.quiet)
    with shown as terminal, interruption.graceful():
        try:
            return function(Session(options, terminal), **arguments)
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
            if interruption.received():  # a library has replaced the KeyboardInterrupt by its own exception
                terminal.error(Interrupted("stopped before it was done"))
                return Interrupted.exit_code
            terminal.error(_unforeseen(error))
            return 2


class Program(TyperGroup):
    """The root command. With --json, an error in the command line itself is printed as an object too."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command that the arguments name, those of the process by default."""
        given = args[0] if args else options.get("args")
        if "--json" not in (sys.argv[1:] if given is None else given):
            return super().main(*args, **options)
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except Exception as error:
            if not hasattr(error, "format_message"):  # Click's own, which newer versions of Typer vendor
                raise
            from cryptoetl.output.terminal import Terminal

            context = getattr(error, "ctx", None)
            hint = f"See `{context.command_path} --help`." if context else None
            usage = UsageError(error.format_message(), hint=hint)
            with Terminal(as_json=True) as terminal:
                terminal.error(usage)
            code = usage.exit_code
        sys.exit(code)


_EXTRAS = {
    **dict.fromkeys(("duckdb", "pysail", "pyspark", "filelock"), ("local", "the local target")),
    "pyarrow": ("local", "reading and writing Parquet"),
    "matplotlib": ("png", "preview --png"),
    **dict.fromkeys(("jinja2", "bokeh"), ("report", "a report")),
}
"""Optional packages: the extra that installs each, and what needs it."""


def _unforeseen(error: Exception) -> CryptoetlError:
    """Return the error that is reported for an exception of Python or a library."""
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get(error.name or "")):
        return EnvironmentFault(
            f"{extra[1]} needs the package {error.name}, which is not installed",
            hint=f"Install it with: {installation.command(extra[0])}",
        )
    if isinstance(error, OSError):
        return EnvironmentFault(f"{error.filename or 'the system'}: {error.strerror or error}")
    return CryptoetlError(
        f"unexpected {type(error).__name__}: {error}", hint="Run the same command with --debug and report it."
    )
