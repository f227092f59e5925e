"""Servers that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.postgres import Server, programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; the test is skipped where it is not installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: run scripts/postgres.sh, or apt-get install postgresql")
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'mlopsctl[postgres]'")
    server = Server(found)
    yield server
    server.remove()
