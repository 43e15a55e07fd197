"""Results as JSON data: every public field under its own name, dates in ISO form, paths as text.

What `--json` prints is read by other people's scripts: fields are added here, not renamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Any

from cryptoetl.pipeline.results import CurrencyCheck, Plan, UpResult
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.target.deployment import Cost
from cryptoetl.target.warehouse import QueryRows


def to_data(value: Any) -> Any:
    """The value as dicts, lists and scalars that JSON knows."""
    match value:
        case QueryRows():
            columns = unique(value.columns)
            rows = [dict(zip(columns, map(to_data, row), strict=True)) for row in value.rows]
            return {"columns": columns, "rows": rows, "more": value.more}
        case CurrencyCheck():
            return {"ticker": value.ticker, "ok": value.ok} | {
                name: to_data(getattr(value, name)) for name in ("history", "trend")
            }
        case UpResult():
            # One list of currencies at the top: what a script wants first.
            currencies = value.run.execution.currencies if value.run and value.run.execution else ()
            return {"exit_code": value.exit_code, "currencies": to_data(currencies), **_fields(value)}
        case Plan():
            # The review beside the changes, where there is one.
            plan = _fields(value)
            review = plan.pop("review")
            return plan | review if review is not None else plan
        case Cost():
            return {"total_usd": round(value.total, 4), **_fields(value)}
        case Bundle():
            return {"tickers": value.tickers, "scripts": sorted(value.scripts)}
        case Path():
            return str(value)
        case date() | time():
            return value.isoformat()
        case float():
            return value if isfinite(value) else str(value)
        case str() | int() | None:
            return value
        case Decimal():
            return to_data(float(value))
        case Mapping():
            return {str(key): to_data(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_data(item) for item in value]
        case _ if is_dataclass(value):
            return _fields(value)
        case _:
            return str(value)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: to_data(getattr(value, field.name)) for field in fields(value)}


def unique(names: Sequence[str]) -> list[str]:
    """The names of a statement's columns, numbered where one is used again: a, a_2."""
    unique: list[str] = []
    for name in names:
        free = (f"{name}_{number}" if number > 1 else name for number in count(1))
        unique.append(next(candidate for candidate in free if candidate not in unique))
    return unique
