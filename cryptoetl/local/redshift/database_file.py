"""The DuckDB file of the warehouse: opening it, and errors for a file that is locked or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptoetl.errors import BusyError, DamagedState, EnvironmentFault
from cryptoetl.local.home import Home
from cryptoetl.util.files import unreadable
from cryptoetl.util.text import one_line

if TYPE_CHECKING:
    import duckdb


BLOCK_BYTES = 16_384
"""Block size of new files, DuckDB's smallest. A table takes at least a block, on disk and in memory."""


def connect(home: Home, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the warehouse. Raises BusyError, EnvironmentFault, DamagedState."""
    import duckdb

    with naming_damage(home):
        if not read_only and not home.warehouse.exists():
            duckdb.connect(home.warehouse, config={"default_block_size": str(BLOCK_BYTES)}).close()
        return duckdb.connect(home.warehouse, read_only=read_only)


@contextmanager
def naming_damage(home: Home) -> Iterator[None]:
    """Translate DuckDB errors about the file itself into BusyError, EnvironmentFault or DamagedState."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if is_damage(error):
            raise _fault(home, str(error)) from error
        raise


def is_damage(error: duckdb.Error) -> bool:
    """Return whether an error concerns the database file and not a statement."""
    import duckdb

    about_files = (
        duckdb.IOException,
        duckdb.SerializationException,
        duckdb.InternalException,
        duckdb.FatalException,
    )
    # A wrong checksum of a block is raised as the base class itself.
    return isinstance(error, about_files) or type(error) is duckdb.Error


def _fault(home: Home, reason: str) -> BusyError | EnvironmentFault:
    if "set lock" in reason or "used by another process" in reason:
        return BusyError(
            f"{home.warehouse} is open in another program",
            hint="While one process writes to a DuckDB file, no other can read it. Close it there, or wait "
            "for the run to end (cryptoetl status --watch).",
        )
    if home.warehouse.exists() and (why := unreadable(home.warehouse)):
        return EnvironmentFault(
            f"{home.warehouse} {why}", hint="Make it readable and writable for this user."
        )
    gold = sorted(path.name for path in home.gold.glob("*") if any(path.glob("*.parquet")))
    rebuilt = (
        f"then `cryptoetl run --from redshift` loads {', '.join(gold[:10])}"
        f"{f' and {len(gold) - 10} more' if len(gold) > 10 else ''} again from gold"
        if gold
        else "then `cryptoetl run` rebuilds the tables from the raw files"
    )
    return DamagedState(
        f"{home.warehouse} is damaged: {one_line(reason, 300)}",
        hint=f"Move it to another folder (and {home.warehouse.name}.wal, if there is one); {rebuilt}.",
    )
