"""Walking a folder that nobody vouches for: every file is opened relative to its open parent, then checked.

A name is never resolved twice, so a link swapped in between the check and the read is not followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.artifacts.problems import BadArtifact
from mlopsctl.ground.errors import Problem

MAX_FILES = 100_000
MAX_DEPTH = 32
MAX_PATH_BYTES = 1024
CHUNK = 1 << 20

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file, open for reading; the descriptor is closed when the walk goes on."""

    path: str
    descriptor: int


def files(folder: Path) -> Iterator[OpenFile]:
    """All regular files under a folder, each open, in no particular order.

    Raises:
        BadArtifact: for anything that is neither a regular file nor a folder, and past the limits.
        OSError: when the folder cannot be read.
    """
    root = _open(folder, _FOLDER_FLAGS, None, str(folder))
    count = 0
    try:
        for file in _walk(root, ""):
            count += 1
            if count > MAX_FILES:
                raise BadArtifact.because(
                    "too-many-files",
                    f"the folder holds more than {MAX_FILES:,} files",
                    hint="pack small files into one (Parquet, tar)",
                )
            yield file
    finally:
        os.close(root)


def chunks(file: OpenFile) -> Iterator[bytes]:
    """The bytes of an open file, a mebibyte at a time."""
    while chunk := os.read(file.descriptor, CHUNK):
        yield chunk


def _walk(folder: int, prefix: str) -> Iterator[OpenFile]:
    if prefix.count("/") >= MAX_DEPTH:
        raise BadArtifact.because("too-deep", f"{prefix!r} is nested deeper than {MAX_DEPTH} folders")
    with os.scandir(folder) as found:
        names = [entry.name for entry in found]
    for name in names:
        path = prefix + name
        # Opening a device can do something, so look first; what counts is the check after the opening.
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        _refuse_special(mode, path)
        is_folder = stat.S_ISDIR(mode)
        descriptor = _open(name, _FOLDER_FLAGS if is_folder else _FILE_FLAGS, folder, path)
        try:
            if is_folder:
                yield from _walk(descriptor, f"{path}/")
            else:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise _changed(path)
                yield OpenFile(path, descriptor)
        finally:
            os.close(descriptor)


def _open(name: str | Path, flags: int, parent: int | None, path: str) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            raise _changed(path) from error
        raise


def _changed(path: str) -> Problem:
    return BadArtifact.because("not-a-file", f"{path!r} is not, or is no longer, a plain file or folder")


def _refuse_special(mode: int, path: str) -> None:
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "of an unknown kind")
    raise BadArtifact.because(
        "not-a-file",
        f"{path!r} is {kind}; an artifact holds regular files only",
        hint="let the step copy the content into its output folder",
    )
