"""Hooks of mkdocs: the site also has pages whose files are at the top of the repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
PAGES = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "config.example.yaml": "config.example.yaml",
    "action.yml": "action.yml",
}
"""Paths in the site, and the files that they are made of."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the files at the top of the repository, whose links lead to docs/."""
    for path, source in PAGES.items():
        text = (REPOSITORY / source).read_text(encoding="utf-8")
        content = text.replace("](docs/decisions/)", "](decisions/README.md)").replace("](docs/", "](")
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Return a page whose links to the top of the repository lead to the copies in the site."""
    for path, source in PAGES.items():
        markdown = markdown.replace(f"](../{source}", f"]({path}")
    return markdown
