"""gold → Redshift: replaces a currency's table with its gold set, atomically.

    gold/<TICKER>  →  <SCHEMA>.<ticker> (date DATE, price REAL, trend INTEGER,
                                         pricema DOUBLE PRECISION, trend_i DOUBLE PRECISION)

The rows are loaded into a staging table. The connector then runs the postactions in the transaction
of that load: DELETE, INSERT, a check of the number of rows, DROP of the staging table. Readers see the
old rows or the new ones, and grants on the table survive. The connector splits actions on every `;`
and accepts no newlines, and TRUNCATE or BEGIN would end its transaction.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import groups

log = groups.logger("redshift_upload")

OPTIONS = ["GOLD", "TICKER", "CONNECTION", "SCHEMA", "TEMP", "COPY_ROLE"]
OPTIONAL = ["GRANTS", "SILVER", "SCRIPTS"]
"""GRANTS: the readers of the table, as role:NAME, group:NAME, user:NAME or public, separated by commas.
SILVER, SCRIPTS: with both, the table is marked with what it was made of (see groups.py)."""

GOLD_SCHEMA = "date date, price float, g_trend int, pricema double, trendma double"
COLUMNS = {
    "date": "DATE",
    "price": "REAL",
    "trend": "INTEGER",
    "pricema": "DOUBLE PRECISION",
    "trend_i": "DOUBLE PRECISION",
}

LAYOUT = 'DISTSTYLE ALL SORTKEY ("date")'
"""For thousands of rows that are joined by date: a copy on every node is joined without moving rows, and a
range of dates reads only the blocks that contain it. An existing table keeps its layout."""

COMMENTS = {
    "date": "every date of the history or the trend file",
    "price": "price on that day, else the last known earlier one",
    "trend": "weekly Google-trend value, on its own date",
    "pricema": "moving average of price, nulls ignored: MEAN_ROWS of silver2gold.py",
    "trend_i": "trend, interpolated by date between the weekly values",
}


ROW_CHECK = re.compile("the table would hold [0-9]+ rows and gold has [0-9]+")
"""What the failed cast of `row_check` quotes."""


class Replacement(NamedTuple):
    """The statements that replace a table: `dbtable` is loaded between `preactions` and `postactions`."""

    dbtable: str
    preactions: str
    postactions: str


def replacement(
    schema: str, ticker: str, rows: int | None = None, readers: Sequence[str] = ()
) -> Replacement:
    """Return the statements that replace the table of `ticker` and grant `readers` access to it.

    `rows` is the expected number of rows; None skips the check. Raises ValueError for names that are not
    plain identifiers.
    """
    if not re.fullmatch("[a-z_][a-z0-9_]*", schema):
        raise ValueError(f"SCHEMA {schema!r} is not a lower-case identifier")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", ticker):
        raise ValueError(f"TICKER {ticker!r} is not a letter followed by letters, digits and underscores")
    # Quoted, because a ticker may be a reserved word. No ticker begins with an underscore.
    target = f'"{schema}"."{ticker.lower()}"'
    staging = f'"{schema}"."_staging_{ticker.lower()}"'
    typed = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    return Replacement(
        dbtable=f"{schema}._staging_{ticker.lower()}",
        # The connector creates the staging table if it does not exist; one left behind by an older
        # version may have other columns.
        preactions="; ".join(
            [
                f"DROP TABLE IF EXISTS {staging}",
                f"CREATE TABLE {staging} ({typed})",
                f"CREATE TABLE IF NOT EXISTS {target} ({typed}) {LAYOUT}",
                *(f"COMMENT ON COLUMN {target}.\"{name}\" IS '{text}'" for name, text in COMMENTS.items()),
                *(f"GRANT SELECT ON {target} TO {grantee(reader)}" for reader in readers),
            ]
        ),
        postactions="; ".join(
            [
                f"DELETE FROM {target}",
                f"INSERT INTO {target} ({names}) SELECT {names} FROM {staging}",
                *([] if rows is None else [row_check(target, rows)]),
                f"DROP TABLE {staging}",
            ]
        ),
    )


def row_check(table: str, rows: int) -> str:
    """Return a statement that fails, and with it the transaction, unless `table` has that many rows.

    Redshift SQL has no RAISE. Casting text that is not a number to INTEGER fails, and the database quotes the
    text in its message; a division by zero would give no reason, and is not an error on DuckDB.
    """
    wrong = f"'the table would hold ' || CAST(COUNT(*) AS VARCHAR) || ' rows and gold has {rows}'"
    return f"SELECT CAST(CASE WHEN COUNT(*) = {rows} THEN '0' ELSE {wrong} END AS INTEGER) FROM {table}"


def reason(error: Exception) -> str | None:
    """Return what the database said of a failed load, in one line; None if that is what `error` says itself.

    The connector wraps every SQL error as "Exception thrown in awaitResult": the database's is the last in
    the chain of causes, which Py4J's Py4JJavaError has as `java_exception`. Redshift quotes the text that it
    could not cast in the DETAIL of its message, as `context:`.
    """
    java = getattr(error, "java_exception", None)
    text = str(error) if java is None else root_cause(java)
    if found := ROW_CHECK.search(text):
        return found[0]
    if java is None:
        return None
    said = next((line.strip() for line in text.splitlines() if line.strip()), "").removeprefix("ERROR: ")
    context = re.search(r"^\s*context:\s*(.+?)\s*^\s*query:", text, re.DOTALL | re.MULTILINE)
    return " ".join((f"{said} ({context[1]})" if context else said).split())


def root_cause(java: Any) -> str:
    """Return the message of the last cause of a Java exception, or its class if it has no message."""
    for _ in range(100):  # a cause may be its own
        cause = java.getCause()
        if cause is None:
            break
        java = cause
    return str(java.getMessage() or java.toString())


def grantee(reader: str) -> str:
    """Return a reader such as `role:analysts` in the syntax of GRANT. Raises ValueError."""
    kind, _, name = reader.partition(":")
    if reader == "public":
        return "PUBLIC"
    if kind not in ("role", "group", "user") or not re.fullmatch(r"[A-Za-z_][\w.@:+/-]*", name, re.ASCII):
        raise ValueError(f"GRANTS {reader!r} is not role:NAME, group:NAME, user:NAME or public")
    return {"role": "ROLE ", "group": "GROUP ", "user": ""}[kind] + f'"{name}"'


def table_frame(gold: DataFrame) -> DataFrame:
    """Return gold with the names of the table's columns."""
    return gold.select(
        "date", "price", F.col("g_trend").alias("trend"), "pricema", F.col("trendma").alias("trend_i")
    )


