"""A schema belongs to the pipeline that loads it: another one is refused before anything is touched."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.local.cli import Project, files_below

SHARED = {"redshift": {"share_schema": True}}


def touched(project: Project) -> object:
    """The content of all that a command could touch."""
    files = files_below(project.home, "deployed", "lake", "executions")
    assert files
    return files, (project.home / "warehouse.duckdb").read_bytes()


def owners(project: Project) -> list[str]:
    with duckdb.connect(project.home / "warehouse.duckdb", read_only=True) as connection:
        rows = connection.execute("SELECT pipeline FROM _owners.market_data ORDER BY 1").fetchall()
        return [name for (name,) in rows]


def tables(project: Project) -> list[str]:
    """The tables that a program finds which reads all of the schema."""
    found = "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = ?"
    with duckdb.connect(project.home / "warehouse.duckdb", read_only=True) as connection:
        rows = connection.execute(found, ["market_data", "BASE TABLE"]).fetchall()
        return [name for (name,) in rows]


def test_a_second_pipeline_is_refused_unless_it_shares(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    first = project.run("up")
    assert first.code == 0, first.err
    warehouse = project.home / "warehouse.duckdb"
    assert f"Tables: market_data in {warehouse} (by default: schema)" in first.out
    assert owners(project) == ["crypto"]
    assert tables(project) == ["btc"]

    project.configure(pipeline="other")
    before = touched(project)
    plan = project.run("--json", "deploy", "--dry-run")
    assert plan.code == 1
    (notice,) = plan.data["notices"]
    assert notice["severity"] == "error"
    assert "belongs to the pipeline crypto: name another with local.home" in notice["message"]
    for command in ("deploy", "run", "up"):
        refused = project.run(command)
        assert refused.code == 2, command
        assert "belongs to the pipeline crypto" in refused.err
    assert touched(project) == before

    assert project.run("destroy", "--delete-data", "--confirm", "other").out.startswith("Nothing is deployed")
    project.configure(pipeline="crypto")
    assert project.run("destroy", "--yes").code == 0  # the data stays, and with it its owner
    project.configure(pipeline="other")
    refused = project.run("up")
    assert refused.code == 2
    assert f"the schema market_data in {warehouse} belongs to the pipeline crypto" in refused.err

    project.add_made("XMR")
    project.remove("BTC")
    project.configure(pipeline="other", aws=SHARED)
    assert project.run("up").code == 0
    assert owners(project) == ["crypto", "other"]
    removed = project.run("--json", "destroy", "--delete-data", "--confirm", "other")
    assert [(part["what"], Path(part["name"]).name) for part in removed.data["removed"]] == [
        ("folder", "deployed"),
        ("table", "xmr"),
    ]
    assert owners(project) == ["crypto"]
    assert project.run("query", "SELECT count(*) FROM btc").code == 0


def test_a_schema_without_an_owner_is_taken_over_and_the_plan_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC")
    assert project.run("up").code == 0
    with duckdb.connect(project.home / "warehouse.duckdb") as connection:  # as of an earlier version
        connection.execute("DROP TABLE _owners.market_data")
    project.add_made("XMR")
    outcome = project.run("up")
    assert outcome.code == 0
    assert "has tables and no owner yet: crypto becomes its owner" in outcome.out.replace("\n", " ")
    assert owners(project) == ["crypto"]
