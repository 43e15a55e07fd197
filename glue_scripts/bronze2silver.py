"""bronze → silver: converts a currency's raw files to two typed sets.

    raw/<history file>, raw/<trend file>  →  silver/<TICKER>_hist (date date, price float)
                                             silver/<TICKER>_trend (date date, g_trend int)

Both files are in the plain form that `cryptoetl upload` writes: UTF-8 lines that end with a newline, a
header, then `yyyy-MM-dd,value` in ascending order, each date once. A price is a plain decimal, -1 where it is
missing; a trend is a whole number from 0 to 100. Any other file fails the job.

Runs on AWS Glue 6.0, Spark 4.1 and Sail with equal results.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

import groups

log = groups.logger("bronze2silver")

OPTIONS = ["RAW", "SILVER", "TICKER", "HIST_FILE", "TREND_FILE", "DROP"]
OPTIONAL = ["SCRIPTS"]
"""SCRIPTS: a digest of the scripts, for the mark of what silver was made of (see groups.py)."""

NEWLINE = "\n"
HISTORY_HEADER, TREND_HEADER = "Date,Price", "Date,Trend"
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
PRICE = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
TREND = "[0-9]{1,2}|100"
EARLIER = "0001-01-01"
IN_ORDER = Window.partitionBy(F.lit(0)).orderBy("line")
SO_FAR = IN_ORDER.rowsBetween(Window.unboundedPreceding, Window.currentRow)
BAD = "is not in the plain form: run `cryptoetl upload`"
REFUSAL = re.compile(rf"\S+ (line [0-9]+ )?{BAD}")


def refuse(*parts: Column) -> Column:
    """Return an expression whose evaluation fails the job with a message."""
    return F.raise_error(F.concat(*parts))


def read_plain(spark: SparkSession, uri: str, header: str, values: str, kind: str) -> DataFrame:
    """Return (line int, date date, value `kind`): the rows of a plain file whose values match `values`."""
    content = F.try_validate_utf8("content")
    begin = f"{header}\n"
    well_formed = content.startswith(begin) & content.endswith("\n") & (F.length(content) > len(begin))
    rows = F.substring(content, F.lit(len(begin) + 1), F.length(content) - F.lit(len(begin) + 1))
    whole = refuse(F.lit(f"{uri} {BAD}"))
    lines = (
        spark.read.format("binaryFile")
        .load(uri)
        .agg(F.first("content").alias("content"))  # one row, also for a missing file
        .select(F.posexplode(F.split(F.when(well_formed, rows).otherwise(whole), "\n")).alias("line", "text"))
    )
    # Null, and therefore not true, for a date that does not exist.
    later = F.coalesce(F.lag("date").over(IN_ORDER), F.lit(EARLIER).cast("date")) < F.col("date")
    # \z: Java's $ also matches before a carriage return at the end.
    right = F.col("text").rlike(rf"^{DATE},({values})\z") & later & (F.abs("value") < float("inf"))
    number = (F.col("line") + 2).cast("string")
    wrong = refuse(F.lit(f"{uri} line "), number, F.lit(f" {BAD}"))
    return lines.select(
        "line",
        "text",
        F.substring("text", 1, 10).try_cast("date").alias("date"),
        F.substring("text", 12, 1000).try_cast(kind).alias("value"),
    ).select("line", "date", F.when(right, F.col("value")).otherwise(wrong.cast(kind)).alias("value"))


def silver_history(rows: DataFrame, *, drop: bool) -> DataFrame:
    """Return (date, price): a day without a price is dropped, or gets the last earlier price."""
    price = F.when(F.col("value") != -1, F.col("value"))
    if drop:
        return rows.select("date", price.alias("price")).where(F.col("price").isNotNull())
    return rows.select("date", F.last(price, ignorenulls=True).over(SO_FAR).alias("price"))


def silver_trend(rows: DataFrame) -> DataFrame:
    """Return (date, g_trend)."""
    return rows.select("date", F.col("value").alias("g_trend"))


def write(spark: SparkSession, rows: Callable[[], DataFrame], raw: str, header: str, uri: str) -> None:
    """Replace the set at `uri` by one file with the rows of the raw file `raw`, in their order.

    Raises ValueError if the raw file is missing or not in the plain form.
    """
    try:
        rows().coalesce(1).write.mode("overwrite").parquet(uri)
    except PySparkException as error:
        refusal = REFUSAL.search(str(error))
        if refusal is None and error.getCondition() != "PATH_NOT_FOUND":
            raise
        named = refusal is not None and refusal[1]
        raise ValueError(
            refusal[0] if refusal and named else f"{raw} {whole_file(spark, raw, header)}"
        ) from None


def whole_file(spark: SparkSession, uri: str, header: str) -> str:
    """Return what is wrong with a file that could not be split into rows."""
    try:
        row = spark.read.format("binaryFile").load(uri).select("content").first()
        text = bytes(row.content).decode() if row else None
    except PySparkException:
        text = None
    except UnicodeDecodeError:
        return "is not UTF-8 text: run `cryptoetl upload`"
    if not text:
        return "is missing or empty: run `cryptoetl upload`"
    return f"line {text.count(NEWLINE) + 1 if text.startswith(header + NEWLINE) else 1} {BAD}"


def convert(args: dict[str, str]) -> None:
    """Convert the files of a currency. Raises ValueError for one that is missing or not in the plain form."""
    raw, silver = args["RAW"].rstrip("/"), f"{args['SILVER'].rstrip('/')}/{args['TICKER']}"
    spark = SparkSession.builder.getOrCreate()

    hist_file, trend_file = f"{raw}/{args['HIST_FILE']}", f"{raw}/{args['TREND_FILE']}"

    def history() -> DataFrame:
        rows = read_plain(spark, hist_file, HISTORY_HEADER, PRICE, "float")
        return silver_history(rows, drop=args["DROP"] == "Y")

    def trend() -> DataFrame:
        return silver_trend(read_plain(spark, trend_file, TREND_HEADER, TREND, "int"))

    made = f"{args['SILVER'].rstrip('/')}/_made/{args['TICKER']}/"
    mark = groups.mark_of(args, hist_file, trend_file)
    if mark is not None:
        groups.mark(made, None)
    write(spark, history, hist_file, HISTORY_HEADER, f"{silver}_hist")
    write(spark, trend, trend_file, TREND_HEADER, f"{silver}_trend")
    if mark is not None:
        groups.mark(made, mark)
    log.info("%s: silver is written to %s_hist and %s_trend", args["TICKER"], silver, silver)


def main(argv: list[str]) -> None:
    """Run the job for a currency or for a group of them."""
    groups.each(argv, "silver", OPTIONS, convert, OPTIONAL)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
