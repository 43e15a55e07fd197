"""The problems of a configuration file, each with its line and field."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cryptoetl.config.loading import load
from cryptoetl.config.yaml_lines import MAX_CONFIG_BYTES
from cryptoetl.errors import ConfigError
from tests.unit.config.configs import GOOD, refusal, written
from tests.unit.config.refused import REFUSED


def laughs(levels: int = 12) -> str:
    """Return nested anchors: each level repeats the one below nine times."""
    names = ["x0", *(f"x{level}" for level in range(1, levels))]
    lines = [f"{names[0]}: &{names[0]} [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in itertools.pairwise(names)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("content", "line", "field", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(
    file: Path, content: str | bytes, line: int | None, field: str | None, message: str
) -> None:
    problems = refusal(file, content)
    assert all(problem.file == file for problem in problems)
    found = [problem for problem in problems if message in problem.message]
    assert [(problem.line, problem.field) for problem in found] == [(line, field)], problems


@pytest.mark.parametrize(
    "ticker", ["1BTC", "B-C", "B C", "B.C", "Ä", "B/../C", "_B", "A" * 16, "B;DROP", "${x}", "ſ", "😀"]
)
def test_a_ticker_that_cannot_name_a_table_is_refused(file: Path, ticker: str) -> None:
    (problem,) = refusal(file, GOOD.replace("BTC", f"'{ticker}'"))
    assert problem.line == 3
    assert problem.message.startswith(f"'{ticker}' is not a ticker: a letter, then letters")


@pytest.mark.parametrize("place", ["pipeline", "target", "ticker", "drop", "decimal", "currencies"])
def test_a_billion_laughs_are_refused_without_expanding_them(file: Path, place: str) -> None:
    last = "*x11"
    currency = {"ticker": "BTC", "history": "h", "trend": "t", "drop": "Y", "decimal": '"."'}
    top = {"pipeline": "crypto", "target": "local"}
    (currency if place in currency else top)[place] = last
    currencies = (
        last if place == "currencies" else f"[{{{', '.join(f'{k}: {v}' for k, v in currency.items())}}}]"
    )
    top["currencies"] = currencies
    (problem,) = refusal(file, laughs() + "\n".join(f"{key}: {value}" for key, value in top.items()))
    assert problem.line is not None
    assert problem.message == "expands to more than 1,000,000 values by its anchors and aliases"


def test_all_problems_are_reported_at_once_in_the_order_of_the_lines(file: Path) -> None:
    problems = refusal(
        file, "target: azure\ncurrencies:\n  - ticker: B-C\n    history: h\n    trend: 7\nzebra: 1\n"
    )
    assert [(problem.line, problem.field) for problem in problems] == [
        (1, "target"),
        (3, "currencies[0].ticker"),
        (5, "currencies[0].trend"),
        (6, "zebra"),
    ]


def test_a_problem_reads_as_file_line_field_and_message(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(file, f"{GOOD}    drop: maybe\n"))
    assert caught.value.message == f"{file}:6: currencies[0].drop: must be true or false (or Y or N)"


def test_an_absent_configuration_says_how_to_name_one(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.message == f"{file}: no such configuration file"
    assert "CRYPTOETL_CONFIG" in (caught.value.hint or "")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        load(tmp_path)


def test_a_huge_file_is_not_read(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(MAX_CONFIG_BYTES + 1)
    with pytest.raises(ConfigError, match="is larger than 4,000,000 bytes"):
        load(file)
