"""silver → gold: one currency's prices and weekly trend as one row per date, with what analysts need.

    silver/<TICKER>_hist, silver/<TICKER>_trend  →  gold/<TICKER>
    (date date, price float, g_trend int, pricema double, trendma double), sorted by date

Runs on AWS Glue 6.0, Spark 4.1 and Sail with equal results.
"""

from __future__ import annotations

import logging
import sys

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

log = logging.getLogger("silver2gold")

OPTIONS = ["SILVER", "GOLD", "TICKER"]

MEAN_ROWS = 14
"""Rows of the moving average: the row and the 13 before it."""
HOLD_DAYS = 6
"""Days for which the first and the last weekly value also stand for the time before and after them."""


def gold_frame(history: DataFrame, trend: DataFrame) -> DataFrame:
    """Gold from silver history (date, price) and silver trend (date, g_trend); each date once in either.

    price: that day's, else the last known earlier one, else null. pricema: mean of price over the row
    and the 13 before it, nulls ignored. trendma: linear by date between the neighbouring weekly values,
    held flat up to 6 days beyond the first and the last, null further out.
    """
    by_date = Window.partitionBy(F.lit(0)).orderBy(
        "date"
    )  # one currency is one partition: said so, no warning
    so_far = by_date.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    from_here = by_date.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    week = F.when(F.col("g_trend").isNotNull(), F.struct("date", "g_trend"))
    filled = history.join(trend, "date", "full").select(
        "date",
        F.last("price", ignorenulls=True).over(so_far).alias("price"),
        "g_trend",
        F.last(week, ignorenulls=True).over(so_far).alias("before"),
        F.first(week, ignorenulls=True).over(from_here).alias("after"),
    )
    since = F.date_diff("date", "before.date")
    until = F.date_diff("after.date", "date")
    low, high = F.col("before.g_trend").cast("double"), F.col("after.g_trend").cast("double")
    # On a weekly date `before` and `after` are that week, and a division by zero would raise.
    between = low + (high - low) * since / F.nullif(since + until, F.lit(0))
    mean_rows = by_date.rowsBetween(1 - MEAN_ROWS, Window.currentRow)
    return filled.select(
        "date",
        "price",
        "g_trend",
        F.avg(F.col("price").cast("double")).over(mean_rows).alias("pricema"),
        F.when(F.col("g_trend").isNotNull(), low)
        .when(low.isNotNull() & high.isNotNull(), between)
        .when(until <= HOLD_DAYS, high)
        .when(since <= HOLD_DAYS, low)
        .alias("trendma"),
    )


def read_silver(spark: SparkSession, uri: str, schema: str) -> DataFrame | None:
    """The set at `uri`, or None if it is missing or empty."""
    try:
        frame = spark.read.schema(schema).parquet(uri)
        return None if frame.isEmpty() else frame
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return None


def main(argv: list[str]) -> None:
    """Run the job. Raises ValueError if a silver set is missing or empty."""
    from awsglue.utils import getResolvedOptions

    args = getResolvedOptions(argv, OPTIONS)
    ticker = args["TICKER"]
    spark = SparkSession.builder.getOrCreate()
    silver = args["SILVER"].rstrip("/")
    history = read_silver(spark, f"{silver}/{ticker}_hist", "date date, price float")
    trend = read_silver(spark, f"{silver}/{ticker}_trend", "date date, g_trend int")
    if history is None or trend is None:
        missing = f"{ticker}_hist" if history is None else f"{ticker}_trend"
        raise ValueError(f"silver/{missing} is missing or empty: run {ticker} from silver")

    gold = f"{args['GOLD'].rstrip('/')}/{ticker}"
    gold_frame(history, trend).coalesce(1).sortWithinPartitions("date").write.mode("overwrite").parquet(gold)
    log.info("%s: gold is written to %s", ticker, gold)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
