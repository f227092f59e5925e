"""Google's ``ml-metadata`` client on PostgreSQL: it reads what we write, and we go on with what it made."""

from __future__ import annotations

from typing import Any

import pytest

from mlopsctl.metadata.store import open_store
from mlopsctl.step.task import StepState
from tests.integration.postgres import Server
from tests.integration.test_mlmd import a_pipeline, a_run, client, compare, pytestmark

__all__ = ["pytestmark"]

_COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, character_maximum_length
    FROM information_schema.columns WHERE table_schema = 'public'
"""
_INDEXES = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.database()


def layout(postgres: Server, address: str) -> tuple[dict[tuple[object, object], Any], set[str]]:
    """The columns by table and name; the indexes without their names."""
    name = address.rpartition("/")[2]
    columns = {(row[0], row[1]): row[2:] for row in postgres.sql(_COLUMNS, database=name)}
    indexes = {str(row[1]).partition(" ON ")[2] for row in postgres.sql(_INDEXES, database=name)}
    return columns, indexes


def test_our_tables_are_theirs_but_for_two_things(postgres: Server) -> None:
    ours_at, theirs_at = postgres.database(), postgres.database()
    client(theirs_at, "make")
    open_store(ours_at).close()
    (theirs, their_indexes), (ours, our_indexes) = layout(postgres, theirs_at), layout(postgres, ours_at)
    wider = {place for place in theirs if place[1] == "int_value"}
    assert {place: ours[place] for place in theirs if place not in wider} == {
        place: theirs[place] for place in theirs if place not in wider
    }
    assert {ours[place][0] for place in wider} == {"bigint"}
    assert all(str(table).startswith("mlopsctl_") for table, _ in set(ours) - set(theirs))
    texts = {index for index in their_indexes if "string_value" in index}
    assert their_indexes - texts <= our_indexes
    assert {index.replace('"left"(string_value, 500)', "string_value") for index in our_indexes} >= texts


def test_their_client_reads_a_run_of_ours(address: str) -> None:
    records = a_pipeline("run-1")
    with open_store(address) as store:
        store.begin_run(a_run())
        store.record(records)
        store.finish_run("run-1", "success", 0, 1_700_000_009_000)
    said = client(address, "read", "run-1")
    compare(said, records)
    assert (said["run"]["state"], said["run"]["finished"]) == ("success", 1_700_000_009_000)
    assert said["parents"][0] == ["Environment", "penguins/prod"]
    assert set(said["lineage"]["executions"]) == {f"run-1/{record.step}/1" for record in records}


def test_we_continue_a_database_that_their_client_made(address: str) -> None:
    client(address, "make")
    records = a_pipeline("run-1")
    with open_store(address) as store:
        store.begin_run(a_run())
        store.record(records)
        store.finish_run("run-1", "success", 0, 1_700_000_009_000)
        assert store.executions("run-1") == records
    compare(client(address, "read", "run-1"), records)


def test_their_client_writes_into_our_database_and_we_go_on(address: str) -> None:
    with open_store(address) as store:
        store.begin_run(a_run())
        store.record(a_pipeline("run-1"))
        client(address, "write")
        reused = a_pipeline("run-2", StepState.CACHED)
        store.begin_run(a_run("run-2"))
        store.record(reused)
        assert store.executions("run-1") == a_pipeline("run-1")
    compare(client(address, "read", "run-2"), reused)
