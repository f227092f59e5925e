"""The metadata store in a file: opening, durability, damage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.store import MetadataStore, open_store

from .making import execution, run


@pytest.fixture
def store(address: str) -> Iterator[MetadataStore]:
    with open_store(address) as opened:
        yield opened


def test_the_same_database_has_the_same_lineage_and_another_has_another(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "a.db")) as one, open_store(f"sqlite:///{tmp_path}/a.db") as same:
        assert one.lineage == same.lineage
        with open_store(str(tmp_path / "b.db")) as other:
            assert other.lineage != one.lineage


def test_the_database_is_durable_and_waits_for_its_turn(store: MetadataStore) -> None:
    with store.database.reading() as connection:
        said = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert said == ["wal", 2, 1, 30_000]


def test_a_write_transaction_starts_as_a_writer(store: MetadataStore) -> None:
    assert store.database.backend.path is not None
    other = sqlite3.connect(store.database.backend.path, timeout=0)
    with store.database.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    with store.database.reading():
        other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.parametrize("content", [b"this is not a database, it is a text of some length " * 40, b"\0" * 5000])
def test_a_file_that_is_no_database_says_so_and_stays_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    path.write_bytes(content)
    with pytest.raises(MetadataProblem, match="is not a metadata store") as caught:
        open_store(str(path))
    assert "move" in caught.value.diagnostics[0].hint
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE customers (id)")
    other.close()
    with pytest.raises(MetadataProblem, match=r"another program .*customers"):
        open_store(str(path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE mlopsctl_about SET value = '99' WHERE name = 'version'", "version 99"),
        ("UPDATE MLMDEnv SET schema_version = 11", "version 11"),
    ],
)
def test_a_database_of_a_later_version_is_refused(change: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    open_store(str(path)).close()
    with sqlite3.connect(path) as later:
        later.execute(change)
    later.close()
    with pytest.raises(MetadataProblem, match=said) as caught:
        open_store(str(path))
    assert "upgrade mlopsctl" in caught.value.diagnostics[0].hint


def test_a_database_of_an_older_ml_metadata_says_how_to_upgrade_it(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    open_store(str(path)).close()
    with sqlite3.connect(path) as older:
        older.execute("UPDATE MLMDEnv SET schema_version = 8")
    older.close()
    with pytest.raises(MetadataProblem, match="not 10") as caught:
        open_store(str(path))
    assert "upgrade" in caught.value.diagnostics[0].hint


def test_a_damaged_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    with open_store(str(path)) as store:
        store.begin_run(run())
        store.record([execution(f"step-{number}") for number in range(300)])
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    content[8192 * 8 : 8192 * 20] = os.urandom(8192 * 12)
    path.write_bytes(content)
    with pytest.raises(MetadataProblem, match="is damaged") as caught, open_store(str(path)) as store:
        store.executions("run-1")
    assert "backup" in caught.value.diagnostics[0].hint


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "mssql://h/d", "sqlite://", "sqlite:///:memory:", "x://"])
def test_another_kind_of_database_is_not_known(url: str) -> None:
    with pytest.raises(MetadataProblem, match="cannot be kept in") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


def test_a_path_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MetadataProblem, match="cannot be made"):
        open_store(str(tmp_path / "file" / "metadata.db"))
    with pytest.raises(MetadataProblem, match="cannot be used"):
        open_store(str(tmp_path))


@pytest.mark.parametrize("name", ["with space.db", "percent%20.db", "question?.db", "hash#.db", "ünï.db", "quote'.db"])
def test_a_path_is_a_path_whatever_letters_it_has(name: str, tmp_path: Path) -> None:
    with open_store(str(tmp_path / name)) as store:
        store.begin_run(run())
    assert (tmp_path / name).exists()
    assert {path.name for path in tmp_path.iterdir()} <= {name, f"{name}-wal", f"{name}-shm"}


def test_many_processes_make_the_same_database_at_once(tmp_path: Path) -> None:
    code = f"from mlopsctl.metadata.store import open_store; print(open_store({str(tmp_path / 'a.db')!r}).lineage)"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = [process.communicate() for process in started]
    assert {error for _, error in said} == {""}
    assert len({lineage for lineage, _ in said}) == 1
