"""Redshift SQL for DuckDB: leaves out GRANT and the table attributes DISTSTYLE and SORTKEY.

The script sends the same statements to both targets. On one machine, without nodes and users, these parts
have no meaning. Any other syntax that DuckDB does not know fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LAYOUT = re.compile(
    r"""(?<=\)) \s+ DISTSTYLE \s+ (?:AUTO|EVEN|ALL) (?:\s+ SORTKEY \s* \( [^()]* \))? \s* $""", re.VERBOSE
)


def for_duckdb(statements: Iterable[str]) -> Iterator[str]:
    """Yield the statements that are not GRANTs, CREATE TABLE without DISTSTYLE and SORTKEY."""
    for statement in statements:
        if statement.startswith("GRANT "):
            continue
        yield without_layout(statement)


def without_layout(statement: str) -> str:
    """Return a CREATE TABLE without DISTSTYLE and SORTKEY, any other statement unchanged."""
    return _LAYOUT.sub("", statement) if statement.startswith("CREATE TABLE ") else statement
