"""The warehouse: the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cryptoetl.warehouse.facts import TableFacts

QUERY_SECONDS = 300.0
"""Seconds after which a statement is cancelled by default."""


@dataclass(frozen=True)
class QueryRows:
    """The result of a statement: column names, and rows of Python values; `more` if rows were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    types: tuple[str, ...] = ()
    """The columns' types, as the warehouse names them."""


class Tables(Protocol):
    """Read access to the tables and their gold sets."""

    def gold(self, ticker: str) -> TableFacts | None:
        """Return the facts of the currency's gold set; None if it is missing. Raises DamagedState."""

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        """Return the facts of the named tables that exist in the pipeline's schema, by name.

        Of a table that lacks one of the columns, only the number of rows and the columns are known.
        """


class Warehouse(Protocol):
    """The tables that analysts read."""

    def reading(self) -> AbstractContextManager[Tables]:
        """Open the warehouse to read several tables. Raises BusyError."""

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        """Run one read-only statement and return at most `limit` rows.

        It is cancelled after `timeout` seconds. `memory` limits its memory, in bytes; None means the target's
        default. Raises QueryError, also if a limit is reached, and UsageError if the target cannot limit
        memory.
        """

    def marks(self) -> Mapping[str, str]:
        """Return ticker → what its table was last loaded from (state_machine/marks.py), with few calls.

        A currency that was not loaded as a whole has none. On AWS a table that was dropped since keeps its
        own: finding out would wake the workgroup, which is billed.
        """

    def location(self) -> str:
        """Return where the tables are, for messages."""
