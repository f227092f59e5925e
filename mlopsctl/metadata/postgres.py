"""PostgreSQL as the metadata database, through psycopg 3.

A write transaction first takes the row lock of one row that every writer takes (``SELECT … FOR UPDATE``), so writers
follow each other as they do in SQLite, and each sees what the one before left. Readers see one snapshot and wait for
nobody. The password comes from ``PGPASSWORD``, ``~/.pgpass`` or a secret that holds the whole URL.
"""

from __future__ import annotations

from importlib.util import find_spec

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from mlopsctl.ground.errors import Locked, Problem
from mlopsctl.ground.redact import register_secret
from mlopsctl.metadata.database import Backend
from mlopsctl.metadata.problems import MetadataProblem, disk_full, unavailable

DRIVER = "postgresql+psycopg"
CONNECT_SECONDS = 10
BUSY_SECONDS = 30
# A writer that was stopped in its middle (laptop closed, SIGSTOP) must not keep everybody waiting.
IDLE_SECONDS = 60

# Any number that nobody else uses; it is needed only until there is a row to lock.
_MAKING = 0x6D6C6F7073

_LIMITS = (
    f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'; SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'; "
)


def postgres_backend(parsed: URL) -> Backend:
    """The database at this address; nothing is opened yet.

    Raises:
        MetadataProblem: for another driver than psycopg 3, or when that is not installed.
    """
    if parsed.drivername not in ("postgresql", DRIVER):
        raise MetadataProblem.because(
            "unknown-driver",
            f"the metadata store cannot be reached through {parsed.drivername}",
            hint=f"write {DRIVER}://user@host/database",
        )
    if find_spec("psycopg") is None:
        raise MetadataProblem.because(
            "no-psycopg",
            "psycopg is not installed here, and PostgreSQL is reached with it",
            hint="pip install 'mlopsctl[postgres]'",
        )
    if parsed.password:
        register_secret(str(parsed.password))
    shown = _shown(parsed)
    return Backend(
        name="postgresql",
        url=shown,
        engine=_engine(parsed),
        lock=_lock,
        found=_lock_before_tables,
        explain=lambda error: explain(error, shown),
        read={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        # After waiting for the lock a transaction must see what the one before it wrote.
        write={"isolation_level": "READ COMMITTED"},
    )


def explain(error: BaseException, url: str) -> Problem:
    """The problem behind what psycopg said."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    state = str(getattr(cause, "sqlstate", None) or "")
    said = " ".join(str(cause).split())
    low = said.lower()
    if "database" in low and "does not exist" in low and state in ("", "3D000"):
        hint = "make it with `createdb`, or correct the name in stores.metadata"
        return MetadataProblem.because("no-such-database", f"the metadata store {url} does not exist", hint=hint)
    if "password" in low or "authentication" in low or state.startswith("28") or "pg_hba" in low or "role " in low:
        return MetadataProblem.because(
            "metadata-login",
            f"the server does not let us into the metadata store {url}: {_last(said)}",
            hint="check the user in stores.metadata; give the password in PGPASSWORD or ~/.pgpass",
        )
    if state == "42501":
        return MetadataProblem.because(
            "metadata-rights",
            f"the user has no right to use the metadata store {url}: {said.split(' LINE ')[0]}",
            hint="its owner grants it: GRANT USAGE, CREATE ON SCHEMA public TO <user>, and the rights on its tables",
        )
    if state in ("55P03", "40001", "40P01"):
        return Locked.because(
            "metadata-busy", f"another process keeps the metadata store {url} busy", hint="run the command again"
        )
    if state == "53100":
        return disk_full(url)
    if state == "25006" or "read-only" in low:
        return unavailable(url, said, "the server is a standby or read-only; name the primary")
    hint = "check that the server runs and can be reached from here, and its host and port"
    return unavailable(url, _last(said), hint)


def _engine(parsed: URL) -> Engine:
    settings = {"connect_timeout": CONNECT_SECONDS, "application_name": "mlopsctl"}
    given = {name: value for name, value in settings.items() if name not in parsed.query}
    # A run can be quiet for hours; a connection that a firewall dropped meanwhile is replaced, not used.
    return create_engine(parsed.set(drivername=DRIVER), connect_args=given, pool_pre_ping=True)


def _lock(connection: Connection) -> None:
    connection.exec_driver_sql(f"{_LIMITS}SELECT 1 FROM mlopsctl_about WHERE name = 'version' FOR UPDATE")


def _lock_before_tables(connection: Connection) -> None:
    connection.exec_driver_sql(f"{_LIMITS}SELECT pg_advisory_xact_lock({_MAKING})")


def _shown(parsed: URL) -> str:
    """The address without what could be secret: the password, and all of the query."""
    return parsed.set(password=None, query={}).render_as_string()


def _last(said: str) -> str:
    """psycopg joins the failures of every address it tried; the last one says it."""
    return said.removeprefix("connection failed: ").split(" Multiple connection attempts failed")[0]
