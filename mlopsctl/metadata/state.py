"""Release state: what each environment follows, what it followed before, and what was about to be done.

Every write takes a lease and compares its token in the same transaction; it grows the serial by one, so that a plan
made from an older state is known to be stale. A method that returned has its change on the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, insert, select, update

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Refused
from mlopsctl.metadata import leasing, releases
from mlopsctl.metadata.lease import FileLock, Holder, Lease, lock_path, superseded
from mlopsctl.metadata.records import EnvironmentState, Intent, Release
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.tables import ENVIRONMENT, INTENT
from mlopsctl.metadata.text import dump, load, name, prose

__all__ = ["Lease", "StateStore"]


class StateStore:
    """The release states of all environments in a metadata store. Every method may raise ``Problem``."""

    def __init__(self, store: MetadataStore) -> None:
        self._database = store.database
        self._lineage = store.lineage

    def read(self, project: str, environment: str) -> EnvironmentState:
        """The state as last written; serial 0 for an environment that never had one."""
        with self._database.reading() as connection:
            return self._read(connection, project, environment)

    def acquire(self, project: str, environment: str, holder: str, lock_folder: Path) -> Lease:
        """Become the one writer (``holder``: the command, for those who find the door closed).

        Raises:
            Locked: at once when somebody else is the writer. One of this machine that died is none; one of another
                machine is noticed when its lease has ended (a minute).
        """
        who = Holder.here(holder)
        lock = FileLock(lock_path(lock_folder, name(project), name(environment)))
        lock.take(who, f"{environment!r} of {project!r}")
        shared = self._database.backend.shared
        try:
            with self._database.writing() as connection:
                token = leasing.take(connection, project, environment, who, shared=shared)
            beat = leasing.Heartbeat(self._database, project, environment, token) if shared else None
        except BaseException:
            lock.give_back()
            raise
        return Lease(project, environment, token, who, lock, beat)

    def tenure(self, project: str, environment: str, lock_folder: Path) -> leasing.Tenure:
        """The newest lease, and whether it is held now: by the kernel's lock here, or by the clock elsewhere."""
        here, holder = FileLock(lock_path(lock_folder, name(project), name(environment))).holder()
        with self._database.reading() as connection:
            found = leasing.read(connection, project, environment, shared=self._database.backend.shared)
        by_clock = found.held and not (found.holder is not None and found.holder.known_dead)
        return replace(found, held=by_clock or here, holder=holder or found.holder)

    def unlock(self, project: str, environment: str, lock_folder: Path) -> None:
        """Take the lease away from whoever has it. It writes nothing more, alive or not."""
        with self._database.writing() as connection:
            leasing.unlock(connection, project, environment)
        lock_path(lock_folder, name(project), name(environment)).unlink(missing_ok=True)

    def environments(self) -> tuple[tuple[str, str], ...]:
        """Every environment that was ever written: project and name, in order."""
        table = ENVIRONMENT
        with self._database.reading() as connection:
            rows = connection.execute(select(table.c.project, table.c.environment)).all()
        return tuple(sorted((row.project, row.environment) for row in rows))

    def release(self, lease: Lease, release: Release, gates: Json) -> EnvironmentState:
        """Follow a new release, judged by these gates; the one before goes into the history.

        Raises:
            Refused: while a rollback holds the environment.
            ValueError: when the release does not have the state's ``next_number``.
        """
        with self._database.writing() as connection:
            at = _position(connection, lease)
            if at.hold:
                raise Refused.because(
                    "on-hold",
                    f"{lease.environment!r} of {lease.project!r} is held since a rollback: {at.hold}",
                    hint="lift the hold with apply --release-hold",
                )
            releases.leave(connection, lease.project, lease.environment, at.serial + 1, withdrawn=False)
            releases.add(connection, lease.project, lease.environment, release)
            _write(connection, lease, at, gates=dump(gates))
            return self._read(connection, lease.project, lease.environment)

    def rollback(self, lease: Lease, to: int | None, reason: str) -> EnvironmentState:
        """Follow an earlier release again and hold it: the given number, or the last one not rolled back from.

        Raises:
            Problem: when nothing is released, or there is no such release.
        """
        with self._database.writing() as connection:
            at = _position(connection, lease)
            target = releases.earlier(connection, lease.project, lease.environment, to)
            releases.leave(connection, lease.project, lease.environment, at.serial + 1, withdrawn=True)
            releases.return_to(connection, lease.project, lease.environment, target)
            _write(connection, lease, at, hold=prose(reason) or "rolled back")
            return self._read(connection, lease.project, lease.environment)

    def release_hold(self, lease: Lease) -> EnvironmentState:
        """Let newer releases go out again."""
        with self._database.writing() as connection:
            _write(connection, lease, _position(connection, lease), hold="")
            return self._read(connection, lease.project, lease.environment)

    def set_gates(self, lease: Lease, gates: Json) -> EnvironmentState:
        """Record the policy that was applied last."""
        with self._database.writing() as connection:
            _write(connection, lease, _position(connection, lease), gates=dump(gates))
            return self._read(connection, lease.project, lease.environment)

    def check(self, lease: Lease) -> None:
        """Be sure, right before an effect outside, that nobody else has taken the environment meanwhile.

        Raises:
            Problem: when the lease is no longer the newest.
        """
        with self._database.reading() as connection:
            _position(connection, lease)

    def clear(self, lease: Lease, *, withdrawn: bool = False) -> EnvironmentState:
        """Follow nothing, with no policy; the history stays, and so does a hold: only :meth:`release_hold` lifts it.

        ``withdrawn``: what was released is no longer a model to beat.
        """
        with self._database.writing() as connection:
            at = _position(connection, lease)
            releases.leave(connection, lease.project, lease.environment, at.serial + 1, withdrawn=withdrawn)
            _write(connection, lease, at, gates="null")
            return self._read(connection, lease.project, lease.environment)

    def intend(self, lease: Lease, key: str, kind: str, payload: Json) -> Intent:
        """Record what is about to be done outside, before it is done.

        A key stands for one effect: an intent that is there already comes back as it is, with its outcome if it has
        one, and the caller decides what is left to do.
        """
        with self._database.writing() as connection:
            _position(connection, lease)
            known = _intents(connection, lease.project, lease.environment, key=name(key))
            if known:
                return known[0]
            intent = Intent(key, name(kind), payload)
            connection.execute(
                insert(INTENT).values(
                    project=lease.project,
                    environment=lease.environment,
                    key=key,
                    kind=kind,
                    payload=dump(payload),
                    outcome="null",
                    done=False,
                )
            )
            return intent

    def complete(self, lease: Lease, key: str, outcome: Json) -> None:
        """Record what came of an intent.

        Raises:
            KeyError: when nothing of that key was intended.
        """
        with self._database.writing() as connection:
            _position(connection, lease)
            mine = (INTENT.c.project == lease.project, INTENT.c.environment == lease.environment)
            changed = connection.execute(
                update(INTENT).where(*mine, INTENT.c.key == key).values(outcome=dump(outcome), done=True)
            )
            if changed.rowcount != 1:
                raise KeyError(key)

    def pending(self, project: str, environment: str) -> tuple[Intent, ...]:
        """What was intended and has no outcome, oldest first: where a killed apply stopped."""
        with self._database.reading() as connection:
            return tuple(intent for intent in _intents(connection, project, environment) if not intent.done)

    def happened(self, project: str, environment: str, kind: str) -> tuple[Intent, ...]:
        """What of a kind was intended and has an outcome, oldest first."""
        with self._database.reading() as connection:
            found = _intents(connection, project, environment)
        return tuple(intent for intent in found if intent.done and intent.kind == kind)

    def _read(self, connection: Connection, project: str, environment: str) -> EnvironmentState:
        at = connection.execute(_row_of(project, environment)).one_or_none()
        if at is None:
            return EnvironmentState(project, environment, self._lineage)
        current, history = releases.read(connection, project, environment)
        return EnvironmentState(
            project, environment, self._lineage, at.serial, current, history, load(at.gates), at.hold
        )


