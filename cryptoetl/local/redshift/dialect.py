"""What Redshift understands and DuckDB does not: how a table is laid out on nodes, and who may read it.

The script sends the same statements everywhere. On one machine, without nodes and users, these parts mean
nothing, and only these are left out: whatever else DuckDB does not know fails, as it should.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LAYOUT = re.compile(
    r"""(?<=\)) \s+ DISTSTYLE \s+ (?:AUTO|EVEN|ALL) (?:\s+ SORTKEY \s* \( [^()]* \))? \s* $""", re.VERBOSE
)


def for_duckdb(statements: Iterable[str]) -> Iterator[str]:
    """The statements without GRANTs, and CREATE TABLE without DISTSTYLE and SORTKEY."""
    for statement in statements:
        if statement.startswith("GRANT "):
            continue
        yield without_layout(statement)


def without_layout(statement: str) -> str:
    """A CREATE TABLE without DISTSTYLE and SORTKEY; any other statement as it is."""
    return _LAYOUT.sub("", statement) if statement.startswith("CREATE TABLE ") else statement
