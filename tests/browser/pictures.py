"""Make the screenshots in docs/images from reports: python -m tests.browser.pictures NAME=REPORT.html …"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import chromium

FOLDER = Path(__file__).parents[2] / "docs" / "images"
WIDTH, HEIGHT = 1200, 1400
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COLOURS = 128
"""Of the palette: keeps a picture below 120 kB."""


def picture(page: Page, name: str) -> bytes:
    """Return the upper part of the page, or its charts, as a PNG with a palette."""
    if name == "charts":
        shot = page.locator("#charts").screenshot()
    else:
        shot = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT}, full_page=True)
    image = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return content.getvalue()


def main() -> None:
    """Write two pictures of each report, light and dark; of the one named charts, its charts."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for argument in sys.argv[1:]:
            name, _, file = argument.partition("=")
            for scheme in SCHEMES:
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": 900},
                    color_scheme=scheme,
                )
                page.goto(Path(file).resolve().as_uri())
                page.wait_for_timeout(1000)
                content = picture(page, name)
                (FOLDER / f"report-{name}-{scheme}.png").write_bytes(content)
                print(f"{name} {scheme}: {len(content):,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
