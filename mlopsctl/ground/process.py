"""Processes: an identity that no later process can carry, and the end of a whole process tree.

On Linux a *subreaper* adopts every orphan below it, so that also a daemonised grandchild is found and ended. On macOS
there is no such thing: a process that left its parents (double fork) escapes, and identities come from ``ps``. That is
best effort, and documented for users.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a killed process may take to vanish (it may wait inside the kernel for a disk)."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True, order=True)
class ProcessId:
    """One process of one boot of one machine: process numbers are used again, this triple is not.

    ``started`` is the kernel's own text of the start time (Linux: clock ticks since boot).
    """

    boot: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> ProcessId:
        """The process that asks."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """The process that has the number now.

        Raises:
            ProcessLookupError: when there is none.
        """
        entry = _entry(pid)
        if entry is None:
            raise ProcessLookupError(f"there is no process {pid}")
        return cls(boot_id(), pid, entry.started)

    @classmethod
    def parse(cls, text: str) -> ProcessId:
        """The identity that :meth:`__str__` wrote.

        Raises:
            ValueError: when the text is something else.
        """
        boot, pid, started = text.split("/", 2)
        return cls(boot, int(pid), started)

    def __str__(self) -> str:
        return f"{self.boot}/{self.pid}/{self.started}"

    def alive(self) -> bool:
        """Whether it still runs; one that ended and waits for its parent (a zombie) does not."""
        entry = _entry(self.pid)
        return self.boot == boot_id() and entry is not None and entry.runs(self.started)


@cache
def boot_id() -> str:
    """What changes whenever the machine starts."""
    if _LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    asked = subprocess.run(
        ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def become_subreaper() -> bool:
    """Adopt every orphan among this process's descendants; false where the system cannot."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: signal.Signals, parent: int) -> bool:
    """Have the kernel send ``number`` to this process when ``parent`` dies; false where the system cannot.

    Called by a child right after the fork. ``parent`` may have died before: then the signal is sent here and now.
    """
    asked = _prctl(_PR_SET_PDEATHSIG, number)
    if asked and os.getppid() != parent:
        os.kill(os.getpid(), number)
    return asked


def children(pid: int) -> list[int]:
    """The direct children of a process, ended ones included, in ascending order."""
    return sorted(child for child, entry in _table().items() if entry.parent == pid)


def descendants(pid: int) -> list[int]:
    """All processes below a process, ended ones included, in ascending order."""
    return sorted(_below({pid}, _table()))


def kill_tree(pid: int, *, grace: float) -> tuple[ProcessId, ...]:
    """End a process and all below it: TERM, then KILL after ``grace`` seconds, until none is left.

    Whoever was seen below it once is followed, also after its parent died. Returns the survivors: none, but for
    processes stuck in the kernel or owned by another user.
    """
    seen: set[ProcessId] = set()
    with contextlib.suppress(ProcessLookupError):
        seen.add(ProcessId.of(pid))

    def alive() -> set[ProcessId]:
        table, boot = _table(), boot_id()
        roots = {one.pid for one in seen if one.pid in table and table[one.pid].started == one.started}
        seen.update(ProcessId(boot, one, table[one].started) for one in _below(roots, table))
        return {one for one in seen if one.pid in table and table[one.pid].runs(one.started)}

    return tuple(sorted(_end(alive, grace)))


def end_descendants(*, grace: float, hurry: Callable[[], bool] = bool) -> tuple[ProcessId, ...]:
    """End everything below *this* process and reap it; the survivors, as above. ``hurry`` ends the grace early.

    Only for a process whose children are all its own business, for it reaps any child.
    """

    def alive() -> set[ProcessId]:
        if not reap({}):
            return set()
        table, boot = _table(), boot_id()
        return {ProcessId(boot, one, table[one].started) for one in _below({os.getpid()}, table)}

    return tuple(sorted(_end(alive, grace, hurry)))


def reap(statuses: dict[int, int]) -> bool:
    """Collect the wait statuses of children that ended, without waiting; false when no child is left at all."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        statuses[pid] = status


def _end(alive: Callable[[], set[ProcessId]], grace: float, hurry: Callable[[], bool] = bool) -> set[ProcessId]:
    """TERM once to each, KILL to each again and again after ``grace``, until ``alive`` finds none."""
    begun = time.monotonic()
    told: set[ProcessId] = set()
    pause = 0.001
    while left := alive():
        spent = time.monotonic() - begun
        if spent > grace + PATIENCE:
            return left
        kill = spent >= grace or hurry()
        for process in left:
            if kill:
                _send(process.pid, signal.SIGKILL)
            elif process not in told:
                _send(process.pid, signal.SIGTERM)
        told |= left
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return set()


def _send(pid: int, number: signal.Signals) -> None:
    # Gone already, or run under another user (a set-user-id program): the caller sees whether it is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the system's process table."""

    parent: int
    started: str
    ended: bool

    def runs(self, started: str) -> bool:
        """Whether it is the process that started then, and has not ended."""
        return self.started == started and not self.ended


def _below(roots: set[int], table: Mapping[int, _Entry]) -> set[int]:
    """Everybody below the roots, without the roots."""
    followers: dict[int, list[int]] = {}
    for pid, entry in table.items():
        followers.setdefault(entry.parent, []).append(pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for pid in followers.get(todo.pop(), ()):
            if pid not in found and pid not in roots:
                found.add(pid)
                todo.append(pid)
    return found


def _table() -> dict[int, _Entry]:
    """Every process now."""
    if not _LINUX:
        return _ps(["-A"])
    found = ((int(name), _entry(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: entry for pid, entry in found if entry is not None}


def _entry(pid: int) -> _Entry | None:
    if not _LINUX:
        return _ps(["-p", str(pid)]).get(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # "pid (any name, even with spaces and brackets) state parent ... start time": count from the last bracket.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return _Entry(parent=int(fields[1]), started=fields[19].decode("ascii"), ended=fields[0] in b"ZX")


def _ps(which: list[str]) -> dict[int, _Entry]:
    asked = subprocess.run(
        ["/bin/ps", *which, "-o", "pid=,ppid=,stat=,lstart="], capture_output=True, text=True, check=False
    )
    lines = (line.split(maxsplit=3) for line in asked.stdout.splitlines())
    return {
        int(pid): _Entry(int(parent), started.strip(), ended=state.startswith("Z"))
        for pid, parent, state, started in lines
    }


def _prctl(option: int, value: int) -> bool:
    if not _LINUX:
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0) == 0)
