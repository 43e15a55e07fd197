"""bronze → silver: one currency's raw files as two typed sets.

    raw/<history file>, raw/<trend file>  →  silver/<TICKER>_hist (date date, price float)
                                             silver/<TICKER>_trend (date date, g_trend int)

A file is read as numbered lines and matched with strict patterns before anything is cast, because
the engines' own CSV readers and parsers differ in what they let through. A line that cannot be read
fails the job and is named; nothing is nulled or dropped in silence. The rules and their wording are
those of `cryptoetl/raw_files.py`.

Runs on AWS Glue 6.0, Spark 4.1 and Sail with equal results. Patterns keep to what Java and Rust
share: no look-around, no `\\d` (Unicode in one of them), no repeated groups (deep recursion in Java).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

log = logging.getLogger("bronze2silver")

OPTIONS = [
    "RAW",
    "SILVER",
    "TICKER",
    "HIST_FILE",
    "TREND_FILE",
    "DROP",
    "DATE_COLUMN",
    "PRICE_COLUMN",
    "DATE_FORMAT",
    "DECIMAL",
    "DELIMITER",
    "TREND_DATE_FORMAT",
    "TREND_DELIMITER",
]

NUL = "\0"
BOM = "\ufeff"
HEADER_LINES = 20
"""Lines, blank ones not counted, among which the header of a history is looked for."""

SO_FAR = (Window.unboundedPreceding, Window.currentRow)
LINE_END = "\r\n|\n|\r"
POINT_NUMBER = r"^-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
COMMA_NUMBER = r"^-?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?([eE][+-]?[0-9]+)?$"
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
DATE_TOKENS = {
    "yyyy": "((?:19|[2-9][0-9])[0-9]{2})",  # earlier years are most often two digits read as four
    "MMM": "([A-Za-z]{3})",
    "MM": "([0-9]{2})",
    "M": "([0-9]{1,2})",
    "dd": "([0-9]{2})",
    "d": "([0-9]{1,2})",
    "HH": "[0-9]{2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
    "SSS": "[0-9]{3}",
}
UNIX = {"unix": 0, "unix_ms": 3, "unix_us": 6}
"""Formats of a count since 1970 in UTC: how many digits follow those of the seconds."""
LIKE_A_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}"


class Problem:
    """What can be wrong with a line; only the first that applies is reported."""

    QUOTES, WIDTH, DATE, NUMBER, RANGE, CONFLICT = range(1, 7)


class Delimited(NamedTuple):
    """How fields are told apart: the delimiter, the blanks around fields, and the patterns for both."""

    mark: str
    blanks: str
    field: str
    """A field behind a delimiter, in a line whose `""` became NUL, which no text holds."""
    nothing: str
    """A line without anything but blanks and delimiters."""


def delimited(delimiter: str) -> Delimited:
    """For `,` `;` `|` or the word `tab`. Raises ValueError for anything else."""
    if delimiter not in (",", ";", "|", "tab"):
        raise ValueError(f"DELIMITER {delimiter!r} is not one of , ; | tab")
    mark, blanks = ("\t", " ") if delimiter == "tab" else (delimiter, " \\t")
    escaped = re.escape(mark)
    # The parity of the quotes stays as it was.
    quoted_field = f'[{blanks}]*(?:{NUL}*"[^"]*"|{NUL}+)[{blanks}]*'
    return Delimited(
        mark=mark,
        blanks=" " if delimiter == "tab" else " \t",
        field=f'{escaped}({quoted_field}|[^"{NUL}{escaped}]*)',
        nothing=f"^[ \\t{escaped}]*$",
    )


class Layout(NamedTuple):
    """Where a file's table begins, how many columns it has, and which hold the date and the value."""

    header_line: int
    """0 where the first line is a row already."""
    width: int
    date_at: int
    value_at: int
    model: str
    """What has `width` fields, in words."""


# --- lines and fields -----------------------------------------------------------------------------


def read_lines(spark: SparkSession, uri: str) -> DataFrame:
    """The file as (line int from 1, text string).

    A file that is not UTF-8 text is one row of nulls; a missing one has no rows, or raises
    AnalysisException (PATH_NOT_FOUND), now or when the frame is used: see `open_raw`.
    """
    content = F.try_validate_utf8(F.col("content"))
    content = F.when(~F.contains(content, F.lit(NUL)), content)  # NUL: UTF-16, or not text at all
    lines = (
        spark.read.format("binaryFile")
        .load(uri)
        .select(
            F.posexplode_outer(F.split(F.regexp_replace(content, f"^{BOM}", ""), LINE_END)).alias(
                "at", "text"
            )
        )
    )
    return lines.select((F.col("at") + 1).alias("line"), "text")


