"""The global options, and the session that each command receives."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cryptoetl.cli import completion
from cryptoetl.errors import UsageError

if TYPE_CHECKING:
    from cryptoetl.config.models import Config, TargetName
    from cryptoetl.output.terminal import Terminal
    from cryptoetl.pipeline.results import CheckRules
    from cryptoetl.target import Target

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file. [env: CRYPTOETL_CONFIG; default: config.yaml here or above]",
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="NAME",
        autocompletion=completion.environments,
        help="Environment of the configuration file. [env: CRYPTOETL_ENV]",
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="local|aws",
        autocompletion=completion.targets,
        help="Target to work on. [env: CRYPTOETL_TARGET; default: the configured one]",
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region", help="AWS region. [default: the configured one, then AWS_REGION and the profile's]"
    ),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="AWS profile. [default: the configured one, then AWS_PROFILE]")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on standard output (docs/json.md).")
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show more details.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show results, warnings and errors only, and no progress.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True)
class Globals:
    """The global options, which may be given before or after the command."""

    config: ConfigOption = None
    environment: EnvironmentOption = None
    target: TargetOption = None
    region: RegionOption = None
    profile: ProfileOption = None
    json: JsonOption = False
    verbose: VerboseOption = False
    quiet: QuietOption = False
    debug: DebugOption = False

    def or_else(self, other: Globals) -> Globals:
        """Return these options, falling back to `other` for each that is not set."""
        return Globals(*(getattr(self, f.name) or getattr(other, f.name) for f in fields(self)))


class Session:
    """Options, terminal, configuration and target of a command."""

    def __init__(self, options: Globals, terminal: Terminal) -> None:
        self.options = options
        self.terminal = terminal
        self.environment = options.environment or os.environ.get("CRYPTOETL_ENV") or None
        named = options.config or os.environ.get("CRYPTOETL_CONFIG")
        self.new_path = Path(named or "config.yaml")
        """Where `init` writes the configuration."""
        self._named = named is not None and named != ""

    @cached_property
    def path(self) -> Path:
        """The configuration file: the named one, or config.yaml here or in the nearest folder above."""
        if self._named:
            return self.new_path
        from cryptoetl.config import environments

        found = environments.find_file(Path.cwd())
        if found.parent == Path.cwd():
            return self.new_path
        relative = Path(os.path.relpath(found))
        self.terminal.say(f"The configuration is {relative}.")
        return relative

    def config(self) -> Config:
        """Load the configuration; --target and CRYPTOETL_TARGET override its target."""
        from cryptoetl import config

        loaded = config.load(self.path, self.environment)
        name = self.options.target or os.environ.get("CRYPTOETL_TARGET")
        if not name:
            return loaded
        if name not in ("local", "aws"):
            raise UsageError(f"{name!r} is not a target", hint="Choose local or aws.")
        return loaded.model_copy(update={"target": cast("TargetName", name)})

    def rules(self, config: Config, *, strict: bool) -> CheckRules:
        """Return the rules of a check on today's date."""
        from datetime import date

        from cryptoetl.pipeline.results import CheckRules
        from cryptoetl.raw_files import verdicts

        known = verdicts.Verdicts(verdicts.folder() / "verdicts.json")
        today = date.today()  # noqa: DTZ011 - the user's own day
        return CheckRules(today, config.max_age_days, strict, known, self.path, self.environment)

    def target(self, config: Config) -> Target:
        """Return the configured target, without connecting to it."""
        if config.target == "aws":
            from cryptoetl.aws.target import aws_target

            return aws_target(
                config, region=self.options.region, profile=self.options.profile, warn=self.terminal.warn
            )
        from cryptoetl.local.target import local_target

        return local_target(config)
