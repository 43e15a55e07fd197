"""How a function becomes a command: global options, and the one place where errors become exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import cache, wraps
from typing import Any, NoReturn, cast

import typer

from cryptoetl.cli.session import Globals, Session
from cryptoetl.errors import CryptoetlError, EnvironmentFault, Interrupted
from cryptoetl.util import interruption


def command(group: typer.Typer, function: Callable[..., int | None]) -> None:
    """Make a command of a function that takes a Session first and returns an exit code, None being 0.

    It gains the global options; the exit code is its own, or that of the error it ends with.
    """
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @wraps(function)
    def call(context: typer.Context, **arguments: Any) -> NoReturn:
        given = Globals(**{f.name: arguments.pop(f.name) for f in fields(Globals)})
        options = given.over(cast(Globals, context.obj))
        raise typer.Exit(_bounded(function, options, arguments))

    parameters = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *_shared()))]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    group.command()(call)


@cache
def _shared() -> list[inspect.Parameter]:
    """The global options as parameters."""
    return list(inspect.signature(Globals, eval_str=True).parameters.values())


def _bounded(function: Callable[..., int | None], options: Globals, arguments: dict[str, Any]) -> int:
    """Run a command; whatever goes wrong becomes a message and an exit code."""
    from cryptoetl.output.terminal import Terminal

    with Terminal(as_json=options.json, verbose=options.verbose) as terminal, interruption.graceful():
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
            if interruption.received():  # which a library has made another exception of
                terminal.error(Interrupted("stopped before it was done"))
                return Interrupted.exit_code
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