def split_lines(lines: DataFrame, layout: Layout, how: Delimited) -> DataFrame:
    """(line, width, beyond, date_text, value_text): the lines below the header that are not blank.

    width: the number of fields, null where the quotes are not balanced. beyond: whether anything stands
    in fields that the header does not have. The texts are unquoted and trimmed, null where there is no field.
    """
    text = F.replace(F.col("text"), F.lit('""'), F.lit(NUL))
    raw, joined = F.col("raw"), F.array_join("raw", how.mark)
    rest = F.array_join(F.slice(raw, layout.width + 1, 1_000_000_000), "\n")  # which no line holds
    # More than blanks and an empty pair of quotes: a character, or a quote that stands for itself.
    beyond = rest.rlike(f'[^ \\t\\n"{NUL}]|{NUL}{NUL}|{NUL}"|"[^"\\n]*{NUL}')
    return (
        lines.where((F.col("line") > layout.header_line) & ~F.col("text").rlike(how.nothing))
        .select(
            "line",
            text.alias("text"),
            F.regexp_extract_all(F.concat(F.lit(how.mark), text), F.lit(how.field), F.lit(1)).alias("raw"),
        )
        .select(
            "line",
            # What no field matches is passed over: the line is well-formed if nothing of it is lost.
            F.when(joined == F.col("text"), F.array_size(raw)).alias("width"),
            # Few lines have more fields than the header; only those pay for the look at them.
            F.when(F.array_size(raw) > layout.width, beyond).otherwise(F.lit(False)).alias("beyond"),
            unquote(F.get(raw, F.lit(layout.date_at)), how.blanks).alias("date_text"),
            unquote(F.get(raw, F.lit(layout.value_at)), how.blanks).alias("value_text"),
        )
    )


def unquote(raw: Column, blanks: str) -> Column:
    """A raw field without its quotes and the blanks around it."""
    inner = F.regexp_replace(F.replace(raw, F.lit(NUL), F.lit('""')), '(?s)^[ \\t]*"(.*)"[ \\t]*$', "$1")
    return F.btrim(F.replace(inner, F.lit('""'), F.lit('"')), F.lit(blanks))


# --- headers --------------------------------------------------------------------------------------


def header_candidates(lines: DataFrame, how: Delimited, fewest: int) -> DataFrame:
    """Up to 50 lines (line, text) among which the first with at least `fewest` fields is the header.

    Where a single field will do, the first lines that are not blank. Otherwise lines without a delimiter
    or a quote come last, however many there are. `text` is null for a file that is no text.
    """
    text = F.col("text")
    order = [F.col("line")]
    if fewest > 1:
        one_field = ~(text.contains(how.mark) | text.contains('"'))
        order.insert(0, F.coalesce(one_field, F.lit(False)))
    return lines.where(text.isNull() | ~text.rlike(how.nothing)).orderBy(*order).limit(50)


def header_fields(text: str, how: Delimited) -> list[str] | None:
    """The fields of a line on the driver, unquoted and trimmed; None if the quotes are not balanced."""
    text = text.replace('""', NUL)
    raw = re.findall(how.field, how.mark + text)
    if how.mark.join(raw) != text:
        return None
    parts = [part.strip(how.blanks).replace(NUL, '""') for part in raw]
    return [
        part[1:-1].replace('""', '"').strip(how.blanks) if part.startswith('"') else part for part in parts
    ]


Candidates = Sequence[tuple[int, list[str] | None]]
"""The first lines of a file with their fields, None where the quotes are not balanced."""


def history_layout(candidates: Candidates, date_column: str, price_column: str) -> Layout:
    """The first line that holds both columns is the header; with columns by number (#1), there is none.

    Raises ValueError for a file without them.
    """
    first_line, first = candidates[0]
    if first is None:
        raise ValueError(f"line {first_line}: the quotes are not balanced")
    columns = (date_column, price_column)
    if date_column.startswith("#") and date_column[1:].isdigit():
        date_at, value_at = (int(number[1:]) - 1 for number in columns)
        if len(first) <= max(date_at, value_at):
            needed = max(date_at, value_at) + 1
            raise ValueError(f"line {first_line}: there is no column {needed}: the line has {len(first)}")
        return _layout(0, first, date_at, value_at, "first line")
    readable = [(line, names) for line, names in candidates[:HEADER_LINES] if names is not None]
    for line, names in readable:
        if all(name in names for name in columns):
            return _layout(line, names, names.index(date_column), names.index(price_column), "header")
    line, names = max(readable, key=lambda candidate: len(candidate[1]))
    absent = [repr(name) for name in columns if name not in names]
    are = f"column {absent[0]} is" if len(absent) == 1 else f"columns {' and '.join(absent)} are"
    raise ValueError(f"line {line}: {are} not in the header ({shown(', '.join(names), 200)})")


