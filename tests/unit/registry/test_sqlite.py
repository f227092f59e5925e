"""A registry in a SQLite file, and addresses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mlopsctl.registry import client
from mlopsctl.registry.client import RegisteredVersion, Registry
from mlopsctl.registry.connect import shown
from mlopsctl.registry.package import DIGEST_KEY
from mlopsctl.registry.sqlite import Unreadable, delete_alias, path_of, read_versions, write_alias

TABLES = """
    CREATE TABLE registered_models (name);
    CREATE TABLE model_versions (name, version, run_id, source, storage_location, status, current_stage);
    CREATE TABLE model_version_tags (name, version, key, value);
    CREATE TABLE registered_model_aliases (name, alias, version);
    INSERT INTO registered_models VALUES ('p'), ('q');
    INSERT INTO model_versions VALUES
        ('p', 2, 'r2', 'file:///2', NULL, 'READY', 'None'),
        ('p', 10, NULL, NULL, NULL, 'READY', 'None'),
        ('p', 11, 'r', 's', NULL, 'PENDING_REGISTRATION', 'None'),
        ('p', 12, 'r', 's', NULL, 'READY', 'Deleted_Internal'),
        ('q', 1, 'r', 's', NULL, 'READY', 'None');
    INSERT INTO model_version_tags VALUES ('p', 2, 'mlopsctl.digest', 'sha256:2'), ('p', 2, 'other', 'x'),
        ('q', 1, 'mlopsctl.digest', 'sha256:2');
    INSERT INTO registered_model_aliases VALUES ('p', 'champion', 2), ('p', 'champion-dev', 11);
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "ml flow%20#.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(TABLES)
    return file


