"""The documentation matches the code: commands, links, the example configuration, the layout."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import pytest
import typer
import yaml

from cryptoetl import config, pipeline
from cryptoetl.cli import app
from cryptoetl.pipeline.results import CheckRules
from cryptoetl.state_machine.bundle import SCRIPTS, SHARED

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
def test_links_between_pages_are_not_broken(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in folder.glob("0*.md") if f"({page.name})" not in index] == []


def test_the_architecture_names_every_package_and_no_other() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = REPOSITORY / "cryptoetl"
    packages = {path.parent.relative_to(package).as_posix() for path in package.rglob("__init__.py")}
    packages = {name for name in packages if not name.startswith((".", "_"))}
    assert {"pipeline", "aws/stack", "local/step_functions"} <= packages
    folders = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
    folders |= {f"tests/{path.name}" for path in (REPOSITORY / "tests").iterdir() if path.is_dir()}
    short = {name.rpartition("/")[2] for name in packages - {"output/tables"}}
    named = set(re.findall(r"(?<![\w/])(\w+)/(?!\w)", text))
    assert short - named == {"stack"}  # as aws/stack/
    assert named - short - folders == set()
    prose = [line for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines() if line.strip()]
    assert len(prose) < 60


def test_every_module_says_what_it_is() -> None:
    modules = list((REPOSITORY / "cryptoetl").rglob("*.py"))
    assert len(modules) > 80
    assert [path for path in modules if not ast.get_docstring(ast.parse(path.read_bytes()))] == []


def test_modules_and_functions_stay_small() -> None:
    package = REPOSITORY / "cryptoetl"
    # A folder that holds nothing but compiled files is what another version has left.
    entries = [
        path
        for path in package.iterdir()
        if path.name != "_assets" and (path.suffix == ".py" or any(path.glob("**/*.py")))
    ]
    assert len(entries) <= 16
    lines = {path: len(path.read_bytes().splitlines()) for path in package.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > 300} == {}
    functions = {
        f"{path}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in lines
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in functions.items() if count > 50} == {}


def test_the_example_configuration_is_valid_and_its_files_are_there() -> None:
    path = REPOSITORY / "config.example.yaml"
    loaded = config.load(path)
    assert [currency.ticker for currency in loaded.currencies] == ["BTC", "XMR"]
    assert config.missing_files(path, loaded.currencies) == []


FORMATS = (REPOSITORY / "docs" / "formats.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"```csv\n(.*?)```(?:\n\n```yaml\n(.*?)```)?", FORMATS, re.DOTALL)
"""Samples of files, each with the lines of the configuration that describe it."""


def kind_of(sample: str) -> str:
    return "history" if FORMATS.index(sample) < FORMATS.index("\n## Trends") else "trend"


@pytest.mark.parametrize(
    ("sample", "settings"), SAMPLES, ids=[sample.split("\n")[0] for sample, _ in SAMPLES]
)
def test_a_sample_of_a_format_is_read_with_the_lines_given_for_it(
    sample: str, settings: str, tmp_path: Path
) -> None:
    files = {"history": "Date,Price\n11/19/2022,1\n", "trend": "Week,x\n2022-11-13,5\n"}
    files[kind_of(sample)] = sample
    for kind, content in files.items():
        (tmp_path / kind).write_text(content, encoding="utf-8")
    currency = {"ticker": "BTC", "history": tmp_path / "history", "trend": tmp_path / "trend"}
    described = config.Currency.model_validate(currency | (yaml.safe_load(settings) or {}))
    (checked,) = pipeline.check([described], CheckRules(date(2022, 11, 20)), lambda _: None).currencies
    assert checked.reason is None
    assert checked.history.last == date(2022, 11, 19)
    assert checked.trend.rows >= 1


def test_every_format_field_of_a_currency_is_described() -> None:
    fields = set(config.Currency.model_fields) - {"ticker", "history", "trend"}
    assert [name for name in sorted(fields) if f"`{name}`" not in FORMATS] == []


def test_every_deployed_script_is_in_the_repository() -> None:
    known = [*SCRIPTS.values(), "summarize.py", SHARED]
    assert sorted(path.name for path in (REPOSITORY / "glue_scripts").glob("*.py")) == sorted(known)


def test_pins_are_names_and_versions_only() -> None:
    requirements = [path.name for path in REPOSITORY.glob("requirements-*.txt")]
    assert "requirements-polars.txt" in requirements
    for name in ("constraints.txt", *requirements):
        lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if line and not line.startswith("#")]
        assert pins
        assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+]+", pin)] == []
