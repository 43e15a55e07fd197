"""docs/transform.md, step by step: its changes to the scripts and its commands on the local target."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.local.cli import REPOSITORY, Project

PAGE = (REPOSITORY / "docs" / "transform.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line.removeprefix("$ cryptoetl "))
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


def apply_changes(folder: Path) -> None:
    """Apply the diffs of the page: removed lines, each group with the added lines after it."""
    for name, diff in re.findall(r"```diff\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", diff, re.MULTILINE):
            removed, added = (re.sub(r"^.", "", lines, flags=re.MULTILINE) for lines in (old, new))
            assert text.count(removed) == 1, removed
            text = text.replace(removed, added)
        (folder / name).write_text(text, encoding="utf-8")


def test_the_page_changes_the_mean_and_adds_a_column(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add_made("BTC", days=40)
    assert project.run("up").code == 0  # the table exists before the column does

    export, *others = COMMANDS
    assert project.run(*export).code == 0
    assert project.run(*export).code == 2
    apply_changes(project.folder / "glue_scripts")

    warned = project.run("run").err
    assert "differ from what is deployed (script silver2gold.py, script redshift_upload.py" in warned
    local = [command for command in others if "aws" not in command]
    assert [command[1 if command[0] == "scripts" else 2] for command in local] == [
        "check", "up", "verify", "query",
    ]  # fmt: skip
    outcomes = [project.run(*command) for command in local]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 0], [o.out + o.err for o in outcomes]
    assert f"Scripts: {project.folder / 'glue_scripts'}" in outcomes[1].out

    rows = project.run("--json", *local[-1][2:]).data["rows"]
    prices = [row["price"] for row in rows]
    assert abs(rows[39]["pricema"] - sum(prices[10:40]) / 30) < 1e-6
    assert rows[0]["change"] is None
    assert all(
        abs(row["change"] - (row["price"] - before)) < 1e-9
        for row, before in zip(rows[1:], prices, strict=False)
    )
    view = project.run("--json", "query", "SELECT ticker, change FROM all_currencies LIMIT 1").data
    assert view["columns"] == ["ticker", "change"]
    assert "14" not in project.run("preview", "BTC").out.split("\n")[0]
    sql = project.run("render", "sql").out
    assert '"trend_i" DOUBLE PRECISION, "change" DOUBLE PRECISION' in sql
    assert (
        '-- If the table is older than the column: ALTER TABLE "market_data"."btc" ADD COLUMN "change"' in sql
    )

    broken = project.folder / "glue_scripts" / "silver2gold.py"
    broken.write_text(broken.read_text(encoding="utf-8").replace("def main(", "def job("), encoding="utf-8")
    refused = project.run("deploy")
    assert refused.code == 2
    assert f"{broken}: has no function main(argv)" in refused.err
    ran = project.run("run")
    assert ran.code == 0
    assert "the scripts cannot be deployed" in ran.err
