"""`doctor`: everything that can be known of an installation without changing anything.

Whatever cannot be found out is a diagnosis too: of the configuration, of a package that is missing, of AWS.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping

from cryptoetl import __version__
from cryptoetl.config.environments import Source
from cryptoetl.config.loading import missing_files
from cryptoetl.config.models import Config
from cryptoetl.errors import ConfigError, CryptoetlError
from cryptoetl.target import Target
from cryptoetl.target.diagnosis import Area, Diagnosis
from cryptoetl.util import installation
from cryptoetl.util.text import plural

PYTHON = Area("Python")
CONFIG = Area("configuration")
FILES = Area("files")
TARGET = Area("target")

SHOWN = 5

REQUIRED = ("boto3", "platformdirs", "plotext", "pydantic", "pyyaml", "rich", "sqlglot", "typer")
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "local": ("duckdb", "filelock", "pandas", "pyarrow", "pysail", "pyspark-client"),
    "png": ("matplotlib",),
    "report": ("bokeh", "jinja2"),
}
"""Packages by the extra that installs them, as in pyproject.toml."""


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    from importlib import metadata  # slow to import, and of use to this alone

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def diagnose(
    source: Source,
    load: Callable[[], Config],
    connect_to: Callable[[Config], Target],
    *,
    connect: bool = False,
    version: Callable[[str], str | None] = installed,
) -> Iterator[Diagnosis]:
    """Yield what is found out, as it becomes known.

    `load` reads the configuration at `source`, `connect_to` makes its target, `version` that of a package.
    With `connect`, the warehouse is asked too, which may be billed. Raises UsageError for a wrong command
    line.
    """
    config, problems = _loaded(load)
    target = config.target if config else None
    yield from _python(target, version)
    if config is None:
        yield from problems
        for area in (FILES, TARGET):
            yield area.skipped("", "not checked: that needs a valid configuration")
        return
    currencies = plural(len(config.currencies), "currency")
    yield CONFIG.passed(str(source), f"is valid: {currencies}, target {config.target}")
    yield _files(source, config)
    try:
        place = connect_to(config)
    except CryptoetlError as error:
        yield TARGET.failed(config.target, error.message, error.hint)
        return
    yield from place.diagnose(connect)


def _loaded(load: Callable[[], Config]) -> tuple[Config | None, list[Diagnosis]]:
    """Return the configuration, or a diagnosis for each of its problems."""
    try:
        return load(), []
    except ConfigError as error:
        hint = error.hint or "config.example.yaml and docs/aws.md show the settings."
        return None, [
            CONFIG.failed(
                f"{problem.file}:{problem.line}" if problem.line else str(problem.file),
                f"{problem.field}: {problem.message}" if problem.field else problem.message,
                hint if number == len(error.problems) else None,
            )
            for number, problem in enumerate(error.problems, start=1)
        ]


def _python(target: str | None, version: Callable[[str], str | None]) -> Iterator[Diagnosis]:
    yield PYTHON.passed("versions", f"Python {platform.python_version()}, cryptoetl {__version__}")
    for extra, packages in (("", REQUIRED), *EXTRAS.items()):
        versions = {package: version(package) for package in packages}
        missing = [package for package, found in versions.items() if found is None]
        what = f"extra {extra}" if extra else "packages"
        if not missing:
            yield PYTHON.passed(what, ", ".join(f"{name} {found}" for name, found in versions.items()))
            continue
        lacks = f"not installed: {', '.join(missing)}"
        hint = f"Install with: {installation.command(extra)}"
        if extra == "png":
            yield PYTHON.passed(what, f"{lacks}; only `preview --png` needs it", hint)
        elif extra == "local" and target == "aws":
            yield PYTHON.warned(what, f"{lacks}; `verify` and Parquet files need pyarrow", hint)
        else:
            yield PYTHON.failed(what, lacks, hint)


def _files(source: Source, config: Config) -> Diagnosis:
    total = 2 * len(config.currencies)
    problems = missing_files(source.path, config.currencies, source.environment)
    if not problems:
        files = {file for currency in config.currencies for file in (currency.history, currency.trend)}
        size = sum(file.stat().st_size for file in files)
        of = plural(len(config.currencies), "currency")
        return FILES.passed("raw files", f"{total:,} files of {of} are readable, {size / 1000:,.0f} kB")
    shown = "; ".join(str(missing.problem) for missing in problems[:SHOWN])
    more = f"; and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
    return FILES.failed(
        "raw files",
        f"{len(problems):,} of {total:,} files cannot be read: {shown}{more}",
        "Correct the paths, which are relative to the configuration file.",
    )
