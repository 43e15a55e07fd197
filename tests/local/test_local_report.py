"""`report`, and `--report` of `run` and `up`: the facts of `status --json` and `verify --json` on a page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.local.cli import Project

COLUMNS = ["ticker", "status", "step", "took", "rows", "first", "last", "age", "reason"]


class Rows(HTMLParser):
    """The text of every row of a page's tables, by the table's id and then by the row's first cell."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.title = ""
        self._tag = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        match tag:
            case "table":
                self.tables.append([])
            case "tr":
                self.tables[-1].append([])
            case "td" | "th":
                self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag == "title" and not self.title:
            self.title = data
        if self.tables and self.tables[-1] and self.tables[-1][-1] and self._tag not in ("script", "style"):
            self.tables[-1][-1][-1] += data

    def named(self, heading: str) -> list[list[str]]:
        """Return the rows, without the headings, of the table whose first heading is this."""
        found = next(table for table in self.tables if table[0][0].strip() == heading)
        return [[" ".join(cell.split()) for cell in row] for row in found[1:]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """BTC is loaded, and XMR's gold step failed after it had been loaded before."""
    project = Project(tmp_path_factory.mktemp("report"))
    project.add_made("BTC", "XMR")
    first = project.run("up", "--report", "first.html")
    assert first.code == 0, first.err
    assert "Wrote the report to first.html" in first.err
    second = project.run("run", "--fail", "XMR:gold", "--report", "failed.html")
    assert second.code == 1, second.err
    return project


def test_up_and_run_write_a_report_also_if_a_currency_failed(project: Project) -> None:
    assert Rows(project.folder / "first.html").title.startswith("LOADED: crypto 2")
    assert Rows(project.folder / "failed.html").title.startswith("PARTLY LOADED: crypto 2")


def test_the_report_has_the_facts_of_status_and_verify(project: Project) -> None:
    status, verify = project.run("status", "--json").data, project.run("verify", "--json").data
    written = project.run("report", "--json", "--output", "again.html").data
    assert written["execution"] == status["name"]
    assert written["currencies"] == 2
    path = project.folder / "again.html"
    assert written["bytes"] == path.stat().st_size
    page = Rows(path)
    shown = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in page.named("Currency")}
    tables = {table["ticker"]: table for table in verify["tables"]}
    assert list(shown) == [currency["ticker"] for currency in status["currencies"]]
    for currency in status["currencies"]:
        row, table = shown[currency["ticker"]], tables[currency["ticker"]]
        assert row["status"] == {"LOADED": "✓ loaded", "FAILED": "✗ failed"}[currency["status"]]
        assert row["step"] == (currency["step"] or "")
        assert row["reason"].startswith(currency["reason"] or "")
        assert row["rows"] == str(table["rows"])
        assert (row["first"], row["last"]) == (table["first"], table["last"])
        assert row["age"].replace(",", "") == str(table["age_days"])
    verified = {row[0]: row for row in page.named("Table")}
    for table in verify["tables"]:
        said = verified[table["table"]]
        assert said[1] == ("✗ differs" if table["problems"] else "✓ equals gold")
        assert said[2:6] == [str(table["rows"]), table["first"], table["last"], str(table["missing_prices"])]
        assert said[6].startswith(" ".join(table["problems"]))
    assert [row[0].removesuffix(" this one") for row in page.named("Execution")] == [
        execution["name"] for execution in project.run("status", "--last", "10", "--json").data["executions"]
    ]


def test_a_report_of_an_earlier_execution_has_the_name_of_its_file(project: Project) -> None:
    name = project.run("status", "--last", "2", "--json").data["executions"][1]["name"]
    outcome = project.run("report", name, "--last", "1")
    assert outcome.code == 0, outcome.err
    page = Rows(project.folder / f"report-{name}.html")
    assert page.title == f"LOADED: crypto {name}"
    assert len(page.named("Execution")) == 1


def test_what_cannot_be_done_is_said_before_anything_is_run(project: Project) -> None:
    published = project.run("report", "--publish", "--json")
    assert (published.code, published.data["error"]["code"]) == (2, "usage")
    assert project.run("report", "--publish", "--expires", "200h").code == 2
    nowhere = project.run("report", "--output", "no/such/folder/report.html", "--json")
    assert (nowhere.code, nowhere.data["error"]["code"]) == (2, "environment")
    assert project.run("report", "20200101T000000000Z").code == 2
    before = project.run("status", "--json").data["name"]
    late = project.run("run", "--report", "no/such/folder/report.html", "--json")
    assert (late.code, late.data["error"]["code"]) == (2, "environment")
    assert project.run("status", "--json").data["name"] == before
