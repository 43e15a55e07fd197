"""Figures that identify a table's content, and those of a gold set, with which a table is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any

from cryptoetl.errors import DamagedState
from cryptoetl.util.text import one_line

_EPOCH_TO_2000 = (date(2000, 1, 1) - date(1970, 1, 1)).days


def of_gold(files: Sequence[str | IO[bytes]]) -> TableFacts:
    """Return the figures of `sql.facts` for the rows in these parquet files.

    Raises:
        DamagedState: A file is missing, unreadable, or has other columns.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet

    try:
        # One file at a time: pyarrow reads folders and patterns by other rules than the engine.
        gold = pa.concat_tables([pyarrow.parquet.ParquetFile(file).read() for file in files])
        gold = gold.select(["date", "price", "g_trend", "pricema", "trendma"])
        day = pc.subtract(gold["date"].cast(pa.int32()), _EPOCH_TO_2000).cast(pa.float64())
        price, trend = (gold[name].cast(pa.float64()) for name in ("price", "g_trend"))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DamagedState(
            f"its gold set cannot be read ({one_line(str(error), 200)})",
            hint="Run `cryptoetl run`: it writes gold again from the raw files.",
        ) from error

    def total(column: Any) -> Any:
        return pc.sum(column).as_py()

    def count(name: str) -> int:
        return int(pc.count(gold[name]).as_py())

    dates, prices, trends = (pc.min_max(column).as_py() for column in (gold["date"], price, gold["g_trend"]))
    return TableFacts(
        rows=gold.num_rows,
        first=dates["min"],
        last=dates["max"],
        prices=count("price"),
        price_sum=total(price),
        pricema_sum=total(gold["pricema"]),
        trends=count("g_trend"),
        trend_sum=total(gold["g_trend"]),
        trend_i_sum=total(gold["trendma"]),
        days=int(pc.count_distinct(gold["date"]).as_py()),
        pricemas=count("pricema"),
        trend_is=count("trendma"),
        price_min=prices["min"],
        price_max=prices["max"],
        trend_min=trends["min"],
        trend_max=trends["max"],
        price_by_day=total(pc.multiply(price, day)),
        trend_by_day=total(pc.multiply(trend, day)),
    )


@dataclass(frozen=True)
class TableFacts:
    """Figures that identify a table's content, computed alike from gold and in the warehouse."""

    rows: int
    first: date | None
    last: date | None
    prices: int
    price_sum: float | None
    pricema_sum: float | None
    trends: int
    trend_sum: int | None
    trend_i_sum: float | None
    days: int | None = None
    """Distinct dates; fewer than `rows` if a date is there twice."""
    pricemas: int | None = None
    trend_is: int | None = None
    price_min: float | None = None
    price_max: float | None = None
    trend_min: int | None = None
    trend_max: int | None = None
    price_by_day: float | None = None
    """Sum of price times days since 2000-01-01: the only figure that changes when prices swap their days."""
    trend_by_day: float | None = None
    columns: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """Names and types, in order; empty for gold."""
