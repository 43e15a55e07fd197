"""Fixtures for the real local target: one Sail server for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.engine import Engine
from tests.local.scripts import Lake

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def no_sink(table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]) -> None:
    raise AssertionError(f"nothing may be loaded into {dbtable} by this test")


@pytest.fixture(scope="module")
def engine() -> Iterator[SparkSession]:
    """The session of the embedded engine, which getOrCreate() in the scripts returns as well.

    A process has one engine at a time: this one stops before tests of another folder start theirs, which
    would get its session and stop it.
    """
    with Engine() as running:
        yield running.session()


@pytest.fixture(autouse=True)
def nothing_is_loaded() -> None:
    """Install the modules of a Glue worker without a warehouse: tests of loads install their own sink."""
    glue_runtime.install(no_sink)


@pytest.fixture
def lake(tmp_path: Path, engine: SparkSession) -> Lake:
    """An empty lake, in a folder whose name an engine could interpret as a pattern."""
    return Lake(tmp_path / "a [lake] (1)")
