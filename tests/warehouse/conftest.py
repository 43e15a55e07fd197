"""One PostgreSQL server for all tests of a worker, with an empty schema for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.warehouse.postgres import Server, server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def postgres(postgres_server: Server) -> Server:
    """The server with an empty schema market_data, owned by the user that loads."""
    with postgres_server.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS market_data CASCADE")
        connection.execute("CREATE SCHEMA market_data")
    return postgres_server
