"""Databases of earlier versions are taken over; the history of the tables leads to the tables."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from mlopsctl.metadata import migrate, tables
from mlopsctl.metadata.address import database_at
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store

from .making import execution, release, run

FIRST = Path(__file__).parents[2] / "vectors" / "metadata-v1.sql"


def first_release(path: Path) -> Path:
    """A database as the first release left it."""
    with sqlite3.connect(path) as made:
        made.executescript(FIRST.read_text(encoding="utf-8"))
        made.execute("PRAGMA journal_mode = WAL")
    made.close()
    return path


def layout(connection: Connection) -> dict[str, object]:
    """Our tables: columns, keys, unique constraints, indexes."""
    seen = inspect(connection)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(name)],
            seen.get_pk_constraint(name)["constrained_columns"],
            sorted(u["column_names"] for u in seen.get_unique_constraints(name)),
            sorted((i["name"], i["column_names"]) for i in seen.get_indexes(name)),
        )
        for name in seen.get_table_names()
        if name.startswith("mlopsctl_")
    }


def test_a_database_of_the_first_release_is_taken_over_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = first_release(tmp_path / "metadata.db")
    with open_store(str(path)) as store:
        assert store.lineage == "11111111-2222-3333-4444-555555555555"
        assert store.run("run-1") == run(state="success", exit_code=0, finished=1_700_000_009_000)
        assert store.executions("run-1") == [execution()]
        state = StateStore(store)
        found = state.read("penguins", "prod")
        assert (found.release, found.history, found.hold) == (release(1), (release(2, withdrawn=True),), "bad")
        assert [intent.key for intent in state.pending("penguins", "prod")] == ["k"]
        with state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks") as lease:
            assert lease.token == 2
            state.release_hold(lease)


def test_the_file_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    path = first_release(tmp_path / "metadata.db")
    open_store(str(path)).close()
    with sqlite3.connect(tmp_path / "metadata.db.v1.backup") as copy:
        assert copy.execute("SELECT value FROM mlopsctl_about WHERE name = 'version'").fetchone() == ("1",)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM Execution").fetchone() == (1,)
    copy.close()


def test_a_file_that_cannot_be_copied_is_not_migrated(tmp_path: Path) -> None:
    path = first_release(tmp_path / "metadata.db")
    (tmp_path / "metadata.db.v1.backup").mkdir()
    (tmp_path / "metadata.db.v1.backup" / "full").touch()
    with pytest.raises(MetadataProblem, match="was not changed"):
        open_store(str(path))
    with sqlite3.connect(path) as found:
        assert found.execute("SELECT value FROM mlopsctl_about WHERE name = 'version'").fetchone() == ("1",)
    found.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = first_release(tmp_path / "metadata.db")
    done = migrate.apply

    def half(connection: Connection, before: int, after: int) -> None:
        done(connection, before, after)
        raise ZeroDivisionError

    monkeypatch.setattr(migrate, "apply", half)
    with pytest.raises(ZeroDivisionError):
        open_store(str(path))
    monkeypatch.undo()
    with sqlite3.connect(path) as found:
        columns = [row[1] for row in found.execute("PRAGMA table_info(mlopsctl_environment)")]
    found.close()
    assert "lease_until" not in columns
    open_store(str(path)).close()


def test_many_processes_migrate_once(tmp_path: Path) -> None:
    path = first_release(tmp_path / "metadata.db")
    code = f"from mlopsctl.metadata.store import open_store; print(open_store({str(path)!r}).lineage)"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * 4, said
    assert "".join(error for _, error in said).count("was migrated") == 1


def test_the_revisions_lead_to_the_tables(address: str) -> None:
    with open_store(address) as store, store.database.reading() as connection:
        made = layout(connection)
    other = database_at(f"{address}.other")
    assert other.backend.path is not None
    with other.writing(first=True) as connection:
        migrate.apply(connection, 0, tables.VERSION)
        assert layout(connection) == made
        assert connection.exec_driver_sql("SELECT version_num FROM mlopsctl_alembic").scalars().all() == [
            str(tables.VERSION)
        ]
    other.close()


def test_opening_what_is_up_to_date_does_not_load_alembic(tmp_path: Path) -> None:
    path = str(tmp_path / "metadata.db")
    open_store(path).close()
    code = (
        f"import sys; from mlopsctl.metadata.store import open_store; open_store({path!r}).close(); "
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
