"""What `init --yes` and `upload` make of a folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

from cryptoetl import config
from cryptoetl.discovery import proposal
from cryptoetl.pipeline import checks
from cryptoetl.pipeline.checks import PlainForm
from cryptoetl.pipeline.results import CheckRules
from tests.unit.made import read_plain


class Tables(NamedTuple):
    """A currency as it was loaded: prices and trend values by day."""

    history: dict[date, float | None]
    trend: dict[date, float | None]


def loaded(folder: Path) -> dict[str, Tables]:
    """Return the currencies that `init --yes` and `upload` would load, in the plain form."""
    proposed = proposal.propose(folder, folder / "config.yaml", None, lambda _: None)
    if not proposed.currencies:
        return {}
    proposal.write(proposed, force=False)
    currencies = config.load(folder / "config.yaml").currencies
    found = checks.each(
        currencies,
        CheckRules(date(2026, 1, 1), max_age_days=None),
        lambda _: None,
        plain=PlainForm(folder),
    )
    tables = {}
    for currency in found:
        history, trend = (file.plain.path if file.plain else None for file in currency.files)
        if history and trend:
            tables[currency.currency.ticker] = Tables(
                dict(read_plain("history", history)), dict(read_plain("trend", trend))
            )
    return tables
