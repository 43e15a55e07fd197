"""What the shell completes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cryptoetl.cli import completion


@pytest.fixture
def context(tmp_path: Path) -> Any:
    path = tmp_path / "config.yaml"
    path.write_text(
        "currencies: [{ticker: BTC}, {ticker: BCH}, {ticker: XMR}]\nenvironments: {prod: {}, dev: {}}\n"
    )
    for name in ("20260101T000000000Z", "20260102T000000000Z"):
        (tmp_path / ".cryptoetl" / "executions" / name).mkdir(parents=True)
    return SimpleNamespace(params={"config": path})


def test_tickers_steps_and_names_are_completed(context: Any) -> None:
    assert completion.ticker(context, "b") == ["BTC", "BCH"]
    assert completion.tickers(context, "BTC,") == ["BTC,BCH", "BTC,XMR"]
    assert completion.environments(context, "p") == ["prod"]
    assert completion.executions(context, "2026") == ["20260102T000000000Z", "20260101T000000000Z"]
    assert completion.steps("g") == ["gold"]
    assert completion.targets("") == ["local", "aws"]


@pytest.mark.parametrize("text", ["- a list", "currencies: {ticker: [", "currencies: 3"])
def test_a_broken_configuration_completes_nothing(context: Any, text: str) -> None:
    context.params["config"].write_text(text)
    assert completion.tickers(context, "") == completion.environments(context, "") == []
