"""Results as JSON data: every field under its own name, dates in ISO form, paths as text.

A result also has the fields that contract.py promises. Types whose JSON has other fields than they have
themselves are listed in VIEWS, each with a function whose return type is the JSON's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import singledispatch
from itertools import count
from math import isfinite
from typing import Any, NotRequired, TypedDict

from cryptoetl.output.contract import CONTRACTS
from cryptoetl.pipeline.results import (
    CurrencyCheck,
    RunResult,
    UploadResult,
    UpResult,
    VerifyResult,
)
from cryptoetl.raw_files.findings import FileReport
from cryptoetl.state_machine.bundle import Bundle, Change
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionStatus, StepStatus, Verdict
from cryptoetl.target.deployment import Cost, Notice, Plan, Prediction
from cryptoetl.target.warehouse import QueryRows


def document(value: Any) -> dict[str, Any]:
    """Return the object that `--json` prints for a result, or for a line of what is followed."""
    return {**CONTRACTS[type(value)].envelope(value), **to_data(value)}


@singledispatch
def to_data(value: Any) -> Any:
    """Return the value as dicts, lists and scalars that JSON has; of an unknown type, its text."""
    if not is_dataclass(value):
        return str(value)
    view, contract = VIEWS.get(type(value)), CONTRACTS.get(type(value))
    envelope = contract.envelope(value) if contract and not contract.line else {}
    return {**envelope, **to_data(view(value) if view else _fields(value))}


@to_data.register(str)
@to_data.register(int)
@to_data.register(type(None))
def _scalar(value: Any) -> Any:
    return value


@to_data.register(float)
@to_data.register(Decimal)
def _number(value: float | Decimal) -> float | str:
    number = float(value)
    return number if isfinite(number) else str(number)


@to_data.register(date)
@to_data.register(time)
def _iso(value: date | time) -> str:
    return value.isoformat()


@to_data.register(Mapping)
def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): to_data(item) for key, item in value.items()}


@to_data.register(list)
@to_data.register(tuple)
@to_data.register(set)
@to_data.register(frozenset)
def _list(value: Sequence[Any]) -> list[Any]:
    return [to_data(item) for item in value]


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in field_names(value)}


def field_names(value: Any) -> list[str]:
    """Return the fields of a dataclass, or of its instance, that JSON has: not those left out of its repr."""
    return [field.name for field in fields(value) if field.repr]


class Rows(TypedDict):
    """Rows of a table: each maps the columns to values."""

    columns: list[str]
    rows: list[dict[str, Any]]
    more: bool


def row_objects(value: QueryRows) -> Rows:
    """Return the rows as objects."""
    columns = unique(value.columns)
    return {
        "columns": columns,
        "rows": [dict(zip(columns, row, strict=True)) for row in value.rows],
        "more": value.more,
    }


class _CurrencyCheck(TypedDict):
    ticker: str
    ok: bool
    history: FileReport
    trend: FileReport


def _currency_check(value: CurrencyCheck) -> _CurrencyCheck:
    return {"ticker": value.ticker, "ok": value.ok, "history": value.history, "trend": value.trend}


class _Execution(TypedDict):
    name: str
    verdict: Verdict
    started: datetime | None
    ended: datetime | None
    currencies: Sequence[CurrencyStatus]
    clean: StepStatus
    error: str | None
    reason: str | None
    link: str | None


def _execution(value: ExecutionStatus) -> _Execution:
    """Add the verdict to what Step Functions says."""
    return {
        "name": value.name,
        "verdict": value.verdict,
        "started": value.started,
        "ended": value.ended,
        "currencies": value.currencies,
        "clean": value.clean,
        "error": value.error,
        "reason": value.reason,
        "link": value.link,
    }


class _Up(TypedDict):
    currencies: list[CurrencyStatus]
    to_run: Sequence[str]
    unchanged: Sequence[str]
    dry_run: bool
    upload: UploadResult
    deploy: Plan | None
    run: RunResult | None
    verify: VerifyResult | None


def _up(value: UpResult) -> _Up:
    """Put one list of currencies at the top: what a script wants first."""
    execution = value.run.execution if value.run else None
    return {
        "currencies": list(execution.currencies) if execution else [],
        "to_run": value.to_run,
        "unchanged": value.unchanged,
        "dry_run": value.dry_run,
        "upload": value.upload,
        "deploy": value.deploy,
        "run": value.run,
        "verify": value.verify,
    }


class _Plan(TypedDict):
    bundle: Bundle
    changes: Sequence[Change]
    location: str
    applied: bool
    tables: str
    scripts: str
    notices: Sequence[Notice]
    account: NotRequired[str]
    region: NotRequired[str]
    prediction: NotRequired[Prediction]
    cost: NotRequired[Cost]
    links: NotRequired[Mapping[str, str]]


def _plan(value: Plan) -> _Plan:
    """Put the fields of the review, if there is one, at the top."""
    plan: _Plan = {
        "bundle": value.bundle,
        "changes": value.changes,
        "location": value.location,
        "applied": value.applied,
        "tables": value.tables,
        "scripts": value.scripts,
        "notices": value.notices,
    }
    if (review := value.review) is None:
        return plan
    return {
        **plan,
        "account": review.account,
        "region": review.region,
        "prediction": review.prediction,
        "cost": review.cost,
        "links": value.links,
    }


class _Cost(TypedDict):
    total_usd: float
    parts: Mapping[str, float]
    assumptions: Sequence[str]


def _cost(value: Cost) -> _Cost:
    return {"total_usd": round(value.total, 4), "parts": value.parts, "assumptions": value.assumptions}


class _Bundle(TypedDict):
    tickers: list[str]
    scripts: list[str]


def _bundle(value: Bundle) -> _Bundle:
    return {"tickers": value.tickers, "scripts": sorted(value.scripts)}


VIEWS: Mapping[type, Callable[[Any], Mapping[str, Any]]] = {
    QueryRows: row_objects,
    CurrencyCheck: _currency_check,
    UpResult: _up,
    Plan: _plan,
    ExecutionStatus: _execution,
    Cost: _cost,
    Bundle: _bundle,
}


def unique(names: Sequence[str]) -> list[str]:
    """Return the names of a statement's columns, numbered where one is used again: a, a_2."""
    unique: list[str] = []
    for name in names:
        free = (f"{name}_{number}" if number > 1 else name for number in count(1))
        unique.append(next(candidate for candidate in free if candidate not in unique))
    return unique
