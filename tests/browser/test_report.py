"""The report in a real browser: opened from disk, used with pointer and keyboard, printed, and read aloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cryptoetl.output import report
from tests import reports
from tests.browser.conftest import Open

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of BTC, which was loaded, and XMR, which failed at gold."""
    path = tmp_path_factory.mktemp("reports") / "small report.html"
    path.write_text(report.page(reports.facts(["BTC", "XMR"], {"XMR": "gold"})), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 300 currencies."""
    path = tmp_path_factory.mktemp("reports") / "many.html"
    names = reports.tickers(300)
    path.write_text(report.page(reports.facts(names, {"C7": "silver"})), encoding="utf-8")
    return path


def wait(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true; the page's policy refuses `page.wait_for_function`."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(expression)


def drawn(page: Page) -> int:
    return page.locator(".chart[data-drawn]").count()


def tickers(page: Page) -> list[str]:
    return page.locator("#rows tbody tr:visible th").all_inner_texts()


def test_it_opens_from_disk_and_draws_every_chart(opened: Open, small: Path) -> None:
    page = opened(small)
    expect(page.get_by_role("heading", level=1)).to_contain_text("PARTLY LOADED")
    expect(page.locator(".chart[data-drawn]")).to_have_count(2)
    expect(page.locator("svg.machine .bad")).to_contain_text("XMR to gold")


def test_a_heading_sorts_by_its_column_with_the_keyboard_too(opened: Open, small: Path) -> None:
    page = opened(small)
    status = page.locator("#rows").get_by_role("columnheader", name="Status")
    status.get_by_role("button").press("Enter")
    assert tickers(page) == ["XMR", "BTC"]
    expect(status).to_have_attribute("aria-sort", "ascending")
    status.get_by_role("button").click()
    assert tickers(page) == ["BTC", "XMR"]
    expect(status).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Duration").click()
    assert tickers(page) == ["XMR", "BTC"]  # by seconds
    assert status.get_attribute("aria-sort") is None


def test_search_and_status_filter_the_table_and_the_charts(opened: Open, small: Path) -> None:
    page = opened(small)
    page.get_by_label("Status").select_option("FAILED")
    assert tickers(page) == ["XMR"]
    expect(page.locator("#chart-BTC")).to_be_hidden()
    expect(page.locator("#shown")).to_have_text("1 of 2")
    page.get_by_label("Status").select_option("")
    page.get_by_label("Search").fill("btc loaded")
    assert tickers(page) == ["BTC"]


def test_the_pointer_and_the_keyboard_show_values(opened: Open, small: Path) -> None:
    page = opened(small)
    expect(page.locator("#chart-BTC[data-drawn]")).to_be_attached()
    plot, readout = page.locator("#plot-BTC"), page.locator("#chart-BTC .readout")
    expect(readout).to_contain_text("2024-02-05")  # the last day
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(readout).to_contain_text("2023-0")
    assert "price" in readout.inner_text()
    assert "mean 100" in readout.inner_text()
    plot.press("Home")
    expect(plot).to_have_attribute("aria-valuetext", "2023-01-02, price 100, mean 100, trend 0")
    plot.press("ArrowRight")
    plot.press("ArrowRight")
    expect(plot).to_have_attribute("aria-valuetext", "2023-01-04, price –, mean 100, trend 2")


def days(page: Page) -> list[float]:
    """The first and last day of BTC's chart, in milliseconds."""
    found: list[float] = page.evaluate(
        "() => {const d = Bokeh.documents.find(d => d.roots()[0].x_range);"
        " const r = d.roots()[0].x_range; return [r.start, r.end]}"
    )
    return found


def test_a_chart_zooms_and_has_a_log_scale(opened: Open, small: Path) -> None:
    page = opened(small)
    expect(page.locator(".chart[data-drawn]")).to_have_count(2)
    card = page.locator(".chart").first
    card.scroll_into_view_if_needed()
    whole = days(page)
    card.get_by_role("button", name="3 months").click()
    assert (days(page)[1] - days(page)[0]) / 864e5 == 90
    card.get_by_role("button", name="All").click()
    assert days(page) == whole
    box = card.locator(".plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 120, steps=4)
    page.mouse.up()
    wait(page, f"Bokeh.documents[0].roots()[0].x_range.start > {whole[0]}")
    card.locator(".plot").dblclick()
    assert days(page) == whole
    log = card.get_by_role("button", name="Log scale")
    log.click()
    expect(log).to_have_attribute("aria-pressed", "true")
    wait(page, "Bokeh.documents.some(d => d.roots()[0].y_scale.type.endsWith('LogScale'))")


def test_dark_mode_follows_the_system_and_the_button(opened: Open, small: Path) -> None:
    page = opened(small, scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(13, 17, 23)"
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert page.evaluate(ground) == "rgb(246, 248, 250)"
    button.click()
    assert page.evaluate(ground) == "rgb(13, 17, 23)"


def test_it_prints_with_its_charts_on_light_ground(opened: Open, small: Path) -> None:
    page = opened(small, scheme="dark")
    expect(page.locator(".chart[data-drawn]")).to_have_count(2)
    page.evaluate("addEventListener('afterprint', () => {window.printed = true})")
    pictures = "document.querySelectorAll('.printed canvas').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{window.pictures = {pictures}}})")
    pdf = page.pdf(format="A4", print_background=True)
    assert pdf.count(b"/Type /Page\n") >= 2
    assert page.evaluate("[window.pictures, window.printed]") == [2, True]
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"


def test_a_narrow_screen_scrolls_tables_and_not_the_page(opened: Open, small: Path) -> None:
    page = opened(small, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.evaluate("document.querySelector('#rows').offsetWidth") > 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Open, small: Path, scheme: str) -> None:
    page = opened(small, scheme=scheme)
    expect(page.locator(".chart[data-drawn]")).to_have_count(2)
    found = Axe().run(page).response["violations"]
    assert [
        (item["id"], item["nodes"][0]["html"]) for item in found if item["impact"] in ("serious", "critical")
    ] == []


def test_many_currencies_draw_only_the_charts_that_are_seen(opened: Open, many: Path) -> None:
    page = opened(many)
    assert drawn(page) == 0
    page.get_by_label("Search").fill("C29")
    expect(page.locator("#shown")).to_have_text("11 of 300")
    page.get_by_label("Search").fill("")
    page.locator("#chart-C150").scroll_into_view_if_needed()
    wait(page, "document.querySelector('#chart-C150[data-drawn]') !== null")
    page.locator("#currencies").scroll_into_view_if_needed()
    wait(page, "document.querySelector('#chart-C150[data-drawn]') === null")
    assert drawn(page) < 20
    kept = page.evaluate("Bokeh.index.roots.filter(view => view.model.document === null).length")
    assert kept == 0  # views of charts that were removed
    assert page.evaluate("Bokeh.documents.length") == drawn(page)
