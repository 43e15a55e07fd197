"""The configuration file: its models, how it is read, and what is said when it is wrong.

Every message carries the file, the line and the field. `load` gives all problems at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import Field, ValidationError, field_validator

from cryptoetl import dates
from cryptoetl.aws_settings import Aws, Buckets, Glue, Machine, Notify, Redshift
from cryptoetl.errors import ConfigError, ConfigProblem, UsageError
from cryptoetl.fields import FilePath, Model, Text, YesNo, scalar

MAX_CONFIG_BYTES = 4_000_000
"""A file above this is not read: ten thousand currencies fit in half of it."""

TargetName = Literal["local", "aws"]


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
    date_column: Text = "Date"
    """Column of the history file that holds the date."""
    price_column: Text = "Price"
    """Column of the history file that holds the price."""
    date_format: Text = "MM/dd/yyyy"
    """How the history file writes dates: yyyy, MM, M, dd, d, MMM and the characters between them."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the history file; the other one separates thousands."""

    @field_validator("ticker")
    @classmethod
    def _ticker_is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,14}", value):
            raise ValueError(
                f"{value!r} is not a ticker: a letter, then letters, digits or underscores, at most 15"
            )
        return value

    @field_validator("date_format")
    @classmethod
    def _date_format_is_known(cls, value: str) -> str:
        dates.pattern(value)
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
    root = _compose(path)
    data = yaml.SafeLoader("").construct_document(root)
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
    root = _compose(path)
    lines = {
        node.value: index
        for index in range(len(_items(root, "currencies")))
        if (node := _find(root, ("currencies", index, "ticker"))) is not None
    }
    problems = []
    for currency in currencies:
        for field in ("history", "trend"):
            file: Path = getattr(currency, field)
            if reason := _unreadable(file):
                location = ("currencies", lines.get(currency.ticker, 0), field)
                where = f"currencies[{currency.ticker}].{field}"
                problems.append(ConfigProblem(path, _line(root, location), where, f"{file}: {reason}"))
    return problems


def _unreadable(file: Path) -> str | None:
    try:
        if file.is_dir():
            return "is a folder, not a file"
        with file.open("rb"):
            return None
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"


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


# --- from YAML nodes to lines -------------------------------------------------------------------------


def _compose(path: Path) -> yaml.Node:
    """The node tree of the file, which unlike its values knows its lines."""

    def problem(message: str, line: int | None = None) -> ConfigError:
        return ConfigError([ConfigProblem(path, line, None, message)])

    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise problem(f"is larger than {MAX_CONFIG_BYTES:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            [ConfigProblem(path, None, None, "no such configuration file")],
            hint="Name one with -c/--config or CRYPTOETL_CONFIG; config.example.yaml shows the form.",
        ) from None
    except UnicodeDecodeError:
        raise problem("is not UTF-8 text") from None
    except OSError as error:
        raise problem(f"cannot be read ({error.strerror})") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if isinstance(root, yaml.MappingNode):
            # Before the values are made: that puts what `<<` merges beside a node's own keys.
            if duplicates := list(_duplicate_keys(path, root)):
                raise ConfigError(duplicates)
            yaml.SafeLoader("").construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise problem(f"is not valid YAML: {reason}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise problem(f"is not valid YAML: {error}") from None
    except RecursionError:
        raise problem("is nested too deeply") from None
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
        assert root is not None
        node = _unreadable_value(root)  # 2024-13-45, which YAML takes for a date, or !!bool perhaps
        reason = f"YAML cannot read the value {scalar(node.value)}: put it in quotes"
        raise problem(reason, node.start_mark.line + 1) from None
    if not isinstance(root, yaml.MappingNode):
        raise problem("must hold keys such as pipeline, target and currencies")
    return root


def _unreadable_value(root: yaml.Node) -> yaml.Node:
    """The first value that PyYAML cannot make; `root` if each can be made alone."""
    for node in _nodes(root):
        if isinstance(node, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_document(node)
            except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
                return node
    return root


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, those that aliases repeat as well, in the order of the file."""
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.SequenceNode):
            stack.extend(reversed(node.value))
        elif isinstance(node, yaml.MappingNode):
            stack.extend(part for pair in reversed(node.value) for part in reversed(pair))


Location = Sequence[str | int]


def _find(root: yaml.Node, location: Location) -> yaml.Node | None:
    node: yaml.Node = root
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # From the end: what `<<` merges comes first, and a node's own keys win over it.
            found = next((value for key, value in reversed(node.value) if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        else:
            found = None
        if found is None:
            return None
        node = found
    return node


def _items(root: yaml.Node, key: str) -> list[yaml.Node]:
    node = _find(root, (key,))
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(root: yaml.Node, location: Location) -> int:
    """The line of the field at `location`, or of the nearest thing around it that exists."""
    for end in range(len(location), 0, -1):
        parent = _find(root, location[: end - 1])
        if isinstance(parent, yaml.MappingNode):
            for key, _ in reversed(parent.value):
                if key.value == str(location[end - 1]):
                    return cast(int, key.start_mark.line) + 1
        if (node := _find(root, location[:end])) is not None:
            return cast(int, node.start_mark.line) + 1
    return cast(int, root.start_mark.line) + 1


def _duplicate_keys(path: Path, root: yaml.Node) -> Iterator[ConfigProblem]:
    """PyYAML lets the last of two equal keys win in silence."""
    for node in _nodes(root):
        keys = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    yield ConfigProblem(path, key.start_mark.line + 1, str(key.value), "is given twice")
                keys.add(key.value)


def _duplicate_tickers(path: Path, root: yaml.Node, config: Config) -> Iterator[ConfigProblem]:
    first: dict[str, tuple[str, int]] = {}
    for index, currency in enumerate(config.currencies):
        line = _line(root, ("currencies", index, "ticker"))
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
        problems.append(ConfigProblem(path, _line(root, location), field or None, message))
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
