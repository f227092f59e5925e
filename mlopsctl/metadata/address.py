"""From what ``stores.metadata`` says to a database: a path or ``sqlite:///`` URL, or one of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.database import Backend, Database
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.sqlite import sqlite_backend


def database_at(address: str) -> Database:
    """The database that a path or URL names; nothing is opened yet.

    Raises:
        Problem: for another sort of database, or when its driver is not installed.
    """
    return Database(_backend(address))


def _backend(address: str) -> Backend:
    if "://" not in address:
        return sqlite_backend(Path(address).absolute())
    try:
        parsed = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise _unknown(address.split("://", 1)[0]) from error
    name = parsed.get_backend_name()
    if name == "sqlite" and parsed.database and parsed.database != ":memory:":
        return sqlite_backend(Path(parsed.database).absolute())
    if name == "postgresql":
        from mlopsctl.metadata.postgres import postgres_backend

        return postgres_backend(parsed)
    raise _unknown(name)


def _unknown(backend: str) -> Problem:
    return MetadataProblem.because(
        "unknown-metadata",
        f"the metadata store cannot be kept in {backend}",
        hint="use a path, sqlite:///path/to/metadata.db or postgresql+psycopg://user@host/database",
    )
