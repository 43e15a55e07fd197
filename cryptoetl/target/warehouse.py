"""The warehouse: the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cryptoetl.warehouse.facts import TableFacts

QUERY_SECONDS = 300.0
"""After which a statement is ended where nothing else is said."""


@dataclass(frozen=True)
class QueryRows:
    """The result of a statement: column names, and rows of Python values. `more` if it was cut."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    types: tuple[str, ...] = ()
    """The warehouse's names of the columns' types."""


class Tables(Protocol):
    """The warehouse while it is being looked at."""

    def gold(self, ticker: str) -> TableFacts | None:
        """Return the facts of the currency's gold set; None if it is missing. Raises DamagedState."""

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        """Those of the named tables that are in the pipeline's schema, by name.

        A table that lacks one of the columns has its rows and columns told, and nothing else.
        """


class Warehouse(Protocol):
    """The tables that analysts read."""

    def reading(self) -> AbstractContextManager[Tables]:
        """Open it for a look at many tables. Raises BusyError."""

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        """Run one read-only statement and return at most `limit` rows.

        After `timeout` seconds it is ended. `memory` is what it may use in bytes; None means the target's
        default. Raises QueryError, also where a limit is reached, and UsageError for a target whose memory
        cannot be limited.
        """

    def location(self) -> str:
        """Where the tables are, for people."""