def trend_layout(candidates: Candidates) -> Layout:
    """The first line of more than one named field is the header; above it is Google's preamble.

    Raises ValueError for several search terms, or for data without a header.
    """
    for line, names in candidates:
        if names is None:
            raise ValueError(f"line {line}: the quotes are not balanced")
        if last_named(names) < 2:
            continue
        named = [name for name in names if name]
        if re.fullmatch(LIKE_A_DATE, names[0]):
            raise ValueError(f"line {line}: there is no header line above the data")
        if len(named) > 2:
            columns = shown(", ".join(named), 200)
            raise ValueError(
                f"line {line}: the header has {len(named)} columns ({columns}): export one search term alone"
            )
        return _layout(line, names, 0, 1, "header")
    raise ValueError("there is no header line")


def _layout(line: int, names: Sequence[str], date_at: int, value_at: int, model: str) -> Layout:
    return Layout(line, max(last_named(names), date_at + 1, value_at + 1), date_at, value_at, model)


def last_named(names: Sequence[str]) -> int:
    """The number of columns without the unnamed ones that delimiters at the end make."""
    return max((at for at, name in enumerate(names, start=1) if name), default=0)


# --- rows -----------------------------------------------------------------------------------------


def date_of(text: Column, date_format: str) -> Column:
    """`text` as a date; null unless it is written exactly as `date_format` says and is in the calendar.

    Raises ValueError for a format without exactly one year, month and day.
    """
    if date_format in UNIX:
        rest = f"[0-9]{{{UNIX[date_format]}}}" if UNIX[date_format] else ""
        seconds = F.regexp_extract(text, rf"^([0-9]{{9,10}}){rest}(\.[0-9]+)?$", 1).try_cast("bigint")
        return F.date_add(F.lit("1970-01-01").cast("date"), F.floor(seconds / 86_400).cast("int"))
    group: dict[str, int] = {}
    pattern = ""
    for token in re.findall("'(?:[^']|'')*'|yyyy|MMM|MM|M|dd|d|HH|mm|ss|SSS|.", date_format, re.DOTALL):
        if len(token) > 1 and token[0] == "'":
            pattern += re.escape(token[1:-1].replace("''", "'") or "'")
            continue
        pattern += DATE_TOKENS.get(token) or re.escape(token)
        if "(" in DATE_TOKENS.get(token, ""):
            if token[0] in group:
                group.clear()
                break
            group[token[0]] = len(group) + 1
    if len(group) != 3:
        raise ValueError(f"{date_format!r} must hold year, month and day once each, such as MM/dd/yyyy")
    year, month, day = (F.regexp_extract(text, f"^{pattern}$", group[letter]) for letter in "yMd")
    if "MMM" in date_format:
        place = F.instr(F.lit(MONTHS), F.lower(month))  # 0 for what is no month, which makes month 00
        month = ((place + 3) / 4).cast("int").cast("string")
    return F.concat_ws("-", year, month, day).try_cast("date")


def history_rows(split: DataFrame, date_format: str, decimal: str) -> DataFrame:
    """`split_lines` with date, value (the price as float, null where missing) and wrong, a problem of it."""
    text = F.col("value_text")
    number = COMMA_NUMBER if decimal == "," else POINT_NUMBER
    # Thousands separators go, the decimal separator becomes a point. Not by way of double: that rounds twice.
    price = F.translate(text, *((",.", ".") if decimal == "," else (",", ""))).try_cast("float")
    wrong = (
        F.when((text != "") & ~text.rlike(number), Problem.NUMBER)
        .when(F.abs("number") == float("inf"), Problem.RANGE)
    )  # fmt: skip
    return split.select(
        "*", date_of(F.col("date_text"), date_format).alias("date"), price.alias("number")
    ).select("*", F.when(F.col("number") != -1, F.col("number")).alias("value"), wrong.alias("wrong"))


def trend_rows(split: DataFrame, date_format: str) -> DataFrame:
    """`split_lines` with date, value (int) and wrong, a problem of it."""
    text = F.col("value_text")
    # Ten digits may be more than an int holds.
    trend = F.when(text == "<1", F.lit(0)).when(F.length(text) < 10, text.try_cast("int"))
    wrong = (
        F.when(~text.rlike("^([0-9]+|<1)$"), Problem.NUMBER)
        .when(F.col("value").isNull() | (F.col("value") > 100), Problem.RANGE)
    )  # fmt: skip
    return split.select(
        "*", date_of(F.col("date_text"), date_format).alias("date"), trend.alias("value")
    ).select("*", wrong.alias("wrong"))


