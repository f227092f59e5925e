"""SQLite as the metadata database: one file in WAL mode with ``synchronous=FULL``.

What was committed survives a power loss. A write transaction starts with ``BEGIN IMMEDIATE``, so it waits for the
other writer instead of failing in its middle.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from mlopsctl.ground.errors import Locked, Problem
from mlopsctl.ground.files import sync_folder
from mlopsctl.metadata.database import Backend
from mlopsctl.metadata.problems import MetadataProblem, disk_full, unavailable

BUSY_SECONDS = 30.0


def sqlite_backend(path: Path) -> Backend:
    """The database in this file; nothing is opened yet."""
    return Backend(
        name="sqlite",
        url=str(path),
        engine=_engine(path),
        lock=_nothing_more,
        found=_nothing_more,
        explain=lambda error: explain(_said(error), str(path)),
        path=path,
        write={"mlopsctl_write": True},
    )


def backup(path: Path, target: Path) -> None:
    """A whole, synced copy of a database file, also while others read it; an older copy is replaced.

    Raises:
        MetadataProblem: when it cannot be written.
    """
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(temporary)) as copy:
            source.backup(copy)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        temporary.unlink(missing_ok=True)
        raise MetadataProblem.because(
            "no-backup",
            f"the metadata store {path} was not changed: no copy of it can be written to {target}: {error}",
            hint="free space and check the permissions of the folder, then run again",
        ) from error


def explain(said: str, url: str) -> Problem:
    """The problem behind what SQLite said."""
    low = said.lower()
    if "not a database" in low:
        return MetadataProblem.because(
            "not-a-database",
            f"{url} is not a metadata store: {said}",
            hint="point stores.metadata elsewhere, or move the file away and run again; "
            "stores.metadata in mlops.yaml says where it is",
        )
    if "malformed" in low or "corrupt" in low:
        return MetadataProblem.because(
            "metadata-damaged",
            f"the metadata store {url} is damaged: {said}",
            hint="keep a copy of the file and of those beside it (-wal, -shm); restore a backup, or move it away: "
            "the next apply starts a new history and the served model stays as it is",
        )
    if "locked" in low or "busy" in low:
        return Locked.because(
            "metadata-busy", f"another process keeps the metadata store {url} busy", hint="run the command again"
        )
    if "disk is full" in low:
        return disk_full(url)
    return unavailable(url, said, "check that the folder exists and can be written")


def _said(error: BaseException) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _nothing_more(connection: Connection) -> None:
    """``BEGIN IMMEDIATE`` has waited for the other writer already."""


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("mlopsctl_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. Unlike other statements this one does not wait for its turn, so wait here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                return
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
