"""Read a configuration file; report every problem with file, line and field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cryptoetl.config import environments
from cryptoetl.config.aws import Aws, Buckets, Glue, Machine, Redshift
from cryptoetl.config.fields import Model
from cryptoetl.config.models import Config, Currency, Local
from cryptoetl.config.notify import Notify, Webhook
from cryptoetl.config.yaml_lines import Location, compose, find, items, line_of, scalar
from cryptoetl.errors import ConfigError, ConfigProblem
from cryptoetl.util.files import unreadable


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors. An environment has any of the file's other keys."""
    schema = Config.model_json_schema(by_alias=True)
    properties = {key: value for key, value in schema["properties"].items() if key != environments.KEY}
    schema["properties"][environments.KEY]["additionalProperties"] = {"$ref": "#/$defs/Environment"}
    schema["$defs"]["Environment"] = {
        "type": "object",
        "description": "What differs from the rest of the file in an environment.",
        "properties": {key: _without_default(value) for key, value in properties.items()},
        "additionalProperties": False,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _without_default(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "default"}


def load(path: Path, environment: str | None = None) -> Config:
    """Read the configuration file; paths in it are relative to its folder, and become absolute.

    With `environment`, that one is laid over the rest of the file. The files that it names are not opened.
    `scripts` becomes the folder glue_scripts beside the file if it is not set and that folder exists.

    Raises:
        ConfigError: With every problem that was found.
        UsageError: The file has no such environment.
    """
    root, data = _composed(path, environment)
    return _loaded(path, root, data)


def check(path: Path) -> tuple[str, ...]:
    """Read the file without and with each of its environments, and return their names.

    Raises:
        ConfigError: With every problem that was found in any of them, each once.
    """
    root, _ = compose(path)
    names = environments.names(root)
    problems: dict[ConfigProblem, None] = {}
    for name in (None, *names):
        try:
            load(path, name)
        except ConfigError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    return names


def _composed(path: Path, environment: str | None) -> tuple[yaml.Node, object]:
    root, data = compose(path)
    return (root, data) if environment is None else environments.overlaid(path, root, environment)


def _loaded(path: Path, root: yaml.Node, data: object) -> Config:
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(path, root, error)) from None
    except RecursionError:
        raise ConfigError([ConfigProblem(path, None, None, "is nested too deeply")]) from None
    if problems := list(_duplicate_tickers(path, root, config)):
        raise ConfigError(problems)
    folder = path.resolve().parent
    config = _anchored(config, folder)
    if config.scripts is None:
        beside = folder / "glue_scripts"
        return config.model_copy(update={"scripts": beside}) if beside.is_dir() else config
    if not config.scripts.is_dir():
        message = f"{config.scripts}: is not a folder; `cryptoetl scripts export` writes one"
        raise ConfigError([ConfigProblem(path, line_of(root, ("scripts",)), "scripts", message)])
    return config


class MissingFile(NamedTuple):
    """A file that cannot be opened: whose, its field in the configuration, and the problem."""

    ticker: str
    field: Literal["history", "trend"]
    problem: ConfigProblem


def missing_files(
    path: Path, currencies: Iterable[Currency], environment: str | None = None
) -> list[MissingFile]:
    """Return each file that cannot be opened, with its line in the configuration file."""
    missing = [
        (currency.ticker, field, f"{file}: {reason}")
        for currency in currencies
        for field, file in _files(currency)
        if (reason := unreadable(file))
    ]
    if not missing:
        return []
    root, _ = _composed(path, environment)  # only now: parsing takes longer than opening the files
    lines = {
        node.value: index
        for index in range(len(items(root, "currencies")))
        if (node := find(root, ("currencies", index, "ticker"))) is not None
    }
    return [
        MissingFile(
            ticker,
            field,
            ConfigProblem(
                path,
                line_of(root, ("currencies", lines.get(ticker, 0), field)),
                f"currencies[{ticker}].{field}",
                message,
            ),
        )
        for ticker, field, message in missing
    ]


def _files(currency: Currency) -> tuple[tuple[Literal["history", "trend"], Path], ...]:
    return ("history", currency.history), ("trend", currency.trend)


