"""Servers that tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that may take longest come first: else one worker ends with them, and the others have nothing to do."""
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        seconds = float(mark.args[0]) if mark is not None else 0.0
        longest[item.path] = max(longest.get(item.path, 0.0), seconds)
    items.sort(key=lambda item: -longest[item.path])
