"""Files in a folder that are not read, but may be meant: spreadsheets, JSON, tables called .txt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cryptoetl.discovery.sniffing import sniff
from cryptoetl.discovery.sniffs import NotRecognised

_SPREADSHEET = "save the sheet with the data as CSV UTF-8"
_REASONS: Final = {
    ".xlsx": f"it is an Excel workbook: {_SPREADSHEET}",
    ".xlsm": f"it is an Excel workbook: {_SPREADSHEET}",
    ".xls": f"it is an Excel workbook: {_SPREADSHEET}",
    ".ods": f"it is a spreadsheet (OpenDocument): {_SPREADSHEET}",
    ".numbers": f"it is a spreadsheet (Numbers): {_SPREADSHEET}",
    ".parquet": "it is a Parquet file: save it as CSV",
    ".json": "it is JSON: save it as CSV, with a date and a price on each line",
}
"""By the end of a name in lower case, why the file is not used, and how to go on."""
_PRICES = re.compile(rb"price|close|\"date|\"time|\[\s*\[\s*[0-9]{10}", re.IGNORECASE)
_BEGINNING = 4_096


def unused(path: Path) -> NotRecognised | None:
    """Return a file that is not read, if it may be meant, with how to go on; None for any other file."""
    ending = path.suffix.lower()
    try:
        if ending == ".txt" and path.is_file():
            return _table(path)
        if ending == ".json" and not (path.is_file() and _holds_prices(path)):
            return None
    except OSError:
        return None
    reason = _REASONS.get(ending)
    return None if reason is None else NotRecognised(path, reason)


def _table(path: Path) -> NotRecognised | None:
    """Return a text file that is a table of prices or trend values."""
    if all(isinstance(found, NotRecognised) for found in sniff(path)):
        return None
    return NotRecognised(path, f"it is a table: rename it to {path.stem}.csv, or name it with --glob '*.txt'")


def _holds_prices(path: Path) -> bool:
    with path.open("rb") as file:
        return _PRICES.search(file.read(_BEGINNING)) is not None
