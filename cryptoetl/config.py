"""The configuration file: its models, how it is read, and what is said when it is wrong.

Every message carries the file, the line and the field. `load` gives all problems at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from cryptoetl import dates
from cryptoetl.aws_settings import Aws, Buckets, Glue, Machine, Notify, Redshift
from cryptoetl.errors import ConfigError, ConfigProblem, UsageError
from cryptoetl.fields import Column, Delimiter, FilePath, Model, Text, YesNo
from cryptoetl.reading import unreadable
from cryptoetl.yaml_lines import Location, compose, find, items, line_of, scalar

TargetName = Literal["local", "aws"]

ALL_CURRENCIES = "all_currencies"
"""The view beside the tables, with every currency in it."""


class Currency(Model):
    """One crypto currency: its two files and what to do about missing prices."""

    ticker: Text
    """A letter, then letters, digits or underscores, at most 15. The table is its lowercase form."""
    history: FilePath
    """CSV file of daily prices, relative to the configuration file."""
    trend: FilePath
    """CSV file of weekly Google-trend values, relative to the configuration file."""
    drop: YesNo = False
    """true: drop the days whose price is missing (-1); false: carry the last valid price."""
    date_column: Column = "Date"
    """Column of the history file that holds the date: its name, or its number if there is no header line."""
    price_column: Annotated[Column, Field(validate_default=True)] = "Price"
    """Column of the history file that holds the price: its name, or its number if there is no header line."""
    date_format: Text = "MM/dd/yyyy"
    """How the history file writes dates: yyyy, MM, M, MMM, dd, d, and HH, mm, ss, SSS, which are left aside;
    or unix, unix_ms, unix_us. Letters that stand for themselves are quoted: yyyy-MM-dd'T'HH:mm:ss'Z'."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the history file; the other one separates thousands."""
    delimiter: Delimiter = ","
    """What separates the fields of the history file."""
    trend_date_format: Text = "yyyy-MM-dd"
    """How the trend file writes dates; as Google exports them by default."""
    trend_delimiter: Delimiter = ","
    """What separates the fields of the trend file."""

    @field_validator("ticker")
    @classmethod
    def _ticker_is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,14}", value):
            raise ValueError(
                f"{value!r} is not a ticker: a letter, then letters, digits or underscores, at most 15"
            )
        return value

    @field_validator("ticker")
    @classmethod
    def _table_is_not_the_view(cls, value: str) -> str:
        if value.lower() == ALL_CURRENCIES:
            raise ValueError(f"{value!r} cannot be a ticker: {ALL_CURRENCIES} is the view of all tables")
        return value

    @field_validator("date_format", "trend_date_format")
    @classmethod
    def _date_format_is_known(cls, value: str) -> str:
        dates.pattern(value)
        return value

    @field_validator("price_column")
    @classmethod
    def _columns_are_of_one_kind(cls, value: str | int, info: ValidationInfo) -> str | int:
        other = info.data.get("date_column", value)
        if isinstance(value, int) != isinstance(other, int):
            raise ValueError(
                f"is {value!r} and date_column is {other!r}: both are names, "
                "or both are numbers if the file has no header line"
            )
        return value

    @property
    def table(self) -> str:
        return self.ticker.lower()


class Local(Model):
    """The local target."""

    home: FilePath = Path(".cryptoetl")
    """Folder of the lake, the warehouse and the executions, relative to the configuration file."""
    engine: Text | None = None
    """URL of a Spark Connect server (sc://host:port) to use instead of the embedded engine."""

    @field_validator("engine")
    @classmethod
    def _engine_is_a_url(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"sc://[^\s/]+(/.*)?", value):
            raise ValueError(f"{value!r} is not a Spark Connect URL such as sc://host:15002")
        return value


class Config(Model):
    """A cryptoetl configuration file."""

    pipeline: Annotated[Text, Field(max_length=24)] = "crypto"
    """Prefix of every resource: a lowercase letter, then lowercase letters, digits and hyphens."""
    target: TargetName = "local"
    """Where the pipeline lives; --target and CRYPTOETL_TARGET win over it."""
    max_age_days: Annotated[int, Field(ge=0, strict=True)] | None = 30
    """Days after which the last price of a file is old enough for a warning; null never warns."""
    local: Local = Local()
    aws: Aws = Aws()
    currencies: Annotated[tuple[Currency, ...], Field(min_length=1)]

    @field_validator("pipeline")
    @classmethod
    def _pipeline_is_a_prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value):
            raise ValueError(f"{value!r} is not a prefix: lowercase letters, digits and single hyphens")
        return value

    def select(self, tickers: Sequence[str] | None) -> tuple[Currency, ...]:
        """The currencies named in `tickers` (without regard to case), in the file's order; None means all.

        Raises UsageError for a ticker that is not in the file.
        """
        if tickers is None:
            return self.currencies
        wanted = {ticker.lower() for ticker in tickers}
        known = {currency.ticker.lower() for currency in self.currencies}
        if unknown := [ticker for ticker in tickers if ticker.lower() not in known]:
            raise UsageError(
                f"{', '.join(unknown)}: not a currency of this configuration",
                hint=f"It has {', '.join(currency.ticker for currency in self.currencies)}.",
            )
        return tuple(currency for currency in self.currencies if currency.ticker.lower() in wanted)


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


# --- what is wrong, in words ----------------------------------------------------------------------------


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
