"""Verification of tables: their columns, whether they equal the gold sets, and how old the prices are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace

from cryptoetl.config.models import COLUMNS, Config
from cryptoetl.errors import DamagedState, NotDeployedError, QueryError, UsageError
from cryptoetl.events import Observe, Phase, counted
from cryptoetl.pipeline.results import CheckRules, Preview, TableCheck, VerifyResult
from cryptoetl.state_machine import scripts
from cryptoetl.target import Target
from cryptoetl.target.warehouse import Tables
from cryptoetl.util.text import plural
from cryptoetl.warehouse import sql as warehouse_sql
from cryptoetl.warehouse.facts import TableFacts

RELATIVE_TOLERANCE = 1e-11
"""For sums of floats, whose last digits depend on the order of the rows: about 1e-13 for ten thousand rows.
Counts, dates, minima and maxima are compared exactly."""
ABSOLUTE_TOLERANCE = 1e-12
"""For sums near zero."""


def compare(  # noqa: PLR0913 - what it compares, each by its name
    ticker: str,
    table: str,
    *,
    gold: TableFacts | str | None,
    found: TableFacts | None,
    rules: CheckRules | None,
    columns: Mapping[str, str] = COLUMNS,
) -> TableCheck:
    """Return the problems of a table; with `rules` also notes, which strict rules turn into problems.

    `columns` are those of the script that loads the table; those that it adds are not compared with gold.
    `gold` is a text if the gold set cannot be read, and says why.
    """
    if found is None:
        return TableCheck(ticker, table, None, None, None, None, ("the table is missing",))
    problems = list(_contract(found, columns))
    if isinstance(gold, str):
        problems.append(gold)
    elif not problems:
        problems += ["there is no gold set to compare it with"] if gold is None else _differences(gold, found)
    age = (rules.today - found.last).days if rules and found.last else None
    notes = list(_staleness(found, age, rules)) if rules else []
    if rules and rules.strict:
        problems, notes = problems + notes, []
    return TableCheck(
        ticker,
        table,
        found.rows,
        found.first,
        found.last,
        found.rows - found.prices,
        tuple(problems),
        tuple(notes),
        _nulls(found),
        age,
    )


def _contract(found: TableFacts, columns: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the table itself, whatever gold contains."""
    if (names := tuple(name for name, _ in found.columns)) != tuple(columns):
        yield f"its columns are {', '.join(names)}, not {', '.join(columns)}"
        return
    wrong = [
        f"{name} is {kind}, not {COLUMNS[name]}"
        for name, kind in found.columns
        if kind != COLUMNS.get(name, kind)
    ]
    if wrong:
        yield f"its column {', '.join(wrong)}"
    elif not found.rows:
        yield "it has no rows: the currency has not been loaded yet"
    elif found.days is not None and found.days != found.rows:
        yield f"{found.rows - found.days} of its rows repeat a date"


def _differences(gold: TableFacts, table: TableFacts) -> Iterator[str]:
    for item in fields(TableFacts):
        if item.name == "columns":
            continue
        expected, actual = getattr(gold, item.name), getattr(table, item.name)
        if isinstance(expected, float) and isinstance(actual, float):
            is_sum = not item.name.endswith(("_min", "_max"))
            same = expected == actual or (
                is_sum
                and math.isclose(expected, actual, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
            )
        else:
            same = expected == actual
        if not same:
            yield f"{item.name.replace('_', ' ')}: {actual} in the table, {expected} in gold"


def _staleness(found: TableFacts, age: int | None, rules: CheckRules) -> Iterator[str]:
    if age is not None and rules.max_age_days is not None and age > rules.max_age_days:
        ago = f"{plural(age, 'day')} ago"
        yield f"its newest day is {found.last}, {ago}: older than max_age_days, {rules.max_age_days}"


def _nulls(found: TableFacts) -> dict[str, int]:
    counts = {
        "price": found.prices,
        "trend": found.trends,
        "pricema": found.pricemas,
        "trend_i": found.trend_is,
    }
    return {name: found.rows - count for name, count in counts.items() if count is not None}


def verify(
    config: Config,
    target: Target,
    tickers: Sequence[str],
    observe: Observe,
    rules: CheckRules | None = None,
) -> VerifyResult:
    """Compare the currencies' tables with their contract and their gold sets.

    Raises NotDeployedError if there are no tables because nothing was ever deployed.
    """
    observe(Phase("verify"))
    schema, columns = config.aws.redshift.schema_name, scripts.columns_of(config)
    with target.warehouse.reading() as warehouse:
        tables = warehouse.tables([ticker.lower() for ticker in tickers])
        if not tables and target.deployment.compared(None)[0] is None:
            raise NotDeployedError.at_all()
        checks = [
            compare(
                ticker,
                f"{schema}.{ticker.lower()}",
                gold=_gold(warehouse, ticker),
                found=tables.get(ticker.lower()),
                rules=rules,
                columns=columns,
            )
            for ticker in counted(tickers, len(tickers), observe)
        ]
    return VerifyResult(tuple(checks), target.warehouse.location())


def _gold(warehouse: Tables, ticker: str) -> TableFacts | str | None:
    try:
        return warehouse.gold(ticker)
    except DamagedState as error:
        return error.message


def preview(config: Config, target: Target, ticker: str, days: int) -> Preview:
    """Return the latest rows of a currency's table.

    Raises UsageError if the currency is not configured, or if its table does not exist or has no rows.
    """
    (currency,) = config.select([ticker])
    schema = config.aws.redshift.schema_name
    empty = UsageError(
        f"{schema}.{currency.table} has no rows yet", hint="Run `cryptoetl run` or `cryptoetl up`."
    )
    try:
        rows = target.warehouse.query(warehouse_sql.latest(schema, currency.ticker, days), days)
    except QueryError:
        with target.warehouse.reading() as warehouse:
            if warehouse.tables([currency.table]):
                raise
        raise empty from None
    if not rows.rows:
        raise empty
    ascending = replace(rows, rows=tuple(reversed(rows.rows)), more=False)
    return Preview(currency.ticker, f"{schema}.{currency.table}", ascending)
