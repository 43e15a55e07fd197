"""The commands for the configuration file: config show, config check, schema."""

from __future__ import annotations

import json
import re
from typing import Annotated

import typer

from cryptoetl.cli.session import Session


def show(session: Session) -> int:
    """Print the configuration in effect, with every default and the environment laid over it."""
    import yaml

    found = session.config().model_dump(mode="json", by_alias=True, exclude={"environments"})
    if found["local"]["engine"]:  # a Spark Connect URL may hold a token
        found["local"]["engine"] = re.sub(r"(?i)(token=)[^;]+", r"\1***", found["local"]["engine"])
    if session.options.json:
        session.terminal.text(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        session.terminal.text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True))
    return 0


def check(session: Session) -> int:
    """Check the configuration and each of its environments. The files that it names are not opened."""
    from cryptoetl import config
    from cryptoetl.pipeline.results import ConfigCheck

    return session.terminal.show(ConfigCheck(session.path, config.check(session.path)))


def schema(
    session: Session,
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="NAME",
            help="Print the schema of this object of --json instead, such as run or error (docs/json.md).",
        ),
    ] = None,
) -> int:
    """Print the JSON Schema of the configuration file, for editors."""
    if output is None:
        from cryptoetl import config

        found = config.json_schema()
    else:
        from cryptoetl.output import json_schema

        found = json_schema.named(output)
    session.terminal.text(json.dumps(found, indent=2, ensure_ascii=False))
    return 0
