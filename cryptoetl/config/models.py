"""The models of the configuration file, except its part `aws`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from cryptoetl.config.aws import Aws
from cryptoetl.config.fields import Column, Delimiter, FilePath, Model, Text, YesNo
from cryptoetl.errors import UsageError
from cryptoetl.raw_files import dates
from cryptoetl.util.text import did_you_mean, enumerated

TargetName = Literal["local", "aws"]

ALL_CURRENCIES = "all_currencies"
"""The view of all tables."""

COLUMNS = {
    "date": "DATE",
    "price": "REAL",
    "trend": "INTEGER",
    "pricema": "DOUBLE PRECISION",
    "trend_i": "DOUBLE PRECISION",
}
"""The columns of a currency's table, as in glue_scripts/redshift_upload.py, which loads it. A configuration's
own script may add others after them."""


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
    """Date format of the history file: yyyy, MM, M, MMM, dd, d, and HH, mm, ss, SSS, which are ignored;
    or unix, unix_ms, unix_us. Literal letters are quoted: yyyy-MM-dd'T'HH:mm:ss'Z'."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the history file; the other one separates thousands."""
    delimiter: Delimiter = ","
    """Field separator of the history file."""
    trend_date_format: Text = "yyyy-MM-dd"
    """Date format of the trend file; the default is that of a Google Trends export."""
    trend_delimiter: Delimiter = ","
    """Field separator of the trend file."""

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
        """Return the name of the currency's table."""
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


EnvironmentName = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]


class Config(Model):
    """A cryptoetl configuration file."""

    pipeline: Annotated[Text, Field(max_length=24)] = "crypto"
    """Prefix of every resource: a lowercase letter, then lowercase letters, digits and hyphens."""
    target: TargetName = "local"
    """Where the pipeline runs; --target and CRYPTOETL_TARGET take precedence."""
    max_age_days: Annotated[int, Field(ge=0, strict=True)] | None = 30
    """Days after which the last price of a file is old enough for a warning; null never warns."""
    currencies_per_run: Annotated[int, Field(ge=1, le=100, strict=True)] = 1
    """Currencies that share a Glue run; 1 gives each a branch and runs of its own, for up to 290."""
    scripts: FilePath | None = None
    """Folder of the Glue scripts, relative to the configuration file. By default a folder glue_scripts beside
    that file, if there is one, else the installed scripts; see docs/transform.md."""
    local: Local = Local()
    """The local target."""
    aws: Aws = Aws()
    """The AWS target."""
    currencies: Annotated[tuple[Currency, ...], Field(min_length=1)]
    """The crypto currencies, each with its two files."""
    environments: Mapping[EnvironmentName, Mapping[str, Any]] = {}
    """Names, each with keys that --env and CRYPTOETL_ENV lay over the rest of the file. Keys are merged at
    every depth; lists and values are replaced. An environment usually sets `pipeline`."""

    @field_validator("pipeline")
    @classmethod
    def _pipeline_is_a_prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value):
            raise ValueError(f"{value!r} is not a prefix: lowercase letters, digits and single hyphens")
        return value

    @model_validator(mode="after")
    def _what_changed_is_decided_in_groups(self) -> Config:
        if self.aws.schedule_changed and (self.aws.schedule is None or self.currencies_per_run == 1):
            raise ValueError("aws.schedule_changed needs aws.schedule, and currencies_per_run above 1")
        return self

    def select(self, tickers: Sequence[str] | None) -> tuple[Currency, ...]:
        """Return the currencies named in `tickers`, ignoring case, in the file's order; None means all.

        Raises:
            UsageError: A ticker is not in the file.
        """
        if tickers is None:
            return self.currencies
        wanted = {ticker.lower() for ticker in tickers}
        known = {currency.ticker.lower() for currency in self.currencies}
        if unknown := [ticker for ticker in tickers if ticker.lower() not in known]:
            names = [currency.ticker for currency in self.currencies]
            raise UsageError(
                f"{', '.join(unknown)}: not a currency of this configuration",
                hint=f"{did_you_mean(unknown, names)}It has {enumerated(names)}.",
            )
        return tuple(currency for currency in self.currencies if currency.ticker.lower() in wanted)