@dataclass(frozen=True, slots=True)
class _Position:
    serial: int
    hold: str


def _position(connection: Connection, lease: Lease) -> _Position:
    """Where the environment stands, after the check that this lease is the newest and not given back."""
    at = connection.execute(_row_of(lease.project, lease.environment)).one_or_none()
    if at is None or at.token != lease.token or not lease.open:
        raise superseded(lease)
    return _Position(at.serial, at.hold)


def _write(connection: Connection, lease: Lease, at: _Position, **values: str) -> None:
    connection.execute(
        update(ENVIRONMENT).where(*_mine(lease.project, lease.environment)).values(serial=at.serial + 1, **values)
    )


def _intents(connection: Connection, project: str, environment: str, *, key: str = "") -> list[Intent]:
    """The intents in the order they were recorded; only the one of a key where it is given."""
    query = select(INTENT).where(INTENT.c.project == project, INTENT.c.environment == environment)
    if key:
        query = query.where(INTENT.c.key == key)
    rows = connection.execute(query.order_by(INTENT.c.id))
    return [Intent(row.key, row.kind, load(row.payload), load(row.outcome), row.done) for row in rows]


def _mine(project: str, environment: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ENVIRONMENT.c.project == project, ENVIRONMENT.c.environment == environment


def _row_of(project: str, environment: str) -> Select[Any]:
    return select(ENVIRONMENT).where(*_mine(project, environment))
