"""What a promotion changes, line by line: the lock that stands now beside the one that would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlopsctl.lowering.release_lock import ReleaseLock


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a promotion's table: what it is, what the environment follows now, and what it would follow."""

    what: str
    now: str
    then: str


def rows(before: ReleaseLock | None, lock: ReleaseLock | None) -> Iterator[Row]:
    """The lock that stands beside the one that would; none without a new one."""
    if lock is None:
        return
    yield Row("model", _version(before), _version(lock))
    yield Row("digest", _short(before.model.digest if before else ""), _short(lock.model.digest))
    yield Row("commit", _short(before.code.commit if before else ""), _short(lock.code.commit))
    for name, digest in sorted(lock.data.items()):
        yield Row(f"data {name}", _short(before.data.get(name, "") if before else ""), _short(digest))
    yield Row("pipeline", _short(before.pipeline if before else ""), _short(lock.pipeline))
    if lock.image or (before is not None and before.image):
        yield Row("image", _short(before.image if before else ""), _short(lock.image))
    yield Row("evidence", _short(before.evidence if before else ""), _short(lock.evidence))


def _version(lock: ReleaseLock | None) -> str:
    return f"{lock.model.name} v{lock.model.version} of {lock.source}" if lock is not None else "nothing"


def _short(digest: str) -> str:
    return digest.rpartition(":")[2][:12] or "nothing"
