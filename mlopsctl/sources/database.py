"""Asking a SQLite or PostgreSQL database one question: read-only, one statement, the rows batch by batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import register_secret
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine
    from sqlalchemy.engine import URL

_BATCH_ROWS = 20_000
_SECONDS_TO_CONNECT = 15
_POSTGRESQL_PORT = 5432
_WHO = frozenset({"user", "password", "passfile", "sslpassword", "sslkey", "sslcert"})


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an answer: the names of its columns, and batches of tuples."""

    names: tuple[str, ...]
    batches: Iterator[Sequence[Sequence[object]]]


@contextmanager
def asked(url: str, question: str, project: Path, *, table: bool = False) -> Iterator[Rows]:
    """Ask a database.

    Args:
        url: an SQLAlchemy URL; a SQLite file is relative to the project's folder.
        question: one SELECT, or with ``table`` the name of a table, ``schema.table`` for one of another schema.

    Raises:
        StepProblem: when the database cannot be reached, or does not answer the question with rows.
    """
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        engine = _engine(url, project)
    except (ArgumentError, ValueError) as why:
        # What SQLAlchemy says may quote the URL, and a password in it.
        hint = "write it like postgresql+psycopg://db.example.com/sales or sqlite:///data/sales.db"
        raise StepProblem.because("bad-url", "the `url` is no database URL", hint=hint) from why
    try:
        with engine.connect() as connection:
            query = _select_all(connection, question) if table else question
            result = _execute(connection, query)
            if not result.returns_rows:
                raise StepProblem.because(
                    "bad-query", "the query gives no rows: it is no SELECT", hint="write one SELECT"
                )
            yield Rows(tuple(map(str, result.keys())), _batches(result))
    except SQLAlchemyError as why:
        raise _told(why, engine.url) from why
    finally:
        engine.dispose()


def identity(url: str, project: Path) -> dict[str, Json]:
    """Which database a URL means, whoever asks: without user and password, and wherever the project's folder is.

    Raises:
        ValueError: when it is no database URL (of SQLAlchemy's ``ArgumentError`` where it cannot be parsed).
    """
    from sqlalchemy import make_url

    parsed = make_url(url)
    kind = "postgresql" if (backend := parsed.get_backend_name()) == "postgres" else backend
    if kind == "sqlite":
        file, root = (project / (parsed.database or "")).resolve(), project.resolve()
        written = parsed.database or ""
        return {"kind": kind, "database": str(file) if os.path.isabs(written) else os.path.relpath(file, root)}
    options = {name: value for name, value in parsed.query.items() if name not in _WHO}
    return {
        "kind": kind,
        "host": (parsed.host or "").lower(),
        "port": parsed.port or _POSTGRESQL_PORT,
        # A server takes the user's name where no database is named.
        "database": parsed.database or parsed.username,
        "options": {name: value if isinstance(value, str) else list(value) for name, value in options.items()},
    }


def _engine(url: str, project: Path) -> Engine:
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.password:
        register_secret(str(parsed.password))
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed, project)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return _postgresql(parsed)
    message = f"a database of the kind {printable(parsed.drivername)} cannot be read"
    hint = "this version reads sqlite and postgresql+psycopg; copy the rows to a file, or use a python source"
    raise StepProblem.because("unsupported-database", message, hint=hint)


def _sqlite(url: URL, project: Path) -> Engine:
    import sqlite3
    from urllib.parse import quote

    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    file = (project / (url.database or "")).resolve()
    if not file.is_file():
        hint = (
            "a SQLite URL has three slashes before a path that is relative to the project file: sqlite:///data/rows.db"
        )
        raise StepProblem.because("missing-data", f"there is no database file {file}", hint=hint)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _postgresql(url: URL) -> Engine:
    from importlib.util import find_spec

    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if find_spec("psycopg") is None:
        hint = "pip install 'mlopsctl[postgres]'"
        raise StepProblem.because("missing-library", "PostgreSQL cannot be read: psycopg is not installed", hint=hint)
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": _SECONDS_TO_CONNECT},
        # A server-side cursor takes one SELECT and nothing else; the transaction cannot write.
        execution_options={"stream_results": True, "postgresql_readonly": True, "isolation_level": "REPEATABLE READ"},
    )


def _execute(connection: Connection, query: str) -> CursorResult[tuple[object, ...]]:
    if connection.dialect.name == "sqlite":
        _only_reading(connection)
    # Without parameters a per cent sign and a colon mean themselves.
    options = {"no_parameters": True, "yield_per": _BATCH_ROWS}
    return connection.exec_driver_sql(query.rstrip().removesuffix(";"), execution_options=options)


def _only_reading(connection: Connection) -> None:
    """A file opened read-only can still attach and write others: SQLite asks for each thing a statement does."""
    import sqlite3

    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION}

    def permit(action: int, _: str | None, name: str | None, *__: str | None) -> int:
        reads = action in allowed or (action == sqlite3.SQLITE_FUNCTION and name != "load_extension")
        return sqlite3.SQLITE_OK if reads else sqlite3.SQLITE_DENY

    opened = connection.connection.driver_connection
    if isinstance(opened, sqlite3.Connection):
        opened.set_authorizer(permit)


def _batches(result: CursorResult[tuple[object, ...]]) -> Iterator[Sequence[Sequence[object]]]:
    while rows := result.fetchmany(_BATCH_ROWS):
        yield rows


def _select_all(connection: Connection, table: str) -> str:
    quote = connection.dialect.identifier_preparer.quote
    return f"SELECT * FROM {'.'.join(quote(part) for part in table.split('.'))}"


def _told(why: Exception, url: URL) -> StepProblem:
    """What the database says, without the statement and the URL."""
    from sqlalchemy.exc import OperationalError

    said = str(getattr(why, "orig", None) or why).strip().splitlines() or [type(why).__name__]
    reason = printable(said[0])[:500]
    where = printable(url.host or str(url.database or ""))
    unreachable = isinstance(why, OperationalError) and url.get_backend_name() == "postgresql"
    if unreachable:
        hint = "check the host, the user and the network; the password comes from {secret: NAME} or the user's .pgpass"
        return StepProblem.because("no-database", f"the database {where} cannot be asked: {reason}", hint=hint)
    hint = "correct the query; try it in the database first"
    return StepProblem.because("bad-query", f"the database does not answer the query: {reason}", hint=hint)