def read_gold(spark: SparkSession, uri: str) -> tuple[DataFrame | None, int]:
    """Return the gold set at `uri` and its number of rows; None and 0 if it is missing or empty."""
    try:
        gold = spark.read.schema(GOLD_SCHEMA).parquet(uri)
        rows = gold.count()
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return None, 0
    return (gold, rows) if rows else (None, 0)


def load(context: Callable[[], Any], args: dict[str, str]) -> int:
    """Load a currency and return the number of its rows. `context` returns the run's GlueContext.

    Raises ValueError, before anything is changed, if there is no gold to load, and RuntimeError with the
    database's reason if the load fails; the table is then as it was.
    """
    from awsglue.dynamicframe import DynamicFrame

    ticker = args["TICKER"]
    readers = args["GRANTS"].split(",") if args.get("GRANTS") else []
    replacement(args["SCHEMA"], ticker, readers=readers)  # invalid names fail before Spark is used
    glue = context()
    gold, rows = read_gold(glue.spark_session, f"{args['GOLD'].rstrip('/')}/{ticker}")
    if gold is None:
        # The connector would skip the load and still empty the table.
        raise ValueError(f"gold/{ticker} is missing or empty: nothing was loaded")

    statements = replacement(args["SCHEMA"], ticker, rows, readers)
    options: dict[str, Any] = {
        "useConnectionProperties": "true",
        "connectionName": args["CONNECTION"],
        "dbtable": statements.dbtable,
        "redshiftTmpDir": args["TEMP"],
        "preactions": statements.preactions,
        "postactions": statements.postactions,
    }
    if args["COPY_ROLE"] != "-":
        options["aws_iam_role"] = args["COPY_ROLE"]
    try:
        glue.write_dynamic_frame.from_options(
            frame=DynamicFrame.fromDF(table_frame(gold), glue, ticker),
            connection_type="redshift",
            connection_options=options,
        )
    except Exception as error:
        if (said := reason(error)) is None:
            raise
        raise RuntimeError(said) from error
    log.info("%s: %d rows replace the table %s.%s", ticker, rows, args["SCHEMA"], ticker.lower())
    mark(args)
    return rows


def mark(args: Mapping[str, str]) -> None:
    """Mark the table with what silver was made of, if these scripts made it.

    Without a mark the currency is loaded again by the next `run --changed`: an error fails nothing.
    """
    if not args.get("SCRIPTS") or not args.get("SILVER"):
        return
    silver, gold = (
        f"{args[name].rstrip('/')}/{kind}/{args['TICKER']}/"
        for name, kind in (("SILVER", "_made"), ("GOLD", "_loaded"))
    )
    try:
        made_of = groups.marked(silver)
        known = made_of is not None and made_of.endswith(f"-{args['SCRIPTS']}")
        groups.mark(gold, made_of if known else None)
    except Exception as error:
        log.warning("%s: what was loaded is not marked: %s", args["TICKER"], error)


def main(argv: list[str]) -> None:
    """Run the job for a currency or for a group of them."""
    from awsglue.context import GlueContext
    from pyspark.context import SparkContext

    context = groups.once(lambda: GlueContext(SparkContext.getOrCreate()))
    groups.each(argv, "redshift", OPTIONS, partial(load, context), OPTIONAL)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
