"""Read a registry that is one SQLite file without importing MLflow, which alone takes two seconds.

Only the four columns and three tables that have been the same since MLflow 2.3 are read, in a read-only connection.
Whenever anything is not as expected, :class:`Unreadable` says so and the caller asks MLflow itself.
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
        rows = connection.execute(query, {"name": name, "key": key, "alias": alias}).fetchall()
    return tuple(RegisteredVersion(row[0], str(row[1]), row[2], row[3], row[4]) for row in rows)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=5.0)) as connection:
            yield connection
    except sqlite3.Error as problem:
        raise Unreadable(str(problem)) from problem
