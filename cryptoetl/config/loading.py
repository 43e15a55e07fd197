"""Read a configuration file; report every problem with file, line and field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cryptoetl.config.aws import Aws, Buckets, Glue, Machine, Notify, Redshift
from cryptoetl.config.fields import Model
from cryptoetl.config.models import Config, Currency, Local
from cryptoetl.config.yaml_lines import Location, compose, find, items, line_of, scalar
from cryptoetl.errors import ConfigError, ConfigProblem
from cryptoetl.util.files import unreadable


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    schema = Config.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def load(path: Path) -> Config:
    """Read `path`; the paths inside become absolute, relative to the file's own folder.

    Raises ConfigError with every problem found. Nothing but the file itself is read.
    """
    root, data = compose(path)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(path, root, error)) from None
    except RecursionError:
        raise ConfigError([ConfigProblem(path, None, None, "is nested too deeply")]) from None
    if problems := list(_duplicate_tickers(path, root, config)):
        raise ConfigError(problems)
    return _anchored(config, path.resolve().parent)


def missing_files(path: Path, currencies: Iterable[Currency]) -> list[ConfigProblem]:
    """The files named by `currencies` that cannot be opened, each with its line in the file at `path`."""
    missing = [
        (currency.ticker, field, f"{file}: {reason}")
        for currency in currencies
        for field, file in (("history", currency.history), ("trend", currency.trend))
        if (reason := unreadable(file))
    ]
    if not missing:
        return []
    root, _ = compose(path)  # for the lines; parsing it takes longer than looking at the files
    lines = {
        node.value: index
        for index in range(len(items(root, "currencies")))
        if (node := find(root, ("currencies", index, "ticker"))) is not None
    }
    return [
        ConfigProblem(
            path,
            line_of(root, ("currencies", lines.get(ticker, 0), field)),
            f"currencies[{ticker}].{field}",
            message,
        )
        for ticker, field, message in missing
    ]


def _anchored(config: Config, folder: Path) -> Config:
    def absolute(file: Path) -> Path:
        try:
            return folder / file.expanduser()
        except RuntimeError:  # ~somebody who has no home: a file of that name, then
            return folder / file

    currencies = tuple(
        currency.model_copy(update={"history": absolute(currency.history), "trend": absolute(currency.trend)})
        for currency in config.currencies
    )
    local = config.local.model_copy(update={"home": absolute(config.local.home)})
    aws = config.aws
    if aws.credentials_file is not None:
        aws = aws.model_copy(update={"credentials_file": absolute(aws.credentials_file)})
    return config.model_copy(update={"currencies": currencies, "local": local, "aws": aws})


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
    problems = []
    details = error.errors(include_url=False)
    for detail in details:
        location = [part for part in detail["loc"] if isinstance(part, str | int)]
        field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location).lstrip(".")
        match detail["type"]:
            case "extra_forbidden":
                message = f"unknown key{_suggestion(location)}"
            case "missing":
                message = "is required"
            case "too_short" if detail["loc"] == ("currencies",):
                if any(len(other["loc"]) > 1 and other["loc"][0] == "currencies" for other in details):
                    continue  # pydantic counts only the valid ones; their own problems say it better
                message = "must name at least one currency"
            case "value_error":
                message = str(detail["ctx"]["error"])
            case "model_type" | "dict_type" | "model_attributes_type":
                message = "must hold keys, one per line, each with its value"
            case "tuple_type" | "list_type":
                message = "must be a list"
                if detail["loc"] == ("currencies",):
                    message += ": one item per currency, each beginning with '-'"
            case "literal_error":
                message = f"must be {detail['ctx']['expected']}, not {scalar(detail['input'])}"
            case "string_type" | "path_type":
                message = "must have a value"
            case "too_short" | "string_too_short":
                message = "must not be empty"
            case "too_long" | "string_too_long":
                message = f"must have at most {detail['ctx']['max_length']} characters"
            case _:
                message = detail["msg"][:1].lower() + detail["msg"][1:]
        problems.append(ConfigProblem(path, line_of(root, location), field or None, message))
    return sorted(problems, key=lambda problem: problem.line or 0)


def _suggestion(location: Location) -> str:
    """', did you mean …?' for a key that is close to one allowed at its place."""
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
    }
    parents = [part for part in location[:-1] if isinstance(part, str)]
    model = models.get(parents[-1], Config) if parents else Config
    names = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    return f", did you mean {close[0]!r}?" if close else f" (allowed here: {', '.join(names)})"
