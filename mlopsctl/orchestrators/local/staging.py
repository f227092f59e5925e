"""Staging: one private folder per attempt, gone when the attempt has ended; those of dead runs are swept."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

from mlopsctl.step.folders import remove_tree


class Staging:
    """Hands out ``<workspace>/<run>/<step>.<attempt>``, mode 0700.

    A run's folder is locked while its process lives; the kernel gives the lock back whatever happens to the process,
    so a folder without a lock belongs to nobody and is removed.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._locks: dict[Path, int] = {}

    def __enter__(self) -> Staging:
        if self._workspace.is_dir():
            self._sweep()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for run, lock in self._locks.items():
            remove_tree(run)
            os.close(lock)
        self._locks.clear()
        with contextlib.suppress(OSError):
            # Only when it is empty, and nobody else is about to use it.
            self._workspace.rmdir()

    def make(self, run: str, step: str, attempt: int) -> Path:
        """A new empty folder for an attempt."""
        folder = self._run(run) / f"{step}.{attempt}"
        folder.mkdir(mode=0o700)
        return folder

    def remove(self, folder: Path) -> None:
        """Remove what an attempt left."""
        remove_tree(folder)

    def _run(self, run: str) -> Path:
        folder = self._workspace / run
        while folder not in self._locks:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _lock(folder)
            if lock is not None:
                self._locks[folder] = lock
        return folder

    def _sweep(self) -> None:
        with os.scandir(self._workspace) as found:
            folders = [Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False)]
        for folder in folders:
            lock = _lock(folder)
            if lock is not None:
                remove_tree(folder)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder; ``None`` when somebody else has it, or it was removed meanwhile."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between the opening and the lock a sweep may have removed it.
        if os.path.samestat(os.fstat(lock), os.stat(folder)):
            return lock
    except OSError:
        pass
    os.close(lock)
    return None
