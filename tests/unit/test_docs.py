"""The documentation says what the code does: commands, links, the example configuration, the layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from cryptoetl import config
from cryptoetl.bundle import SCRIPTS
from cryptoetl.cli import app

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def command_names(group: typer.Typer, prefix: str = "") -> list[str]:
    own = [
        f"{prefix}{command.name or command.callback.__name__}"
        for command in group.registered_commands
        if command.callback is not None
    ]
    nested = [
        name
        for entry in group.registered_groups
        if entry.typer_instance is not None
        for name in command_names(entry.typer_instance, f"{prefix}{entry.name} ")
    ]
    return own + nested


def test_every_command_is_in_the_readme() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    names = command_names(app)
    assert "up" in names
    assert "render machine" in names
    assert [name for name in names if f"`cryptoetl {name}" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in folder.glob("0*.md") if f"({page.name})" not in index] == []


def test_the_architecture_names_every_module() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = [path.name for path in (REPOSITORY / "cryptoetl").rglob("*.py") if path.name != "__init__.py"]
    assert [name for name in modules if name != "assets.py" and name not in text] == []


def test_the_example_configuration_is_valid_and_its_files_are_there() -> None:
    path = REPOSITORY / "config.example.yaml"
    loaded = config.load(path)
    assert [currency.ticker for currency in loaded.currencies] == ["BTC", "XMR"]
    assert config.missing_files(path, loaded.currencies) == []


def test_every_deployed_script_is_in_the_repository() -> None:
    assert sorted(path.name for path in (REPOSITORY / "glue_scripts").glob("*.py")) == sorted(
        SCRIPTS.values()
    )


def test_pins_are_names_and_versions_only() -> None:
    for name in ("constraints.txt", "requirements-security.txt", "requirements-spark.txt"):
        lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if line and not line.startswith("#")]
        assert pins
        assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+]+", pin)] == []
