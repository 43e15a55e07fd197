from __future__ import annotations

import base64
import json
import re
import struct
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cryptoetl.output import report
from cryptoetl.output.report import charts, view
from cryptoetl.pipeline.results import VerifyResult
from cryptoetl.state_machine.definition import Branch, render
from tests import reports

HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)> "quoted" {{ 7 * 7 }}'


class Document(HTMLParser):
    """The elements of a page with their attributes, and all text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._raw = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._raw = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.text += data


@pytest.fixture(scope="module")
def page() -> str:
    return report.page(reports.facts(["BTC", "XMR"], {"XMR": "gold"}))


def test_text_from_files_stays_text() -> None:
    plain = Document(report.page(reports.facts(["BTC", "XMR"], {"XMR": "gold"})))
    hostile = Document(report.page(reports.facts(["BTC", "XMR"], {"XMR": "gold"}, reason=HOSTILE)))
    # In the table, in the findings, in the log and in the configuration.
    assert hostile.text.count(HOSTILE) == 4
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    elements = Document(page).elements
    links = [attributes.get("src") or attributes.get("href") for _, attributes in elements]
    assert [link for link in links if link and not link.startswith(("#", "data:"))] == []
    (policy,) = [attributes["content"] for _, attributes in elements if "http-equiv" in attributes]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy


def test_two_currencies_take_less_than_two_megabytes_and_many_less_than_fifteen() -> None:
    # 14 years of days: more rows than are drawn of each of 250 currencies.
    assert len(report.page(reports.facts(["BTC", "XMR"], days=5_000))) < 2_000_000
    curve = charts.encoded(reports.curve(2_000))
    assert len(curve) * 250 < 11_000_000


def test_a_curve_is_packed_without_loss_of_what_a_real_holds() -> None:
    packed = base64.b64decode(charts.encoded(reports.curve(3)))
    days, prices = struct.unpack("<3i", packed[:12]), struct.unpack("<3f", packed[12:24])
    assert days == (19359, 19360, 19361)
    assert prices[0] == 100
    assert prices[2] != prices[2]  # NaN: no price
    assert struct.unpack("<3f", packed[36:]) == (0, 1, 2)


def test_more_currencies_than_fit_into_a_picture_are_a_grid() -> None:
    names = reports.tickers(13)
    page = Document(report.page(reports.facts(names, {"C7": "silver"})))
    cells = [
        a["class"] for _, a in page.elements if (a.get("class") or "").startswith("cell ") and "title" in a
    ]
    assert len(cells) == 3 * 13
    assert cells.count("cell bad") == 1
    assert cells.count("cell none") == 2  # after the failed step
    assert "13 currencies: 12 loaded, 1 failed" in page.text


def test_currencies_without_a_branch_of_their_own_are_a_grid() -> None:
    facts = replace(reports.facts(["BTC", "XMR"]), machine=render("crypto", [Branch("BTC")]))
    assert '<ul class="grid">' in report.page(facts)
    assert '<ul class="grid">' not in report.page(reports.facts(["BTC", "XMR"]))


def test_without_a_table_there_is_a_report_without_charts() -> None:
    facts = replace(
        reports.facts(["BTC"]), curves={}, verified=VerifyResult((), ""), missing=("the tables: busy",)
    )
    page = report.page(facts)
    assert "the tables: busy" in page
    assert len(page) < 60_000


def test_a_retry_and_the_same_report_name_execution_and_configuration() -> None:
    facts = replace(reports.facts(["BTC", "XMR"], {"XMR": "gold"}), config_file=Path("my config.yaml"))
    (row,) = [row for row in view.rows(facts) if row.retry]
    assert row.retry == (
        "cryptoetl run --retry-failed --execution 20260101T060000000Z --tickers XMR -c 'my config.yaml'"
    )
    text = Document(report.page(facts)).text
    assert row.retry in text
    assert "cryptoetl report 20260101T060000000Z -c 'my config.yaml'" in text


@pytest.mark.parametrize(
    ("status", "fails", "word"),
    [
        ("SUCCEEDED", {}, "LOADED"),
        ("SUCCEEDED", {"XMR": "gold"}, "PARTLY LOADED"),
        ("FAILED", {"XMR": "gold", "BTC": "silver"}, "FAILED"),
        ("ABORTED", {"XMR": "gold"}, "STOPPED"),
        ("TIMED_OUT", {"XMR": "gold", "BTC": "silver"}, "TIMED OUT"),
        ("RUNNING", {}, "RUNNING"),
    ],
)
def test_the_verdict(status: str, fails: dict[str, str], word: str) -> None:
    facts = reports.facts(["BTC", "XMR"], fails)  # type: ignore[arg-type]
    facts = replace(facts, execution=replace(facts.execution, status=status))  # type: ignore[arg-type]
    assert view.verdict(facts).word == word


def test_the_cost_is_that_of_the_job_runs() -> None:
    facts = reports.facts(["BTC"])
    (currency,) = facts.execution.currencies
    steps = tuple(replace(step, dpu_seconds=6000.0) for step in currency.steps)
    execution = replace(facts.execution, currencies=(replace(currency, steps=steps),))
    on_aws = replace(facts, target="aws", execution=execution)
    assert view.verdict(on_aws).cost == "about $2.20 for 18,000 DPU-seconds of Glue"
    assert view.verdict(facts).cost == "nothing: it ran on this machine"


def test_the_timeline_is_in_percent_of_the_execution() -> None:
    facts = reports.facts(["BTC"])
    clean, btc = view.lanes(facts)
    assert (clean.name, clean.bars[0].left, clean.bars[0].width) == ("Clean S3 buckets", 0, 20)
    assert [(bar.step, bar.left, bar.width) for bar in btc.bars] == [
        ("silver", 20, 20),
        ("gold", 40, 20),
        ("redshift", 60, 20),
    ]
    assert btc.bars[0].words == "silver 1.0 to 2.0 s: 1.0 s"
    assert view.ticks(facts)[:2] == [(0.0, "0 s"), (20.0, "1 s")]


def test_the_chart_is_as_bokeh_reads_it_with_both_scales() -> None:
    made = charts.templates()
    linear, log = json.loads(made["linear"]), json.loads(made["log"])
    assert '"LogScale"' in made["log"]
    assert '"LogScale"' not in made["linear"]
    assert linear.keys() == log.keys()
    for colour in charts.COLOURS.values():
        assert colour in made["linear"]
        assert colour in made["log"]
    assert not re.search("</script", charts.library(), re.IGNORECASE)