def judged(rows: DataFrame, layout: Layout) -> DataFrame:
    """(line int, date date, value, first int, problem int, width int, date_text, value_text) per line.

    problem: the line's first one, or null. first: the first line of the date, lines with problems left
    aside.
    """
    problem = (
        F.when(F.col("width").isNull(), Problem.QUOTES)
        .when((F.col("width") < layout.width) | F.col("beyond"), Problem.WIDTH)
        .when(F.col("date").isNull(), Problem.DATE)
        .otherwise(F.col("wrong"))
    )
    good = F.when(F.col("problem").isNull(), F.col("date"))
    # One sort serves both windows. A partition per date would cost as much as all the rest.
    by_date = Window.partitionBy(F.lit(0)).orderBy("date", "line")
    repeated = F.lag("date").over(by_date).eqNullSafe(F.col("date"))
    conflict = F.when(~F.col("value").eqNullSafe(F.col("first.value")), Problem.CONFLICT)
    evidence = ["width", "date_text", "value_text"]
    return (
        rows.select("line", "date", "value", *evidence, problem.alias("problem"))
        .select("line", good.alias("date"), "value", *evidence, "problem")
        .select("*", F.when(~repeated, F.struct("line", "value")).alias("leader"))
        .select("*", F.last("leader", ignorenulls=True).over(by_date.rowsBetween(*SO_FAR)).alias("first"))
        .select(
            "line",
            "date",
            "value",
            F.col("first.line").alias("first"),
            F.coalesce(F.col("problem"), conflict).alias("problem"),
            *evidence,
        )
    )


def findings(judged: DataFrame) -> DataFrame:
    """One row: bad (lines), worst (the first of them), days, values (days with one), first and last day."""
    bad = F.col("problem").isNotNull()
    kept = F.when(~bad & (F.col("line") == F.col("first")), F.col("date"))
    evidence = F.struct("line", "problem", "first", "date", "width", "date_text", "value_text")
    return judged.agg(
        F.count_if(bad).alias("bad"),
        F.min(F.when(bad, evidence)).alias("worst"),
        F.count(kept).alias("days"),
        F.count(F.when(kept.isNotNull(), F.col("value"))).alias("values"),
        F.min(kept).alias("from_day"),
        F.max(kept).alias("to_day"),
    )


def wording(row: Row, layout: Layout, noun: str, date_format: str) -> str:
    """What is wrong with a line, given its evidence in `row`."""
    match row.problem:
        case Problem.QUOTES:
            return "the quotes are not balanced"
        case Problem.WIDTH:
            return f"{row.width} fields where the {layout.model} has {layout.width}"
        case Problem.DATE if noun == "trend" and re.fullmatch("[0-9]{4}-[0-9]{2}", row.date_text):
            return (
                f"{quoted(row.date_text)} is a month: the values are monthly, weekly ones are needed "
                "(in Google Trends choose a range of at most five years)"
            )
        case Problem.DATE:
            return f"date {quoted(row.date_text)} is not a {date_format} date"
        case Problem.NUMBER:
            return f"{noun} {quoted(row.value_text)} is not a {'whole ' if noun == 'trend' else ''}number"
        case Problem.RANGE:
            limit = "not within 0 and 100" if noun == "trend" else "too large"
            return f"{noun} {quoted(row.value_text)} is {limit}"
        case _:
            another = "another trend value" if noun == "trend" else "another price"
            return f"date {row.date} is already on line {row.first} with {another}"


def quoted(value: str) -> str:
    """A value for a message, cut to 40 characters."""
    return f"'{shown(value, 40)}'"


