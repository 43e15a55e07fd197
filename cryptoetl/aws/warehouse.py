"""`target.Warehouse` on Redshift, through the Data API; gold is read from its bucket.

`aws.redshift.grants` lists who may read the tables besides the user that loads them.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from cryptoetl.aws.data_api import Column, DataApi, place
from cryptoetl.aws.errors import translating
from cryptoetl.aws.session import Session
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.config.models import Config
from cryptoetl.errors import UsageError
from cryptoetl.state_machine import marks, scripts
from cryptoetl.target.warehouse import QUERY_SECONDS, QueryRows
from cryptoetl.warehouse import facts as table_facts
from cryptoetl.warehouse import guard as sql_guard
from cryptoetl.warehouse import sql as warehouse_sql
from cryptoetl.warehouse.facts import TableFacts
from cryptoetl.warehouse.reals import shortest

TABLES_AT_ONCE = 25
"""Tables in one statement for facts, which stays far below the Data API's limit of 100 kB."""


class RedshiftTables:
    """`target.Tables`, with few statements for many tables. Methods raise AwsError and QueryError."""

    def __init__(self, api: DataApi, schema: str, gold_files: Callable[[str], Sequence[bytes]]) -> None:
        self._api = api
        self._schema = schema
        self._gold_files = gold_files

    def gold(self, ticker: str) -> TableFacts | None:
        """Return the facts of the currency's gold set; None if it has no files."""
        files = self._gold_files(ticker)
        return table_facts.of_gold([io.BytesIO(content) for content in files]) if files else None

    def tables(self, names: Sequence[str]) -> Mapping[str, TableFacts]:
        """Return the facts of the existing tables; only rows and columns of one that lacks a column."""
        columns = self.columns(names)
        complete = [
            name for name in names if warehouse_sql.COLUMNS.items() <= dict(columns.get(name, ())).items()
        ]
        found: dict[str, TableFacts] = {}
        for start in range(0, len(complete), TABLES_AT_ONCE):
            group = complete[start : start + TABLES_AT_ONCE]
            sql = " UNION ALL ".join(
                warehouse_sql.facts(warehouse_sql.quoted(self._schema, name), label=name) for name in group
            )
            for name, *figures in self._api.run(sql).rows():
                found[name] = replace(TableFacts(*figures), columns=columns[name])
        for name in columns.keys() - found.keys():
            ((rows,),) = self._api.run(warehouse_sql.count(self._schema, name)).rows()
            found[name] = TableFacts(rows, None, None, 0, None, None, 0, None, None, columns=columns[name])
        return found

    def columns(self, names: Sequence[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Return the columns of the existing tables, each with its type."""
        found: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in self._api.run(warehouse_sql.columns(self._schema, names)).rows():
            found.setdefault(table, []).append((column, str(kind).upper()))
        return {table: tuple(columns) for table, columns in found.items()}


class AwsWarehouse:
    """`target.Warehouse` of a configuration. Methods raise AwsError and QueryError."""

    def __init__(
        self,
        config: Config,
        session: Session,
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._session = session
        self._sleep = sleep
        self._clock = clock

    @contextmanager
    def reading(self) -> Iterator[RedshiftTables]:
        """Open the tables of the configured schema."""
        yield RedshiftTables(self._api(), self._config.aws.redshift.schema_name, self._gold_files)

    def query(
        self, sql: str, limit: int | None, *, timeout: float = QUERY_SECONDS, memory: int | None = None
    ) -> QueryRows:
        """Run one read-only statement. Raises UsageError if `memory` is given, QueryError after `timeout`."""
        if memory is not None:
            raise UsageError(
                "--memory-limit is for the local target",
                hint="The workgroup's own limits apply to Redshift.",
            )
        answer = self._api().run_reading(sql_guard.only_reading(sql, "redshift"), timeout)
        rows = list(islice(answer.rows(), None if limit is None else limit + 1))
        return QueryRows(
            tuple(column.name for column in answer.columns),
            tuple(_shown(row, answer.columns) for row in rows[:limit]),
            limit is not None and len(rows) > limit,
            tuple(column.type for column in answer.columns),
        )

    def marks(self) -> Mapping[str, str]:
        """Return ticker → what its table was last loaded from, by one listing of the gold bucket."""
        bucket = bucket_name(self._config, "gold", self._session)
        prefix = f"{marks.FOLDER}/"
        with translating("the marks of what was loaded"):
            pages = self._session.client("s3").get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=bucket, Prefix=prefix)
            keys = [item["Key"].removeprefix(prefix) for page in found for item in page.get("Contents", ())]
        return marks.marks(keys)

    def location(self) -> str:
        """Return workgroup, database and schema in words."""
        redshift = self._config.aws.redshift
        return f"Redshift: {redshift.database}.{redshift.schema_name} in the workgroup {redshift.workgroup}"

    def provide(self) -> None:
        """Create missing tables and columns and replace the view of all currencies. Raises QueryError."""
        columns, existing = scripts.columns_of(self._config), dict[str, dict[str, str]]()
        if columns != warehouse_sql.COLUMNS:
            with self.reading() as tables:
                found = tables.columns([currency.table for currency in self._config.currencies])
            existing = {table: dict(names) for table, names in found.items()}
        self._api().run_all(warehouse_sql.provisions(self._config, columns, existing))

    @property
    def knows_loader(self) -> bool:
        """Return whether statements run as the user that loads, who must own the tables to fill them."""
        return self._config.aws.redshift.create or self._config.aws.redshift.secret is not None

    def _api(self) -> DataApi:
        return DataApi(
            self._session.client("redshift-data"),
            place(self._config, self._session),
            sleep=self._sleep,
            clock=self._clock,
        )

    def _gold_files(self, ticker: str) -> list[bytes]:
        """Return the contents of the parquet files of the currency's gold set."""
        bucket = bucket_name(self._config, "gold", self._session)
        client, prefix = self._session.client("s3"), f"{ticker}/"
        with translating(f"gold of {ticker}"):
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
            wanted = sorted(key for key in keys if key.endswith(".parquet"))
            return [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in wanted]


def _shown(row: Sequence[Any], columns: Sequence[Column]) -> tuple[Any, ...]:
    return tuple(
        shortest(value) if column.type == "float4" and isinstance(value, float) else value
        for value, column in zip(row, columns, strict=True)
    )
