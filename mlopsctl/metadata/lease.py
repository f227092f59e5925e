"""The lease: one writer at a time for an environment, held by a kernel lock that dies with its process.

The kernel lock (``flock`` on a file of its own) makes a dead holder visible at once, without clocks. The fencing
token in the database stops a holder that lost the lock without noticing: every write compares it. Between machines
that share a database, :mod:`mlopsctl.metadata.leasing` adds an end that the holder moves on.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Protocol
from urllib.parse import quote

from mlopsctl.ground.errors import Locked, Problem
from mlopsctl.ground.process import ProcessId
from mlopsctl.metadata.problems import MetadataProblem


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease. Boot id, pid and start time together name one process, also after pids were reused."""

    command: str
    pid: int
    host: str
    boot: str
    start: str
    since: str

    @classmethod
    def here(cls, command: str) -> Holder:
        """This process."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(command, os.getpid(), socket.gethostname(), _boot_id(), _start_time(), since)

    @classmethod
    def parse(cls, text: str | bytes) -> Holder | None:
        """What :meth:`to_json` wrote; ``None`` for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def to_json(self) -> str:
        """One line for the lock file and the database."""
        return json.dumps(asdict(self))

    @property
    def known_dead(self) -> bool:
        """Whether it was a process of this machine, since it started last, and is gone."""
        here = self.boot != "" and self.boot == _boot_id() and self.start != ""
        return here and not ProcessId(self.boot, self.pid, self.start).alive()

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid} on {self.host}, since {self.since})"


class FileLock:
    """An exclusive kernel lock on a file, not inherited by children."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def take(self, holder: Holder, what: str) -> None:
        """Take the lock and leave the holder's name in the file.

        Raises:
            Locked: when another process, or another lease of this one, has it.
            MetadataProblem: when the file cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise MetadataProblem.because(
                "no-lock",
                f"the lock file {str(self.path)!r} cannot be made: {error.strerror}",
                hint="check the permissions of its folder",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            problem = _busy(descriptor, what)
            os.close(descriptor)
            raise problem from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.to_json().encode() + b"\n", 0)
        self._descriptor = descriptor
        _HELD.add(self)

    def holder(self) -> tuple[bool, Holder | None]:
        """Whether somebody has the lock now, and who; the lock is not taken."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False, None
        try:
            written = os.pread(descriptor, 65536, 0)
            who = Holder.parse(written)
            if not written or (who is not None and who.boot and who.boot == _boot_id()):
                # Without touching the lock: somebody may be taking it at this very moment.
                return who is not None and not who.known_dead, who
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True, who
        finally:
            os.close(descriptor)
        return False, None

    def give_back(self) -> None:
        """Let the next one in. The file stays: removing it would let two in."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            self.forget()

    def forget(self) -> None:
        """Close this process's descriptor; the lock ends when no process has it open."""
        _HELD.discard(self)
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


# A forked child has the parent's descriptors: without this, a step that outlives a killed run would keep its lock.
_HELD: set[FileLock] = set()


def _forget_all() -> None:
    for lock in list(_HELD):
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)


class Beat(Protocol):
    """What keeps a lease alive between machines."""

    def stop(self) -> None:
        """Stop, and give the lease back in the database."""


class Lease:
    """The right to write an environment's state, until the ``with`` block ends or :meth:`close` is called."""

    def __init__(
        self, project: str, environment: str, token: int, holder: Holder, lock: FileLock, beat: Beat | None = None
    ) -> None:
        self.project = project
        self.environment = environment
        self.token = token
        self.holder = holder
        self._lock = lock
        self._beat = beat
        self._open = True

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the lease back; a second time does nothing."""
        if self._open:
            self._open = False
            if self._beat is not None:
                self._beat.stop()
            self._lock.give_back()

    @property
    def open(self) -> bool:
        """Whether it may still be used."""
        return self._open


def lock_path(folder: Path, project: str, environment: str) -> Path:
    """The lock file of an environment: readable for people, and different for every pair of names."""
    unique = sha256(f"{len(project)}:{project}{environment}".encode()).hexdigest()[:8]
    return folder / f"{quote(project, safe='')[:80]}@{quote(environment, safe='')[:80]}.{unique}.lock"


def superseded(lease: Lease) -> Problem:
    """The lease is no longer the newest one."""
    return Locked.because(
        "superseded",
        f"another process took over {lease.environment!r} of {lease.project!r} while this one ran; nothing was written",
        hint="run plan again and look at what changed",
    )


def busy(what: str, holder: Holder | None, *, seconds: int = 0) -> Problem:
    """Somebody else has the lease; ``seconds`` after its death that is noticed (0: at once)."""
    later = f" (a machine that died is noticed after {seconds} seconds)" if seconds else ""
    return Locked.because(
        "locked",
        f"{what} is being changed by {holder or 'another process'}",
        hint=f"wait until it ends{later}, or stop that process; then run the command again. "
        "`mlopsctl state list` shows who holds what",
    )


def _busy(descriptor: int, what: str) -> Problem:
    time.sleep(0.01)  # the holder may be about to write its name
    return busy(what, Holder.parse(os.pread(descriptor, 65536, 0)))


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _start_time() -> str:
    """Clock ticks after boot at which this process started; empty where ``/proc`` does not tell."""
    try:
        return Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
