"""The curves of the currencies' tables, thinned to what a chart can show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from cryptoetl.config.models import Config
from cryptoetl.target import Target
from cryptoetl.warehouse import sql as warehouse_sql

ROWS_TOGETHER = 500_000
"""Rows of all curves together. One takes 21 bytes in the report: 11 MB at most."""
MOST_ROWS = 20_000
"""Rows of one curve."""
CURRENCIES_PER_QUERY = 25
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Curve:
    """Rows of a currency's table in order of date: days since 1970-01-01, price, its mean, and the trend.

    `of` is the number of rows in the table, of which these are all or, thinned, the ones that matter.
    """

    days: Sequence[int]
    prices: Sequence[float | None]
    means: Sequence[float | None]
    trends: Sequence[float | None]
    of: int

    @property
    def thinned(self) -> bool:
        """Return whether rows were left out."""
        return len(self.days) < self.of


def curves(config: Config, target: Target, tables: Sequence[str]) -> dict[str, Curve]:
    """Return the curves of tables, which must exist and have all columns, by name. Raises QueryError."""
    found: dict[str, Curve] = {}
    limit = min(MOST_ROWS, ROWS_TOGETHER // max(1, len(tables)))
    for first in range(0, len(tables), CURRENCIES_PER_QUERY):
        some = tables[first : first + CURRENCIES_PER_QUERY]
        sql = warehouse_sql.curves(config.aws.redshift.schema_name, some)
        rows = target.warehouse.query(sql, None).rows
        for number, of_table in groupby(rows, key=lambda row: row[0]):
            found[some[int(number)]] = thinned(list(of_table), limit)
    return found


def thinned(rows: Sequence[tuple[Any, ...]], limit: int) -> Curve:
    """Return the curve of rows of number, date, price, mean and trend, at most about `limit` of them.

    Of each run of neighbouring rows the ones with the lowest and the highest price and trend stay, and the
    first and last of all: every peak is kept, with its day.
    """
    kept = rows if len(rows) <= limit else [rows[place] for place in _extremes(rows, max(1, limit // 4))]
    days = [row[1].toordinal() - _EPOCH for row in kept]
    prices, means, trends = ([row[column] for row in kept] for column in (2, 3, 4))
    return Curve(days, prices, means, trends, len(rows))


def _extremes(rows: Sequence[tuple[Any, ...]], buckets: int) -> Iterator[int]:
    """Yield, in order, the places of the rows that stay: at most four of each bucket."""
    size = len(rows) / buckets
    last = len(rows) - 1
    for bucket in range(buckets):
        places = range(round(bucket * size), round((bucket + 1) * size))
        chosen = {place for place in (0, last) if place in places}
        for column in (2, 4):
            known = [place for place in places if rows[place][column] is not None]
            if known:
                chosen.add(min(known, key=lambda place: rows[place][column]))
                chosen.add(max(known, key=lambda place: rows[place][column]))
        yield from sorted(chosen)
