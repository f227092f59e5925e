"""The connection to the metadata database: one way to read, one way to write, and one door for its errors.

SQLite runs in WAL mode with ``synchronous=FULL``: what was committed survives a power loss. A write transaction
starts with ``BEGIN IMMEDIATE``, so it waits for the other writer instead of failing in its middle.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.problems import MetadataProblem, explain

BUSY_SECONDS = 30.0
CHUNK = 500  # values in one IN (…)


class Database:
    """A SQLite database file. Threads may share it; a forked child must open its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = str(path)
        self._engine = _engine(path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view.

        Raises:
            Problem: when the database cannot be read.
        """
        with self._explained(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone; on return it is on the disk, on an exception nothing happened.

        Raises:
            Problem: when the database cannot be written.
        """
        with (
            self._explained(),
            self._engine.connect().execution_options(mlopsctl_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explain(str(error.orig), self.url) from error
        except sqlite3.Error as error:  # while a connection is set up, before SQLAlchemy wraps errors
            raise explain(str(error), self.url) from error


def database_path(url: str) -> Path:
    """The file that a URL (``sqlite:///relative``, ``sqlite:////absolute``) or a path names.

    Raises:
        Problem: for anything but SQLite, which is all that this version knows.
    """
    if "://" not in url:
        return Path(url).absolute()
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unknown(url.split("://", 1)[0]) from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise _unknown(parsed.get_backend_name())
    return Path(parsed.database).absolute()


def _unknown(backend: str) -> Problem:
    return MetadataProblem.because(
        "unknown-metadata",
        f"the metadata store cannot be kept in {backend}",
        hint="use a path or sqlite:///path/to/metadata.db; PostgreSQL comes in a later version",
    )


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
