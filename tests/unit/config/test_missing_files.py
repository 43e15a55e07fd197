"""Files that the configuration names and that cannot be read."""

from __future__ import annotations

from pathlib import Path

from cryptoetl.config.loading import load, missing_files
from tests.unit.config.configs import GOOD, written


def test_missing_files_are_named_with_their_line(file: Path) -> None:
    config = load(written(file, GOOD))
    history, trend = missing_files(file, config.currencies)
    folder = file.parent / "data"
    assert str(history.problem) == (
        f"{file}:4: currencies[BTC].history: {folder / 'history.csv'}: does not exist"
    )
    assert (trend.problem.line, trend.problem.field) == (5, "currencies[BTC].trend")


def test_a_folder_instead_of_a_file_is_named(file: Path) -> None:
    (file.parent / "data" / "history.csv").mkdir(parents=True)
    (file.parent / "data" / "trend.csv").write_text("")
    ((_, _, problem),) = missing_files(file, load(written(file, GOOD)).currencies)
    assert problem.line == 4
    assert problem.message.endswith("is a folder, not a file")


def test_only_the_chosen_currencies_need_their_files(file: Path) -> None:
    text = GOOD + "  - ticker: XMR\n    history: x.csv\n    trend: x.csv\n"
    config = load(written(file, text))
    problems = missing_files(file, config.select(["xmr"]))
    assert [missing.problem.line for missing in problems] == [7, 8]


def test_a_path_longer_than_the_system_takes_is_a_missing_file(file: Path) -> None:
    config = load(written(file, GOOD.replace("data/history.csv", "x" * 5000)))
    problem = missing_files(file, config.currencies)[0].problem
    assert "cannot be read (File name too long)" in problem.message
