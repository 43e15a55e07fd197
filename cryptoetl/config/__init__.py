"""The configuration file: its models, and its problems with file, line and field."""

from cryptoetl.config.environments import find_file
from cryptoetl.config.loading import check, json_schema, load, missing_files
from cryptoetl.config.models import ALL_CURRENCIES, Config, Currency, Local, TargetName

__all__ = [
    "ALL_CURRENCIES",
    "Config",
    "Currency",
    "Local",
    "TargetName",
    "check",
    "find_file",
    "json_schema",
    "load",
    "missing_files",
]
