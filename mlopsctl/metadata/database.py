"""The connection to the metadata database: one way to read, one way to write, and one door for its errors.

What differs between SQLite and PostgreSQL stands in a :class:`Backend`; everything above knows only this module.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from mlopsctl.ground.errors import Problem

CHUNK = 500  # values in one IN (…)


@dataclass(frozen=True, slots=True)
class Backend:
    """One sort of database.

    Attributes:
        name: ``sqlite`` or ``postgresql``.
        url: where it is, for messages; never with a password.
        path: the file, where it is one.
        read, write: SQLAlchemy's options of a transaction that reads or writes.
        lock: called first in a writing transaction; returns when it is the only one.
        found: the same in a database that has no table yet.
        explain: the problem behind what the driver said.
    """

    name: str
    url: str
    engine: Engine
    lock: Callable[[Connection], None]
    found: Callable[[Connection], None]
    explain: Callable[[BaseException], Problem]
    path: Path | None = None
    read: Mapping[str, str | bool] = field(default_factory=dict)
    write: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def shared(self) -> bool:
        """Whether other machines may use it, where no kernel lock of this one is seen."""
        return self.path is None


class Database:
    """An open database. Threads may share it; a forked child must open its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.url = backend.url

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view.

        Raises:
            Problem: when the database cannot be read.
        """
        with self._transaction(self.backend.read) as connection:
            yield connection

    @contextmanager
    def writing(self, *, first: bool = False) -> Iterator[Connection]:
        """One transaction, alone; on return it is on the disk, on an exception nothing happened.

        Args:
            first: the database has no tables yet, or they are about to be changed.

        Raises:
            Problem: when the database cannot be written.
        """
        with self._transaction(self.backend.write) as connection:
            (self.backend.found if first else self.backend.lock)(connection)
            yield connection

    @contextmanager
    def touching(self) -> Iterator[Connection]:
        """A transaction of one statement that needs nobody to wait: a lease that is renewed."""
        with self._transaction(self.backend.write) as connection:
            yield connection

    def close(self) -> None:
        """Let go of the file or the server."""
        self.backend.engine.dispose()

    @contextmanager
    def _transaction(self, options: Mapping[str, str | bool]) -> Iterator[Connection]:
        try:
            with self.backend.engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except (DBAPIError, sqlite3.Error) as error:  # the latter while a connection is set up
            raise self.backend.explain(error) from error