def shown(text: str, limit: int) -> str:
    """Text from a file, cut, and without what a terminal would obey or not show."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


# --- silver ---------------------------------------------------------------------------------------


def silver_history(rows: DataFrame, *, drop: bool) -> DataFrame:
    """(date date, price float) by date, once each, from rows without problems. Missing prices are dropped, or
    take the last valid earlier one, however old; before the first valid price they stay null.
    """
    days = once(rows, "price")
    if drop:
        return days.where(F.col("price").isNotNull())
    so_far = Window.partitionBy(F.lit(0)).orderBy("date").rowsBetween(*SO_FAR)
    return days.select("date", F.last("price", ignorenulls=True).over(so_far).alias("price"))


def silver_trend(rows: DataFrame) -> DataFrame:
    """(date date, g_trend int), each date once, from rows without problems."""
    return once(rows, "g_trend")


def once(rows: DataFrame, name: str) -> DataFrame:
    """(date, `name`) by date: lines that repeat a date, which then repeat its value, become one row.

    By a window and not by grouping: Sail leaves out a sort right before a write, the one of a window stays.
    """
    by_date = Window.partitionBy(F.lit(0)).orderBy("date")
    again = F.lag("date").over(by_date).eqNullSafe(F.col("date"))
    return (
        rows.select("date", F.col("value").alias(name), again.alias("again"))
        .where(~F.col("again"))
        .select("date", name)
    )


def write(frame: DataFrame, uri: str) -> None:
    """Replace the set at `uri` by one file, sorted by date."""
    frame.coalesce(1).sortWithinPartitions("date").write.mode("overwrite").parquet(uri)


# --- the job --------------------------------------------------------------------------------------


def open_raw(spark: SparkSession, uri: str, how: Delimited, fewest: int) -> tuple[DataFrame, Candidates]:
    """The file's lines, and the first of them that may be its header: one of at least `fewest` fields.

    Raises ValueError if there are none.
    """
    try:
        lines = read_lines(spark, uri)
        first = header_candidates(lines, how, fewest).collect()
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        first = []
    if not first:
        raise ValueError(f"{uri} is missing or empty")
    if any(text is None for _, text in first):
        raise ValueError("the file is not UTF-8 text")
    return lines, [(line, header_fields(text, how)) for line, text in first]


def verdict(
    found: Row, layout: Layout, noun: str, date_format: str, *, every_value_needed: bool
) -> str | None:
    """What is wrong with a set, given its `findings`; None if nothing is."""
    if found.bad:
        worst = f"line {found.worst.line}: {wording(found.worst, layout, noun, date_format)}"
        return worst if found.bad == 1 else f"{found.bad} lines cannot be read; first: {worst}"
    if not found.days:
        return "there are no data lines below the header"
    if not found["values"] and every_value_needed:
        return f"every {noun} is missing"
    return None


def main(argv: list[str]) -> None:
    """Run the job. Raises ValueError with what is wrong with either file."""
    from awsglue.utils import getResolvedOptions

    args = getResolvedOptions(argv, OPTIONS)
    ticker, date_format, drop = args["TICKER"], args["DATE_FORMAT"], args["DROP"] == "Y"
    raw = args["RAW"].rstrip("/")
    spark = SparkSession.builder.getOrCreate()
    layouts: dict[str, Layout] = {}
    sets: dict[str, DataFrame] = {}
    problems: dict[str, str] = {}

    nouns = {"history": ("price", date_format), "trend": ("trend", args["TREND_DATE_FORMAT"])}

    try:
        how = delimited(args["DELIMITER"])
        lines, candidates = open_raw(spark, f"{raw}/{args['HIST_FILE']}", how, fewest=1)
        layouts["history"] = history_layout(candidates, args["DATE_COLUMN"], args["PRICE_COLUMN"])
        split = split_lines(lines, layouts["history"], how)
        sets["history"] = history_rows(split, date_format, args["DECIMAL"])
    except ValueError as error:
        problems["history"] = str(error)
    try:
        how = delimited(args["TREND_DELIMITER"])
        lines, candidates = open_raw(spark, f"{raw}/{args['TREND_FILE']}", how, fewest=2)
        layouts["trend"] = trend_layout(candidates)
        sets["trend"] = trend_rows(split_lines(lines, layouts["trend"], how), args["TREND_DATE_FORMAT"])
    except ValueError as error:
        problems["trend"] = str(error)

    found = [
        findings(judged(rows, layouts[kind])).withColumn("kind", F.lit(kind)) for kind, rows in sets.items()
    ]
    for row in reduce(DataFrame.union, found).collect() if found else []:
        days, values, kind = row.days, row["values"], row.kind
        log.info(
            "%s %s: %d days, %d with a value, %s to %s", ticker, kind, days, values, row.from_day, row.to_day
        )
        noun, written = nouns[kind]
        wrong = verdict(row, layouts[kind], noun, written, every_value_needed=drop and kind == "history")
        if wrong:
            problems[kind] = wrong
    if problems:
        raise ValueError("; ".join(f"{kind}: {problems[kind]}" for kind in sorted(problems)))

    # Read once more, without the evidence: cheaper than keeping the rows, which small files do not repay.
    silver = f"{args['SILVER'].rstrip('/')}/{ticker}"
    write(silver_history(sets["history"], drop=drop), f"{silver}_hist")
    write(silver_trend(sets["trend"]), f"{silver}_trend")
    log.info("%s: silver is written to %s_hist and %s_trend", ticker, silver, silver)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
