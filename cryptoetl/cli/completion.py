"""What the shell completes: tickers, steps, targets, environments, and names of local executions.

Nothing is asked over the network, and a configuration that cannot be read completes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import typer

STEPS = ("silver", "gold", "redshift")


def targets(incomplete: str) -> list[str]:
    """Return the targets."""
    return _beginning(("local", "aws"), incomplete)


def steps(incomplete: str) -> list[str]:
    """Return the steps of a currency, and the cleaning."""
    return _beginning(("clean", *STEPS), incomplete)


def ticker(context: typer.Context, incomplete: str) -> list[str]:
    """Return tickers of the configuration."""
    currencies = _configured(context).get("currencies")
    listed = currencies if isinstance(currencies, list) else []
    names = [str(entry["ticker"]) for entry in listed if isinstance(entry, dict) and "ticker" in entry]
    return _beginning(names, incomplete)


def tickers(context: typer.Context, incomplete: str) -> list[str]:
    """Return lists of tickers that continue a list such as BTC,XM."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in ticker(context, last) if name not in before.split(",")]


def environments(context: typer.Context, incomplete: str) -> list[str]:
    """Return the environments of the configuration."""
    found = _configured(context).get("environments")
    return _beginning(map(str, found) if isinstance(found, dict) else (), incomplete)


def executions(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the latest local executions, newest first."""
    local = _configured(context).get("local")
    home = local.get("home") if isinstance(local, dict) else None
    folder = _path(context).parent / Path(str(home or ".cryptoetl")).expanduser() / "executions"
    try:
        names = sorted((entry.name for entry in folder.iterdir() if entry.is_dir()), reverse=True)
    except OSError:
        return []
    return _beginning(names, incomplete)[:20]


def _beginning(names: Iterable[str], start: str) -> list[str]:
    return [name for name in names if name.lower().startswith(start.lower())]


def _path(context: typer.Context) -> Path:
    named = context.params.get("config") or context.find_root().params.get("config")
    if named or (named := os.environ.get("CRYPTOETL_CONFIG")):
        return Path(named)
    from cryptoetl.config import environments as found

    return found.find_file(Path.cwd())


def _configured(context: typer.Context) -> dict[str, object]:
    """Return the keys of the configuration; empty if it cannot be read."""
    import yaml

    try:
        data = yaml.safe_load(_path(context).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
