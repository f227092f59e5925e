"""The digest of a file's bytes, remembered by its size, time and inode so that a big file is read once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from mlopsctl.ground.digest import digest_stream
from mlopsctl.ground.files import write_atomic

# A file that changed so shortly before it was looked at may change again within the same clock tick.
_SETTLED_NS = 2_000_000_000


def file_digest(file: Path, memo: Path | None = None) -> str:
    """``sha256:`` of the file's content.

    Args:
        file: a regular file.
        memo: a folder for remembered digests, made when it is missing. A remembered digest is used only while
            size, modification and change time (ns), inode and device are what they were.

    Raises:
        OSError: when the file cannot be read.
    """
    with file.open("rb") as stream:
        before = _stat(stream.fileno())
        entry = None if memo is None else memo / f"{hashlib.sha256(os.fsencode(file.absolute())).hexdigest()}.json"
        known = None if entry is None else _remembered(entry, before)
        if known is not None:
            return known
        digest, _ = digest_stream(stream)
        unchanged = _stat(stream.fileno()) == before
    if entry is not None and unchanged and _settled(before):
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(entry, json.dumps({"stat": before, "digest": digest}).encode())
    return digest


def _stat(descriptor: int) -> list[int]:
    found = os.fstat(descriptor)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev]


def _settled(stat: list[int]) -> bool:
    import time

    return time.time_ns() - max(stat[1], stat[2]) > _SETTLED_NS


def _remembered(entry: Path, stat: list[int]) -> str | None:
    """The digest on record for exactly this state of the file; a record that cannot be read is no record."""
    try:
        record = json.loads(entry.read_bytes())
    except (OSError, ValueError):
        return None
    if isinstance(record, dict) and record.get("stat") == stat and isinstance(record.get("digest"), str):
        return str(record["digest"])
    return None
