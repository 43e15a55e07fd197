"""silver → gold: joins a currency's prices and weekly trend and adds the derived columns, one row per date.

    silver/<TICKER>_hist, silver/<TICKER>_trend  →  gold/<TICKER>
    (date date, price float, g_trend int, pricema double, trendma double), sorted by date

Runs on AWS Glue 6.0, Spark 4.1 and Sail with equal results.
"""

from __future__ import annotations

import logging
import re
import sys

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

import groups

log = groups.logger("silver2gold")

OPTIONS = ["SILVER", "GOLD", "TICKER"]

MEAN_ROWS = 14
"""Rows of the moving average: the row and the 13 before it."""
HOLD_DAYS = 6
"""Days before the first and after the last weekly value for which that value is used, too."""

EMPTY = re.compile("the silver set (_hist|_trend) is empty")


def gold_frame(history: DataFrame, trend: DataFrame) -> DataFrame:
    """Return gold from silver history (date, price) and trend (date, g_trend), each with unique dates.

    price: that day's, else the last known earlier one, else null. pricema: mean of price over the row
    and the 13 before it, nulls ignored. trendma: linear interpolation by date between the neighbouring weekly
    values, constant up to 6 days before the first and after the last, null beyond. Evaluation fails the job
    if one of the sets is empty.
    """
    # One currency is one partition; Spark warns of a window without partitionBy.
    by_date = Window.partitionBy(F.lit(0)).orderBy("date")
    so_far = by_date.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    from_here = by_date.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    mean_rows = by_date.rowsBetween(1 - MEAN_ROWS, Window.currentRow)
    week = F.when(F.col("g_trend").isNotNull(), F.col("date"))
    filled = (
        history.withColumn("in_history", F.lit(1))
        .join(trend, "date", "full")
        .select(
            "date",
            F.last("price", ignorenulls=True).over(so_far).alias("price"),
            "g_trend",
            F.last("in_history", ignorenulls=True).over(so_far).alias("begun"),
            F.first("in_history", ignorenulls=True).over(from_here).alias("goes_on"),
            F.last(week, ignorenulls=True).over(so_far).alias("before"),
            F.first(week, ignorenulls=True).over(from_here).alias("after"),
            F.last("g_trend", ignorenulls=True).over(so_far).cast("double").alias("low"),
            F.first("g_trend", ignorenulls=True).over(from_here).cast("double").alias("high"),
        )
    )
    since, until = F.date_diff("date", "before"), F.date_diff("after", "date")
    low, high = F.col("low"), F.col("high")
    # On a weekly date both distances are zero, and a division by zero would raise.
    between = low + (high - low) * since / F.nullif(since + until, F.lit(0))
    no_history, no_trend = (
        F.col(one).isNull() & F.col(other).isNull() for one, other in (("begun", "goes_on"), ("low", "high"))
    )
    return filled.select(
        "date",
        "price",
        "g_trend",
        F.avg(F.col("price").cast("double")).over(mean_rows).alias("pricema"),
        F.when(no_history, empty("_hist"))
        .when(no_trend, empty("_trend"))
        .when(F.col("g_trend").isNotNull(), low)
        .when(low.isNotNull() & high.isNotNull(), between)
        .when(until <= HOLD_DAYS, high)
        .when(since <= HOLD_DAYS, low)
        .alias("trendma"),
    )


def empty(name: str) -> Column:
    """Return an expression whose evaluation fails the job because of an empty silver set."""
    return F.raise_error(F.lit(f"the silver set {name} is empty")).cast("double")


def read_silver(spark: SparkSession, uri: str, schema: str) -> DataFrame:
    """Return the set at `uri`; an empty one if it is missing."""
    try:
        return spark.read.schema(schema).parquet(uri)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return spark.createDataFrame([], schema)


def derive(args: dict[str, str]) -> None:
    """Write the gold set of a currency. Raises ValueError if a silver set is missing or empty."""
    ticker = args["TICKER"]
    spark = SparkSession.builder.getOrCreate()
    silver = args["SILVER"].rstrip("/")
    history = read_silver(spark, f"{silver}/{ticker}_hist", "date date, price float")
    trend = read_silver(spark, f"{silver}/{ticker}_trend", "date date, g_trend int")
    gold = f"{args['GOLD'].rstrip('/')}/{ticker}"
    frame = gold_frame(history, trend)
    try:
        frame.coalesce(1).sortWithinPartitions("date").write.mode("overwrite").parquet(gold)
    except PySparkException as error:
        if found := EMPTY.search(str(error)):
            raise ValueError(
                f"silver/{ticker}{found[1]} is missing or empty: run {ticker} from silver"
            ) from None
        raise
    log.info("%s: gold is written to %s", ticker, gold)


def main(argv: list[str]) -> None:
    """Run the job for a currency or for a group of them."""
    groups.each(argv, "gold", OPTIONS, derive)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
