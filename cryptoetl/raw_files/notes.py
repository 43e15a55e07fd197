"""Lines around a table that are no rows: notes below it, and labels."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cryptoetl.raw_files.dates import MONTHS, WEEKDAYS

_DATE_WORD = re.compile(rf"(?i:{'|'.join((*MONTHS, *WEEKDAYS))})")
_SUMMARY = re.compile(
    r"(?i:highest|lowest|difference|average|change ?%?|source|note|notes|high|low|chg\.? ?%?)\s*:.*"
)
"""How the summary below a table begins, as Investing.com writes it."""
_LETTERS = re.compile(r"[^\W\d_]{2}")
_VALUE = re.compile(r"[+\-\u2212]?[^\w\s]{0,2}[0-9].*|[+\-\u2212]?\.[0-9]+")


def is_note(fields: Sequence[str]) -> bool:
    """Return whether a line below a table is a note: one text alone, or a summary such as `Highest: 1,234`.

    A row that was cut off is none: what is left of one begins with a digit, or with the name of a month.
    """
    written = [text for text in fields if text]
    if not written or not fields[0]:
        return False
    if len(written) == 1:
        text = written[0]
        return _LETTERS.search(text) is not None and not text[0].isdigit() and not _DATE_WORD.match(text)
    return _SUMMARY.fullmatch(written[0]) is not None


def is_label(fields: Sequence[str]) -> bool:
    """Return whether a line holds words alone, as a header does."""
    written = [text for text in fields if text]
    return bool(written) and not any(_VALUE.fullmatch(text) for text in written)