def _anchored(config: Config, folder: Path) -> Config:
    def absolute(file: Path) -> Path:
        try:
            return folder / file.expanduser()
        except RuntimeError:  # ~name without such a user is a file name
            return folder / file

    currencies = tuple(
        currency.model_copy(update={"history": absolute(currency.history), "trend": absolute(currency.trend)})
        for currency in config.currencies
    )
    local = config.local.model_copy(update={"home": absolute(config.local.home)})
    aws = config.aws
    if aws.credentials_file is not None:
        aws = aws.model_copy(update={"credentials_file": absolute(aws.credentials_file)})
    scripts = absolute(config.scripts) if config.scripts else None
    return config.model_copy(
        update={"currencies": currencies, "local": local, "aws": aws, "scripts": scripts}
    )


def _duplicate_tickers(path: Path, root: yaml.Node, config: Config) -> Iterator[ConfigProblem]:
    first: dict[str, tuple[str, int]] = {}
    for index, currency in enumerate(config.currencies):
        line = line_of(root, ("currencies", index, "ticker"))
        if currency.table in first:
            other, other_line = first[currency.table]
            message = f"{currency.ticker!r} is the same as {other!r} on line {other_line}"
            yield ConfigProblem(path, line, f"currencies[{index}].ticker", f"{message}: tickers ignore case")
        else:
            first[currency.table] = (currency.ticker, line)


def _explain(path: Path, root: yaml.Node, error: ValidationError) -> list[ConfigProblem]:
    """Return pydantic's errors as problems, in the order of their lines."""
    details = error.errors(include_url=False)
    # pydantic counts only valid currencies: "too short" is of no interest where one of them has a problem.
    if any(len(detail["loc"]) > 1 and detail["loc"][0] == "currencies" for detail in details):
        details = [detail for detail in details if not _no_currencies(detail)]
    problems = []
    for detail in details:
        location = [part for part in detail["loc"] if isinstance(part, str | int)]
        field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location).lstrip(".")
        problems.append(ConfigProblem(path, line_of(root, location), field or None, _message(detail)))
    return sorted(problems, key=lambda problem: problem.line or 0)


def _no_currencies(detail: ErrorDetails) -> bool:
    return detail["type"] == "too_short" and detail["loc"] == ("currencies",)


_MESSAGES = {
    "missing": "is required",
    "model_type": "must hold keys, one per line, each with its value",
    "dict_type": "must hold keys, one per line, each with its value",
    "model_attributes_type": "must hold keys, one per line, each with its value",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_type": "must have a value",
    "path_type": "must have a value",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
"""Messages by pydantic's type of error."""

_CURRENCIES_MESSAGES = {
    "too_short": "must name at least one currency",
    "tuple_type": "must be a list: one item per currency, each beginning with '-'",
    "list_type": "must be a list: one item per currency, each beginning with '-'",
}


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if detail["loc"] == ("currencies",) and kind in _CURRENCIES_MESSAGES:
        return _CURRENCIES_MESSAGES[kind]
    match kind:
        case "extra_forbidden":
            return f"unknown key{_suggestion(detail['loc'])}"
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"must be {context['expected']}, not {scalar(detail['input'])}"
        case "too_long" | "string_too_long":
            items = "characters" if isinstance(detail["input"], str) else "entries"
            return f"must have at most {context['max_length']} {items}"
    return _MESSAGES.get(kind) or detail["msg"][:1].lower() + detail["msg"][1:]


def _suggestion(location: Location) -> str:
    """Return the end of a message about an unknown key: a similar key, or the allowed ones."""
    import difflib

    models: dict[str, type[Model]] = {
        "currencies": Currency,
        "local": Local,
        "aws": Aws,
        "buckets": Buckets,
        "glue": Glue,
        "redshift": Redshift,
        "machine": Machine,
        "notify": Notify,
        "webhook": Webhook,
    }
    parents = [part for part in location[:-1] if isinstance(part, str)]
    model = models.get(parents[-1], Config) if parents else Config
    names = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    return f", did you mean {close[0]!r}?" if close else f" (allowed here: {', '.join(names)})"
