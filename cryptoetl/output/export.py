"""The rows of a query in formats that other programs read: CSV, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, assert_never, get_args

from cryptoetl.errors import UsageError
from cryptoetl.output.serialize import row_objects, to_data, unique
from cryptoetl.target.warehouse import QueryRows

Format = Literal["table", "csv", "json", "parquet"]


def format_named(name: str, *, output: Path | None) -> Format:
    """Return the format of that name. Raises UsageError for an unknown one, or one unfit for the output."""
    for known in get_args(Format):
        if name == known:
            if known == "parquet" and output is None:
                raise UsageError("parquet is a binary format", hint="Write it to a file: --output FILE.")
            if known == "table" and output is not None:
                raise UsageError(
                    "--format table cannot be written to a file",
                    hint="With --output, use --format csv, json or parquet.",
                )
            return known  # type: ignore[no-any-return]
    raise UsageError(f"{name!r} is not a format", hint=f"Choose one of {', '.join(get_args(Format))}.")


def encoded(rows: QueryRows, form: Format) -> bytes:
    """Return the rows as the content of a file. Raises ValueError for a table."""
    match form:
        case "csv":
            return _csv(rows).encode()
        case "json":
            return (json.dumps(to_data(row_objects(rows)), indent=2, ensure_ascii=False) + "\n").encode()
        case "parquet":
            return _parquet(rows)
        case "table":
            raise ValueError("a table is not encoded")
        case _:
            assert_never(form)


def _csv(rows: QueryRows) -> str:
    """Return the rows below a line of names; a missing value is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows([[_plain(value) for value in row] for row in rows.rows])
    return text.getvalue()


def _plain(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case date() | time():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case list() | dict() | tuple():
            return json.dumps(to_data(value), ensure_ascii=False)
        case _:
            return value


def _parquet(rows: QueryRows) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    kinds: Mapping[str, Any] = {
        "date": pa.date32(),
        "real": pa.float32(),
        "float": pa.float32(),
        "float4": pa.float32(),
        "double": pa.float64(),
        "float8": pa.float64(),
        "smallint": pa.int16(),
        "int2": pa.int16(),
        "integer": pa.int32(),
        "int4": pa.int32(),
        "bigint": pa.int64(),
        "int8": pa.int64(),
        "boolean": pa.bool_(),
        "bool": pa.bool_(),
        "varchar": pa.string(),
        "bpchar": pa.string(),
    }
    types = rows.types or ("",) * len(rows.columns)
    arrays = []
    for number, name in enumerate(types):
        values = [row[number] for row in rows.rows]
        try:
            arrays.append(pa.array(values, kinds.get(name.lower())))
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # infinite dates, types that Arrow lacks: as text
            arrays.append(pa.array([None if value is None else str(value) for value in values], pa.string()))
    content = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(arrays, names=unique(rows.columns)), content)
    return content.getvalue()