def changed(file: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement; the rows it gives."""
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement).fetchall()


@pytest.fixture
def no_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    def asking(*_: object) -> None:
        raise AssertionError("MLflow was asked")

    monkeypatch.setattr(client, "asking", asking)


@pytest.mark.usefixtures("no_mlflow")
def test_ready_versions_come_newest_first_without_asking_mlflow(database: Path) -> None:
    registry = Registry(f"sqlite:///{database}")
    assert registry.versions("p") == (
        RegisteredVersion("p", "10", "", "", ""),
        RegisteredVersion("p", "2", "sha256:2", "r2", "file:///2"),
    )
    assert registry.versions("nobody") == ()


@pytest.mark.usefixtures("no_mlflow")
def test_a_version_is_found_by_its_digest(database: Path) -> None:
    registry = Registry(f"sqlite:///{database}")
    assert registry.find("p", "sha256:2") == RegisteredVersion("p", "2", "sha256:2", "r2", "file:///2")
    assert registry.find("p", "sha256:3") is None


@pytest.mark.usefixtures("no_mlflow")
def test_the_champion_is_what_the_alias_points_to_if_it_is_ready(database: Path) -> None:
    registry = Registry(f"sqlite:///{database}")
    assert registry.champion("p", "champion") == registry.find("p", "sha256:2")
    assert registry.champion("p", "champion-dev") is None
    assert registry.champion("q", "champion") is None


@pytest.mark.usefixtures("no_mlflow")
def test_a_registry_that_does_not_exist_yet_is_empty_and_is_not_made(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/no/mlflow.db")
    assert registry.versions("p") == ()
    assert registry.champion("p", "champion") is None
    assert registry.find("p", "sha256:2") is None
    registry.delete_alias("p", "champion")
    assert registry.healthy()
    assert not (tmp_path / "no").exists()


@pytest.mark.usefixtures("no_mlflow")
def test_nothing_is_written_where_the_alias_points_there_already(database: Path) -> None:
    before = database.read_bytes()
    Registry(f"sqlite:///{database}").set_champion("p", "champion", "2")
    assert database.read_bytes() == before


def with_workspaces(database: Path) -> None:
    """Lay it out as MLflow does since it has workspaces."""
    for table in ("registered_models", "model_versions", "registered_model_aliases"):
        changed(database, f"ALTER TABLE {table} ADD COLUMN workspace DEFAULT 'default'")


@pytest.mark.usefixtures("no_mlflow")
@pytest.mark.parametrize("workspaces", [False, True])
def test_an_alias_is_moved_and_removed_without_asking_mlflow(database: Path, workspaces: bool) -> None:
    if workspaces:
        with_workspaces(database)
    registry = Registry(f"sqlite:///{database}")
    for alias, version in (("champion", "10"), ("champion-prod", "2"), ("champion-dev", "10")):
        registry.set_champion("p", alias, version)
        standing = registry.champion("p", alias)
        assert standing is not None
        assert standing.version == version
    registry.delete_alias("p", "champion")
    registry.delete_alias("p", "champion")
    assert registry.champion("p", "champion") is None
    rows = changed(database, "SELECT * FROM registered_model_aliases ORDER BY alias")
    ours = ("default",) if workspaces else ()
    assert rows == [("p", "champion-dev", 10, *ours), ("p", "champion-prod", 2, *ours)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ALTER TABLE registered_model_aliases ADD COLUMN tenant", "columns alias, name, tenant, version"),
        ("DROP TABLE registered_model_aliases", "columns of no table"),
        ("DROP TABLE model_versions", "no such table"),
        ("DELETE FROM model_versions WHERE name = 'p'", "version 2 of p is not registered"),
    ],
)
def test_a_registry_of_another_kind_is_left_to_mlflow(database: Path, change: str, reason: str) -> None:
    changed(database, change)
    before = database.read_bytes()
    with pytest.raises(Unreadable, match=reason):
        write_alias(database, "p", "champion", "2")
    assert database.read_bytes() == before


def test_several_workspaces_are_left_to_mlflow(database: Path) -> None:
    with_workspaces(database)
    assert len(read_versions(database, "p", DIGEST_KEY)) == 2
    changed(database, "INSERT INTO registered_models VALUES ('p', 'another')")
    before = database.read_bytes()
    with pytest.raises(Unreadable, match="several workspaces"):
        read_versions(database, "p", DIGEST_KEY)
    with pytest.raises(Unreadable, match="several workspaces"):
        write_alias(database, "p", "champion", "2")
    with pytest.raises(Unreadable, match="several workspaces"):
        delete_alias(database, "p", "champion")
    assert database.read_bytes() == before


def test_a_registry_that_somebody_writes_to_is_left_to_mlflow(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **{**named, "timeout": 0.0}))
    with closing(connect(database)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreadable, match="locked"):
            write_alias(database, "p", "champion", "10")
    write_alias(database, "p", "champion", "10")


@pytest.mark.usefixtures("no_mlflow")
def test_files_on_this_machine_are_copied_without_asking_mlflow(database: Path, tmp_path: Path) -> None:
    files = tmp_path / "files of 100% é"
    files.mkdir()
    (files / "MLmodel").write_text("what it is")
    changed(database, f"UPDATE model_versions SET source = '{files.as_uri()}' WHERE version = 10")
    assert (Registry(f"sqlite:///{database}").download("p", "10", tmp_path / "to")).is_dir()
    assert (tmp_path / "to" / "MLmodel").read_text() == "what it is"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "s3://bucket/x",
        "models:/m-1",
        "file://elsewhere/tmp",
        "file:///no/such/folder",
        "file:///tmp#1",
        "file:///tmp?1",
    ],
)
def test_files_elsewhere_have_no_folder_here(source: str) -> None:
    assert RegisteredVersion("p", "1", "", "", source).folder is None


@pytest.mark.parametrize("content", [b"", b"not a database at all, but longer than a header" * 40])
def test_another_file_is_left_to_mlflow(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(Unreadable):
        read_versions(tmp_path / "x.db", "p", DIGEST_KEY)
    assert (tmp_path / "x.db").read_bytes() == content


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("sqlite:////home/a b%20/mlflow.db", Path("/home/a b%20/mlflow.db")),
        ("sqlite+pysqlite:////x/mlflow.db?timeout=3", Path("/x/mlflow.db")),
        ("http://127.0.0.1:5000", None),
        ("postgresql://host/db", None),
    ],
)
def test_only_sqlite_addresses_have_a_file(address: str, file: Path | None) -> None:
    assert path_of(address) == file


def test_a_password_in_an_address_is_not_shown() -> None:
    assert shown("https://user:s3cret@host:1234/path") == "https://host:1234/path"
    assert shown("GET https://u:p@a/x failed: https://u:p@a/y") == "GET https://a/x failed: https://a/y"
    assert shown("sqlite:////x/y.db") == "sqlite:////x/y.db"
