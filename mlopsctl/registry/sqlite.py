"""A registry that is one SQLite file, without importing MLflow, which alone takes four seconds.

Only what has been the same since MLflow 2.3 is touched: four tables are read, in a read-only connection, and the row
of an alias is written or removed, as MLflow's own store does it. Whenever anything is not as expected,
:class:`Unreadable` says so and the caller asks MLflow itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from mlopsctl.registry.records import RegisteredVersion

_VERSIONS = """
    SELECT v.name, v.version, coalesce(t.value, ''), coalesce(v.run_id, ''), coalesce(v.source, '')
    FROM model_versions AS v
    LEFT JOIN model_version_tags AS t ON t.name = v.name AND t.version = v.version AND t.key = :key
    WHERE v.name = :name AND v.status = 'READY' AND v.current_stage != 'Deleted_Internal'
"""
_NEWEST_FIRST = " ORDER BY v.version DESC"
_REMOVE = "DELETE FROM registered_model_aliases WHERE name = :name AND alias = :alias"
_BY_ALIAS = """
    AND v.version = (SELECT a.version FROM registered_model_aliases AS a WHERE a.name = :name AND a.alias = :alias)
"""


class Unreadable(Exception):
    """The file is not laid out as expected, or is just being written; MLflow itself must be asked."""


def path_of(tracking: str) -> Path | None:
    """The file of a ``sqlite:///`` address; ``None`` for another address."""
    for scheme in ("sqlite:///", "sqlite+pysqlite:///"):
        if tracking.startswith(scheme):
            return Path(tracking.removeprefix(scheme).partition("?")[0])
    return None


def read_versions(file: Path, name: str, key: str, alias: str = "") -> tuple[RegisteredVersion, ...]:
    """The ready versions of a model, the newest first; with an ``alias``, only the one it points to.

    Args:
        key: the tag that holds the digest.

    Raises:
        Unreadable: see above.
    """
    query = _VERSIONS + (_BY_ALIAS if alias else "") + _NEWEST_FIRST
    with _opened(file) as connection:
        _workspace(connection)
        rows = connection.execute(query, {"name": name, "key": key, "alias": alias}).fetchall()
    return tuple(RegisteredVersion(row[0], str(row[1]), row[2], row[3], row[4]) for row in rows)


def write_alias(file: Path, name: str, alias: str, version: str) -> None:
    """Point an alias at a version that is registered.

    Raises:
        Unreadable: see above; also when there is no such version. Nothing is written then.
    """
    with _writing(file) as connection:
        row = {"name": name, "alias": alias, "version": int(version), **_workspace(connection)}
        if not connection.execute(
            "SELECT 1 FROM model_versions WHERE name = :name AND version = :version", row
        ).fetchone():
            raise Unreadable(f"version {version} of {name} is not registered")
        connection.execute(_REMOVE, row)
        values = ", ".join(f":{column}" for column in row)
        connection.execute(f"INSERT INTO registered_model_aliases ({', '.join(row)}) VALUES ({values})", row)


def delete_alias(file: Path, name: str, alias: str) -> None:
    """Remove an alias, where there is one.

    Raises:
        Unreadable: see above.
    """
    with _writing(file) as connection:
        _workspace(connection)
        connection.execute(_REMOVE, {"name": name, "alias": alias})


def _workspace(connection: sqlite3.Connection) -> dict[str, str]:
    """The workspace of every model, where this version of MLflow has workspaces.

    Raises:
        Unreadable: when there are several, or aliases are kept in another way.
    """
    columns = {row[1] for row in connection.execute("PRAGMA table_info(registered_model_aliases)")}
    if columns - {"workspace"} != {"name", "alias", "version"}:
        raise Unreadable(f"an alias has the columns {', '.join(sorted(columns)) or 'of no table'}")
    if "workspace" not in columns:
        return {}
    if connection.execute("SELECT 1 FROM registered_models WHERE workspace != 'default'").fetchone():
        raise Unreadable("there are several workspaces")
    return {"workspace": "default"}


@contextmanager
def _writing(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes all of it or nothing, while nobody else writes."""
    with _opened(file, "rw") as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def _opened(file: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode={mode}", uri=True, timeout=5.0)) as connection:
            yield connection
    except sqlite3.Error as problem:
        raise Unreadable(str(problem)) from problem
