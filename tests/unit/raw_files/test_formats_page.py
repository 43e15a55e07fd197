"""docs/formats.md says what the reader knows, all of it, and what it says is true."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from cryptoetl.raw_files import dates, numerals
from cryptoetl.raw_files.columns import plain
from cryptoetl.raw_files.languages import LANGUAGES, Names

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "formats.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))
FRACTIONS = {"S" * digits for digits in range(2, 9)}
"""Between the shortest and the longest, which the page names."""


def section(title: str) -> str:
    """Return the text below a heading, up to the next one."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_letter_of_a_date_format_is_named_and_no_other() -> None:
    letters = dates._TOKENS.keys() - FRACTIONS
    assert letters - set(CODE) == set()
    named = re.findall(r"^\| (`[A-Za-z]+`.*?) \| ", section("Dates"), flags=re.MULTILINE)
    formats = {*dates.UNIX, dates.EPOCH, dates.EXCEL}
    assert set(re.findall(r"`([^`]+)`", " ".join(named))) == letters | formats


def test_every_marker_of_a_missing_price_is_named() -> None:
    text = section("Prices and missing prices")
    assert [marker for marker in numerals.MISSING - {""} if f"`{marker}`" not in text] == []


def test_every_language_is_named_in_order() -> None:
    (sentence,) = re.findall(r"call date, open, high, low and close in ([^.]+)\.", PAGE)
    assert re.split(r",\s+|\s+and\s+", sentence) == list(LANGUAGES)


@pytest.mark.parametrize(
    ("text", "date_format"),
    [
        ("2024-03-09T23:00:00-05:00", "yyyy-MM-dd'T'HH:mm:ssXXX"),
        ("45360", "excel"),
        ("Sat 09/03/24", "EEE dd/MM/yy"),
        ("March 9, 2024 11:05 a.m.", "MMMM d, yyyy hh:mm a"),
    ],
)
def test_dates_that_are_explained_are_read_as_the_page_says(text: str, date_format: str) -> None:
    assert dates.parse(text, date_format) == date(2024, 3, 9)


def test_prices_that_are_given_as_examples_are_read() -> None:
    examples = re.findall(r"`([^`]*[0-9][^`]*)`", section("Prices and missing prices"))
    assert len(examples) >= 9
    assert [
        text for text in examples if numerals.read(text, ".") is None and numerals.read(text, ",") is None
    ] == []


def test_the_example_of_another_language_is_one() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    ((name, arguments, week),) = re.findall(
        r'^ {4}"(\w+)": Names\((".*"), week="(\w+)"\),$', page, re.MULTILINE
    )
    date_, close, open_, high, low = re.findall('"([^"]+)"', arguments)
    entry = Names(date_, close, open_, high, low, week)
    assert name not in LANGUAGES
    assert all(plain(text) == text for field in entry for text in field.split(", "))
    assert all(entry)
