"""An example for each command, at the end of its help."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "init": "cryptoetl init ~/Downloads",
    "check": "cryptoetl check --tickers BTC --strict",
    "upload": "cryptoetl upload --tickers BTC,XMR",
    "deploy": "cryptoetl deploy --dry-run",
    "destroy": "cryptoetl destroy --dry-run",
    "run": "cryptoetl run --tickers BTC,XMR",
    "up": "cryptoetl up --dry-run",
    "status": "cryptoetl status --watch",
    "stop": "cryptoetl stop",
    "logs": "cryptoetl logs XMR --errors",
    "verify": "cryptoetl verify --strict",
    "query": 'cryptoetl query "SELECT * FROM market_data.btc ORDER BY date DESC LIMIT 5"',
    "preview": "cryptoetl preview BTC --png btc.png",
    "doctor": "cryptoetl doctor --target aws",
    "report": "cryptoetl report --open",
    "schema": "cryptoetl schema > cryptoetl.schema.json",
    "version": "cryptoetl version",
    "help": "cryptoetl help run",
    "render machine": "cryptoetl render machine --format svg > machine.svg",
    "render stack": "cryptoetl render stack --target aws",
    "render policies": "cryptoetl render policies --account 123456789012 --output iam",
    "render sql": "cryptoetl render sql",
    "scripts export": "cryptoetl scripts export glue_scripts",
    "scripts check": "cryptoetl scripts check",
    "config show": "cryptoetl --env prod config show",
    "config check": "cryptoetl config check",
}

GLOBAL = "-c --env --target --region --profile --json -v -q --debug (see cryptoetl --help)"
"""The options of all commands, in one line."""


def epilog(path: str) -> str:
    """Return the end of a command's help, given its name below `cryptoetl`. Raises KeyError."""
    return f"\b\nOptions of all commands:\n  {GLOBAL}\n\nExample:\n\n\b\n  {EXAMPLES[path]}"
