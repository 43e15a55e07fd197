"""The configuration file: its models, and its problems with file, line and field."""

from cryptoetl.config.loading import json_schema, load, missing_files
from cryptoetl.config.models import ALL_CURRENCIES, Config, Currency, Local, TargetName

__all__ = [
    "ALL_CURRENCIES",
    "Config",
    "Currency",
    "Local",
    "TargetName",
    "json_schema",
    "load",
    "missing_files",
]
