"""After a rollback: the lock says so, and a lock that names the earlier model again is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.promotion.follow import without_hold
from mlopsctl.delivery.promotion.lock_text import hold_of, lock_text
from mlopsctl.delivery.promotion.proposal import earlier_texts
from mlopsctl.delivery.write import write_files
from mlopsctl.ground.errors import Undecided
from mlopsctl.lowering.release_lock import (
    Followed,
    evidence_file,
    lock_file,
    parse_release_lock,
    read_release_lock,
)


@dataclass(frozen=True, slots=True)
class Revert:
    """What a rollback proposes: contents by path, and whether they name the earlier model again."""

    files: Mapping[Path, bytes]
    names_earlier: bool


def hold_lock(loaded: Loaded, withdrawn: str, reason: str) -> tuple[Path, ...]:
    """Write ``hold:`` into the lock that the environment follows; the files written.

    Raises:
        StepProblem: when it cannot be written.
    """
    followed = _followed(loaded)
    if followed is None:
        return ()
    held = followed.lock.model_copy(update={"hold": hold_of(withdrawn, reason)})
    return write_files({followed.file: lock_text(held).encode()})


def locked_model(loaded: Loaded) -> str:
    """The model that the lock names now, by digest; empty where there is none."""
    followed = _followed(loaded)
    return followed.lock.model.digest if followed is not None else ""


def lift_lock(loaded: Loaded) -> tuple[Path, ...]:
    """Take ``hold:`` out of the lock; the files written."""
    followed = _followed(loaded)
    if followed is None or followed.lock.hold is None:
        return ()
    return write_files({followed.file: lock_text(without_hold(followed.lock)).encode()})


def revert(loaded: Loaded, model: str) -> Revert | None:
    """The lock and the evidence that git had for a model, or the lock with its hold where git had none."""
    if not loaded.project.follows_lock:
        return None
    file, proof = (make(loaded.folder, loaded.environment) for make in (lock_file, evidence_file))
    for lock_bytes, proof_bytes in earlier_texts(loaded.folder, file, proof):
        try:
            found = parse_release_lock(lock_bytes, file, loaded.environment)
        except Undecided:
            continue
        if found.lock.model.digest == model and found.lock.hold is None:
            return Revert({proof: proof_bytes, file: lock_bytes}, names_earlier=True)
    followed = _followed(loaded)
    return None if followed is None else Revert({file: followed.content}, names_earlier=False)


def _followed(loaded: Loaded) -> Followed | None:
    if not loaded.project.follows_lock:
        return None
    try:
        return read_release_lock(loaded.folder, loaded.environment)
    except Undecided:
        # A rollback must work whatever became of the lock; apply says what is wrong with it.
        return None
