"""The generated parts of the documentation, and pages whose statements can be compared with the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from cryptoetl.cli import app
from docs import generate

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.pages()[path], "run `make pages`"


def test_every_setting_is_described() -> None:
    sections = dict(generate.models())
    assert {"", "local", "aws", "aws.redshift", "aws.notify", "currencies"} <= set(sections)
    lacking = [
        f"{path}.{name}"
        for path, model in sections.items()
        for name, field in model.model_fields.items()
        if not (field.description or "").strip().endswith(".")
    ]
    assert lacking == []


def test_links_within_the_settings_lead_to_their_sections() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## `?([^`\n]+)`?$", text, re.MULTILINE)
    assert len(headings) == len(list(generate.models()))
    assert {name.replace(".", "") for name in headings[1:]} == set(re.findall(r"\[below\]\(#(.+?)\)", text))


def literals() -> set[str]:
    """Return every text of the source, with an ellipsis for each value that is inserted when it runs."""
    found: set[str] = set()
    for folder in ("cryptoetl", "glue_scripts"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                    found.add("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(re.sub(r"\{\w+(!r)?\}", "…", node.value))
    return found


def test_every_message_that_troubleshooting_explains_occurs_in_the_source() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^\| `(.+?)` \| ", page, re.MULTILINE)
    assert len(messages) > 45
    source = literals()
    unknown = []
    for message in messages:
        parts = [part for part in re.split(r" ?… ?", message) if part.strip(" :()")]
        pattern = re.compile(".*".join(re.escape(part.strip(" ()")) for part in parts), re.DOTALL)
        if not any(pattern.search(text) for text in source):
            unknown.append(message)
    assert unknown == []


PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]


def typed_commands(text: str) -> list[list[str]]:
    """Return the words of each command in the code of a page, without comments."""
    code = [line or span for line, span in re.findall(r"^\$ (.+)$|`([^`\n]+)`", text, re.MULTILINE)]
    found = re.findall(r"(?:^|&& )cryptoetl((?: [^#&\n]+)?)", "\n".join(code), re.MULTILINE)
    return [words.split() for words in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_on_a_page_exists(page: Path) -> None:
    root = typer.main.get_command(app)
    unknown = []
    for words in typed_commands(page.read_text(encoding="utf-8")):
        command: Any = root
        options = set(_options(root))
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
                options |= set(_options(command))
            elif word.startswith("--") and (name := word.strip("[]").partition("=")[0]) not in options:
                unknown.append((name, " ".join(words)))
            elif command is root and re.fullmatch("[a-z]+", word) and word not in ("local", "aws", "prod"):
                unknown.append((word, " ".join(words)))
    assert unknown == []


def _options(command: Any) -> list[str]:
    return [name for parameter in command.params for name in parameter.opts]
