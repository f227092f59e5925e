"""The text of a lock file: always the same for the same lock, so that any other byte is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlopsctl.ground.text import printable
from mlopsctl.lowering.release_lock import LockedHold, ReleaseLock

_HEAD = "# What this environment follows. Written by `mlopsctl promote` and `rollback`; review and commit it.\n"
_MOST = 500


def lock_text(lock: ReleaseLock) -> str:
    """The file's text: keys in one order, one line for each value, every text in quotes."""
    return _HEAD + "".join(_lines(lock))


def hold_of(model: str, reason: str) -> LockedHold:
    """The hold of a rollback; the reason as it can stand on one line."""
    told = "".join(char if char.isprintable() else "?" for char in printable(reason.strip()))
    return LockedHold(model=model, reason=told[:_MOST] or "rolled back")


def _lines(lock: ReleaseLock) -> Iterator[str]:
    yield "version: 1\n"
    yield _line("project", lock.project)
    yield _line("environment", lock.environment)
    yield _line("from", lock.source)
    yield "model:\n"
    yield _line("  name", lock.model.name)
    yield _line("  version", lock.model.version)
    yield _line("  digest", lock.model.digest)
    yield "data:\n" if lock.data else "data: {}\n"
    for name, digest in sorted(lock.data.items()):
        yield f"  {json.dumps(name)}: {_quoted(digest)}\n"
    yield "code:\n"
    yield _line("  commit", lock.code.commit)
    yield _line("  digest", lock.code.digest)
    yield _line("image", lock.image)
    yield _line("pipeline", lock.pipeline)
    yield _line("evidence", lock.evidence)
    if lock.hold is not None:
        yield "hold:\n"
        yield _line("  model", lock.hold.model)
        yield _line("  reason", lock.hold.reason)


def _line(key: str, value: str) -> str:
    return f"{key}: {_quoted(value)}\n"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
