"""`--changed`: what a run and `up` leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptoetl.events import Remarked
from cryptoetl.state_machine import marks
from tests.unit.pipeline.test_pipeline import Project


@pytest.fixture
def loaded(tmp_path: Path) -> Project:
    """Return a project whose tables are marked as loaded from what is stored."""
    project = Project(tmp_path).ready()
    mark_all(project)
    return project


def mark_all(project: Project) -> None:
    deployed = project.fakes.deployment.bundle
    assert deployed is not None
    tags = project.fakes.storage.tags(marks.raw_keys(deployed, deployed.tickers))
    for ticker, arguments in deployed.silver_arguments.items():
        files = [tags[arguments[name]] for name in marks.FILES]
        project.fakes.warehouse.marked[ticker] = marks.mark(
            files, arguments["--DROP"], deployed.scripts_version or ""
        )


def remarks(project: Project) -> list[str]:
    return [event.message for event in project.events if isinstance(event, Remarked)]


def test_of_a_run_only_the_currency_whose_file_changed_is_left(loaded: Project) -> None:
    tickers = [currency.ticker for currency in loaded.config.currencies]
    loaded.fakes.storage.files[f"{tickers[0]}/history.csv"] += b"\n"
    result = loaded.run(changed=True)
    assert result.execution is not None
    assert list(loaded.last_start) == [tickers[0]]
    assert list(result.unchanged) == tickers[1:]
    rest = len(tickers) - 1
    assert remarks(loaded) == [
        f"{rest} of {len(tickers)} currencies are unchanged since their tables were loaded and left out: "
        f"{3 * rest} Glue runs fewer"
    ]


def test_a_run_without_changes_runs_nothing_and_is_no_failure(loaded: Project) -> None:
    result = loaded.run(changed=True)
    assert (result.execution, result.exit_code) == (None, 0)
    assert result.note is not None
    assert result.note.startswith("Nothing to run: all ")
    assert loaded.fakes.executions.inputs == []
    one = loaded.run("btc", changed=True)
    assert one.note == "Nothing to run: BTC is unchanged since its table was loaded."
    assert remarks(loaded) == []


def test_all_run_if_nothing_is_marked(loaded: Project) -> None:
    loaded.fakes.warehouse.marked.clear()
    assert loaded.run(changed=True).unchanged == ()
    assert len(loaded.last_start) == len(loaded.config.currencies)


def test_up_leaves_out_what_has_not_changed_after_its_upload(loaded: Project) -> None:
    nothing = loaded.up(changed=True)
    assert nothing.run is not None
    assert (nothing.exit_code, nothing.run.execution, nothing.to_run) == (0, None, ())
    assert len(nothing.unchanged) == len(loaded.config.currencies)
    with (loaded.folder / "BTC history.csv").open("a") as file:
        file.write("01/03/2024,3\n")
    dry = loaded.up(changed=True, dry_run=True)
    assert dry.to_run == ("BTC",)
    done = loaded.up(changed=True)
    assert done.to_run == ("BTC",)
    assert done.verify is not None
    assert [table.ticker for table in done.verify.tables] == ["BTC"]
