"""Looking at everything that is stored: artifacts byte by byte, records, what ties them, and what killed runs left."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from mlopsctl.artifacts import upkeep
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.exclusive import exclusively
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.flaw import Flaw
from mlopsctl.metadata import checkup, keeping
from mlopsctl.orchestrators.local.staging import Staging

_AGAIN = "`mlopsctl fsck --repair` notes it, and the next apply makes it again"


def check(loaded: Loaded, *, repair: bool = False) -> tuple[Flaw, ...]:
    """Every flaw of the project's stores; with ``repair`` those that can be are repaired on the way.

    Raises:
        Locked: when there is something to repair and a command changes one of the environments now.
    """
    with open_stores(loaded) as stores, ExitStack() as held:
        if repair:
            held.enter_context(exclusively(loaded, stores, "mlopsctl fsck"))
        flaws = [*checkup.check(stores.metadata, repair=repair)]
        flaws += upkeep.verify(stores.artifacts, repair=repair)
        flaws += _missing(stores, repair=repair)
        flaws += _staging(stores.home / "staging", repair=repair)
        flaws += () if repair else _interrupted(loaded, stores)
        return tuple(flaws)


def _missing(stores: Stores, *, repair: bool) -> Iterator[Flaw]:
    """Artifacts that were recorded, were not removed by gc, and are not there."""
    wanted = keeping.known(stores.metadata) - upkeep.stored(stores.artifacts).keys()
    gone = sorted(digest for digest in wanted if digest.startswith("sha256:"))
    if repair and gone:
        keeping.forget(stores.metadata, gone)
    for digest in gone:
        yield Flaw("missing-artifact", f"the artifact {digest} is recorded and not in the store", _AGAIN, repair)


def _staging(workspace: Path, *, repair: bool) -> Iterator[Flaw]:
    """Folders of attempts whose run is gone; a living run holds a lock on its own."""
    hint = "the next run removes it, or `mlopsctl fsck --repair`"
    dead = [folder for folder in sorted(workspace.glob("*")) if folder.is_dir() and not _locked(folder)]
    if repair and dead:
        with Staging(workspace):
            pass
    for folder in dead:
        yield Flaw("left-over", f"{folder} was left by a run that was killed", hint, repair)


def _interrupted(loaded: Loaded, stores: Stores) -> Iterator[Flaw]:
    """What a killed command left open in this project, where nobody is at work."""
    project = loaded.project.name
    for owner, environment in stores.state.environments():
        if owner != project or stores.state.tenure(project, environment, stores.home / "locks").held:
            continue
        for intent in stores.state.pending(project, environment):
            hint = f"the next `mlopsctl apply -e {environment}` looks at what is there and finishes it"
            yield Flaw("interrupted", f"a {intent.kind} of {environment!r} was begun and not finished", hint)
        for run in stores.metadata.runs(project, environment, limit=1_000_000):
            if run.state == "running":
                hint = "the next command that changes this environment closes it, or `mlopsctl fsck --repair`"
                yield Flaw("interrupted", f"the run {run.id} of {environment!r} was killed", hint)


def _locked(folder: Path) -> bool:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
