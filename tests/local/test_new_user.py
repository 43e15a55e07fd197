"""A new user's first hour: from a folder of downloads to tables, a changed mean and a repaired currency."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.local.cli import REPOSITORY, Project, statuses


def prices_and_means(project: Project) -> tuple[list[float], list[float]]:
    rows = project.table("BTC")
    return [row["price"] for row in rows], [row["pricema"] for row in rows]


def means(prices: list[float], rows: int) -> list[float]:
    return [statistics.fmean(prices[max(0, at + 1 - rows) : at + 1]) for at in range(len(prices))]


def test_a_new_user_goes_from_files_to_tables_to_an_own_mean_and_repairs_a_currency(tmp_path: Path) -> None:
    project = Project(tmp_path, home=".cryptoetl")
    shutil.copytree(REPOSITORY / "examples" / "data", tmp_path / "downloads")

    def typed(command: str, code: int = 0) -> str:
        done = project.run(*command.split()[1:])
        assert done.code == code, f"{command}\n{done.out}{done.err}"
        return " ".join((done.out + done.err).split())

    # Without a configuration, a command says which one writes it.
    assert "no such configuration file" in typed("cryptoetl check", code=2)
    shown = typed("cryptoetl init downloads --yes")
    assert "config.yaml" in shown
    written: dict[str, Any] = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert [currency["ticker"] for currency in written["currencies"]] == ["BTC", "XMR"]

    # From the files to the tables. The examples are old, which is a warning and no error.
    assert "days ago (max_age_days:" in typed("cryptoetl check")
    shown = typed("cryptoetl up")
    assert "LOADED 2 of 2 currencies" in shown
    assert "2 tables equal gold: 756 rows, 2021-11-07 – 2022-11-19" in shown
    prices, found = prices_and_means(project)
    assert found == pytest.approx(means(prices, 14))

    # An own mean: export the scripts, change one line, see it in the plan, run it.
    typed("cryptoetl scripts export glue_scripts")
    script = tmp_path / "glue_scripts" / "silver2gold.py"
    text = script.read_text(encoding="utf-8")
    assert text.count("MEAN_ROWS = 14") == 1
    script.write_text(text.replace("MEAN_ROWS = 14", "MEAN_ROWS = 30"), encoding="utf-8")
    typed("cryptoetl scripts check")
    assert "script silver2gold.py" in typed("cryptoetl deploy --dry-run")
    assert "(script silver2gold.py): this run uses what is deployed" in typed("cryptoetl run")
    assert prices_and_means(project)[1] == pytest.approx(means(prices, 14))
    assert "LOADED 2 of 2 currencies" in typed("cryptoetl up")
    assert prices_and_means(project)[1] == pytest.approx(means(prices, 30))

    # A currency fails: its line is named, the other one loads, and its table stays as it was.
    history = next(path for path in (tmp_path / "downloads").iterdir() if path.name.startswith("Monero Hist"))
    good = history.read_text(encoding="utf-8")
    lines = good.splitlines(keepends=True)
    lines[4] = lines[4].replace("2022", "20x2")
    history.write_text("".join(lines), encoding="utf-8")
    before = project.table("XMR")
    assert f"{history.name}:5:" in typed("cryptoetl check", code=1)
    shown = typed("cryptoetl up", code=1)
    assert "PARTLY LOADED 1 of 2 currencies" in shown
    assert statuses(project.run("status", "--json").data) == {"BTC": "LOADED", "XMR": "FAILED"}
    failed = typed("cryptoetl status --failed", code=1)
    assert "XMR FAILED at check: history: line 5: date 'Nov 16, 20x2' is not a MMM dd, yyyy date" in failed
    assert "BTC" not in failed
    assert project.table("XMR") == before

    # Repaired and tried again.
    history.write_text(good, encoding="utf-8")
    assert "1 loaded, 1 skipped" in typed("cryptoetl run --retry-failed")
    assert "market_data.xmr equals gold 378" in typed("cryptoetl verify")
