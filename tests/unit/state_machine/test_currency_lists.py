"""The machine of groups, and the lists of currencies."""

from __future__ import annotations

import json

import pytest

from cryptoetl.config.models import Config
from cryptoetl.errors import DamagedState
from cryptoetl.state_machine import bundle, groups
from cryptoetl.state_machine.bundle import Layout
from cryptoetl.state_machine.groups import CurrencyList, Item, Start

LAYOUT = Layout("s3://raw", "s3://silver", "s3://gold", "s3://temp", lists="s3://lists")


def configured(count: int, **settings: object) -> Config:
    currencies = [{"ticker": f"C{n}", "history": "h.csv", "trend": "t.csv"} for n in range(count)]
    return Config.model_validate({"currencies": currencies, **settings})


def test_the_definition_is_as_large_for_ten_thousand_currencies_as_for_two() -> None:
    sizes = [
        len(json.dumps(bundle.rendered(configured(count, currencies_per_run=25), LAYOUT)))
        for count in (2, 10_000)
    ]
    assert sizes[0] == sizes[1] < 20_000


def test_more_currencies_than_fit_run_in_groups() -> None:
    assert not groups.is_grouped(bundle.rendered(configured(50), LAYOUT))
    many = bundle.rendered(configured(1_000), LAYOUT)
    assert groups.size_of(many) == groups.AUTOMATIC_SIZE


def test_a_large_currency_has_a_group_of_its_own() -> None:
    items = {t: Item(t, "h", "t", large=t == "C") for t in "ABCDE"}
    listed = CurrencyList(items)
    assert listed.groups(3) == [["C"], ["A", "B", "D"], ["E"]]
    rows = json.loads(listed.dumps(3))["currencies"]
    assert [row.get("TICKER") for row in rows] == ["C", None, None, "A", "B", "D", "E"]


def test_a_list_is_read_as_it_was_written() -> None:
    listed = CurrencyList({t: Item(t, f"{t}/h", f"{t}/t", drop=t == "A") for t in "ABC"})
    started = listed.starting(Start({"A": "gold"}, {"B": "no price"}))
    assert groups.loads(started.dumps(7), "k") == (started, 7)
    assert (list(started.items), started.refused, started.skipped) == (["A"], {"B": "no price"}, ("C",))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"currencies": [7], "size": 1}', "\xff"])
def test_a_damaged_list_is_named(content: str) -> None:
    with pytest.raises(DamagedState, match="the list of currencies some/key is damaged"):
        groups.loads(content.encode("latin-1"), "some/key")


def test_a_missing_list_is_named_with_its_reason_and_the_way_on() -> None:
    error = groups.missing("some/key", FileNotFoundError(2, "No such file or directory", "/long/path"))
    assert error.message == (
        "the list of currencies some/key cannot be read (No such file or directory): "
        "the execution's currencies are unknown"
    )
    assert "run --changed" in (error.hint or "")


def test_a_currency_with_a_large_history_starts_in_a_group_of_its_own() -> None:
    listed = CurrencyList({ticker: Item(ticker, f"{ticker}/history.csv", "") for ticker in "ABC"})
    started = listed.starting(Start(dict.fromkeys("ABC", "silver"), large=frozenset("B")))
    assert started.groups(2) == [["B"], ["A", "C"]]
