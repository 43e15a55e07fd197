"""Which currencies a run can leave out."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle, marks
from cryptoetl.state_machine.bundle import Bundle, Layout
from tests.local.scripts import script

LAYOUT = Layout("file:///raw", "file:///silver", "file:///gold", "file:///temp", lists="file:///home")
SCRIPT = script("groups")


def built(size: int, drop: bool = False, schema: str = "market_data") -> Bundle:
    currencies = [{"ticker": t, "history": "h", "trend": "t", "drop": drop} for t in ("BTC", "ETH", "XMR")]
    aws = {"redshift": {"schema": schema}}
    config = Config.model_validate({"currencies_per_run": size, "currencies": currencies, "aws": aws})
    return bundle.build(config, LAYOUT)


def tags(deployed: Bundle) -> dict[str, str]:
    return {key: f"tag of {key}" for key in marks.raw_keys(deployed, deployed.tickers)}


def loaded(deployed: Bundle) -> dict[str, str]:
    """Return the marks of tables that were loaded from what is there."""
    return {
        ticker: marks.mark(
            (tags(deployed)[arguments[name]] for name in marks.FILES),
            arguments["--DROP"],
            deployed.scripts_version or "",
        )
        for ticker, arguments in deployed.silver_arguments.items()
    }


def test_a_mark_is_the_one_that_the_scripts_write(tmp_path: Path) -> None:
    files = [tmp_path / "history.csv", tmp_path / "trend.csv"]
    for file in files:
        file.write_text(file.name)
    written = SCRIPT.mark_of({"DROP": "Y", "SCRIPTS": "s" * 16}, *(file.as_uri() for file in files))
    found = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert marks.mark(found, "Y", "s" * 16) == written


@pytest.mark.parametrize("size", [1, 25])
def test_a_currency_is_unchanged_if_its_files_its_settings_and_the_scripts_are(size: int) -> None:
    deployed = built(size)
    before = loaded(deployed)

    def same(now: Bundle = deployed, **changed_tags: str) -> list[str]:
        found = tags(now) | {key.replace("__", "/") + ".csv": tag for key, tag in changed_tags.items()}
        return list(marks.unchanged(now, now.tickers, found, before))

    assert same() == ["BTC", "ETH", "XMR"]
    assert same(ETH__history="other") == ["BTC", "XMR"]
    assert same(ETH__trend="other", BTC__trend="") == ["XMR"]
    assert same(built(size, drop=True)) == []
    assert same(built(size, schema="elsewhere")) == []
    scripts = [replace(job, arguments={**job.arguments, "--SCRIPTS": "0" * 16}) for job in deployed.jobs]
    assert same(replace(deployed, jobs=tuple(scripts))) == []
    unmarked = [
        replace(job, arguments={n: v for n, v in job.arguments.items() if n != "--SCRIPTS"})
        for job in deployed.jobs
    ]
    assert same(replace(deployed, jobs=tuple(unmarked))) == []
    del before["XMR"]
    assert same() == ["BTC", "ETH"]


def test_a_size_of_groups_changes_no_mark() -> None:
    assert loaded(built(1)) == loaded(built(2))


def test_a_currency_with_several_marks_has_none() -> None:
    assert marks.marks(["BTC/a", "ETH/a", "ETH/b"]) == {"BTC": "a"}


def test_glue_runs_are_counted_by_group() -> None:
    assert [built(size).runs(["BTC", "XMR"]) for size in (1, 2, 25)] == [6, 3, 3]
    assert [built(size).runs(["BTC", "ETH", "XMR"]) for size in (1, 2, 25)] == [9, 6, 3]
    assert built(2).runs([]) == 0
