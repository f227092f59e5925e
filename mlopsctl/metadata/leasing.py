"""Who may write an environment, as the database knows it: the token, the holder's name and the lease's end.

In a SQLite file the kernel lock of :mod:`mlopsctl.metadata.lease` says who holds a lease, and only the token matters
here. A database that several machines use has no such lock: there a lease has an end by the server's clock, and its
holder moves it on while it lives (:class:`Heartbeat`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, extract, func, insert, select, update

from mlopsctl.ground.errors import Problem
from mlopsctl.ground.log import log_for
from mlopsctl.metadata.database import Database
from mlopsctl.metadata.lease import Holder, busy
from mlopsctl.metadata.tables import ENVIRONMENT

LEASE_SECONDS = 60
BEAT_SECONDS = 15.0

_log = log_for("lease")


@dataclass(frozen=True, slots=True)
class Tenure:
    """The newest lease of an environment: its token, who took it, and whether it is held by the clock."""

    token: int
    holder: Holder | None
    held: bool


def read(connection: Connection, project: str, environment: str, *, shared: bool) -> Tenure:
    """The newest lease; token 0 for an environment that nobody ever wrote."""
    table = ENVIRONMENT
    query = select(table.c.token, table.c.holder, table.c.lease_until).where(*_mine(project, environment))
    at = connection.execute(query).one_or_none()
    if at is None:
        return Tenure(0, None, False)
    in_time = shared and at.lease_until is not None and at.lease_until > connection.execute(select(_now())).scalar_one()
    return Tenure(at.token, Holder.parse(at.holder), in_time)


def take(connection: Connection, project: str, environment: str, holder: Holder, *, shared: bool) -> int:
    """The next token; from now on every older one is refused.

    Raises:
        Locked: when a holder on another machine, or of another checkout, still moves its lease on.
    """
    standing = read(connection, project, environment, shared=shared)
    if standing.held and not (standing.holder is not None and standing.holder.known_dead):
        raise busy(f"{environment!r} of {project!r}", standing.holder, seconds=LEASE_SECONDS)
    return _set(connection, project, environment, standing.token, holder.to_json(), shared=shared)


def unlock(connection: Connection, project: str, environment: str) -> None:
    """Take the lease away from whoever has it: what it writes from now on is refused."""
    standing = read(connection, project, environment, shared=False)
    if standing.token:
        _set(connection, project, environment, standing.token, "", shared=False)


def give_back(connection: Connection, project: str, environment: str, token: int) -> None:
    """Nobody holds the lease, if this token is still the newest."""
    mine = (*_mine(project, environment), ENVIRONMENT.c.token == token)
    connection.execute(update(ENVIRONMENT).where(*mine).values(lease_until=None))


class Heartbeat:
    """Moves a lease's end on until it is stopped; a lease that another took over is left alone."""

    def __init__(self, database: Database, project: str, environment: str, token: int) -> None:
        self._database = database
        self._lease = (project, environment, token)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="mlopsctl-lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and give the lease back; where that fails, it ends by the clock."""
        self._stopped.set()
        self._thread.join()
        try:
            with self._database.touching() as connection:
                give_back(connection, *self._lease)
        except Problem as problem:
            _log.warning("the lease could not be given back; it ends by itself", problem=str(problem))

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                if not self._renew():
                    return
            except Problem as problem:
                _log.warning("the lease could not be renewed; trying again", problem=str(problem))

    def _renew(self) -> bool:
        project, environment, token = self._lease
        mine = (*_mine(project, environment), ENVIRONMENT.c.token == token)
        with self._database.touching() as connection:
            return connection.execute(update(ENVIRONMENT).where(*mine).values(lease_until=_end())).rowcount == 1


def _set(connection: Connection, project: str, environment: str, token: int, holder: str, *, shared: bool) -> int:
    mine = {"token": token + 1, "holder": holder, "lease_until": _end() if shared else None}
    if token == 0 and not connection.execute(select(ENVIRONMENT.c.token).where(*_mine(project, environment))).all():
        new = {"project": project, "environment": environment, "serial": 0, "gates": "null", "hold": ""}
        connection.execute(insert(ENVIRONMENT).values(**new, **mine))
    else:
        connection.execute(update(ENVIRONMENT).where(*_mine(project, environment)).values(**mine))
    return token + 1


def _now() -> ColumnElement[int]:
    """The server's clock in milliseconds since the epoch."""
    return cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger)


def _end() -> ColumnElement[int]:
    return _now() + LEASE_SECONDS * 1000


def _mine(project: str, environment: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ENVIRONMENT.c.project == project, ENVIRONMENT.c.environment == environment
