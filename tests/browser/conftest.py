"""Debian's Chromium, started once for a module, and pages that must not make a request or print an error."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
Open = Callable[..., Page]


def chromium(playwright: Playwright) -> Browser:
    """Start the Chromium that is installed on this machine."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    assert program is not None, "no Chromium: apt-get install chromium"
    # The sandbox needs privileges that containers lack; the pages are our own.
    return playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = chromium(playwright)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open a file with options of a page, such as its width; at the end nothing may have gone wrong."""
    troubles: list[str] = []
    pages: list[Page] = []

    def open_(path: Path, *, width: int = 1280, scheme: str = "light") -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        address = path.as_uri()
        page.on("request", lambda sent: troubles.append(sent.url) if sent.url != address else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.goto(address)
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert troubles == []
