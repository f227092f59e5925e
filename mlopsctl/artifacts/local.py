"""Blobs in a folder of this machine.

A blob is written under ``tmp/``, synced, renamed to its name, and the folder is synced; the manifest comes after
all objects are safe. A kill or a power loss at any moment leaves nothing half-written under a name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mlopsctl.artifacts.blobs import ASIDE, Blob, manifest_name, object_name
from mlopsctl.artifacts.manifest import FileEntry, Manifest
from mlopsctl.artifacts.walk import OpenFile, chunks, files
from mlopsctl.ground.files import sync_folder, write_atomic

STALE_SECONDS = 24 * 3600.0


class LocalBlobs:
    """See :class:`~mlopsctl.artifacts.blobs.Blobs`."""

    workers = 1

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._swept = False

    def save(self, folder: Path) -> Manifest:
        with self._locked(fcntl.LOCK_SH), self._staging() as staging:
            staged: dict[str, Path] = {}
            entries = []
            for number, file in enumerate(files(folder)):
                entry = _copy(file, staging / str(number))
                staged[object_name(entry.sha256)] = staging / str(number)
                entries.append(entry)
            manifest = Manifest.of(entries)
            self._publish(staged)
            self._write_manifest(manifest)
        return manifest

    def open(self, name: str) -> BinaryIO:
        return (self._root / name).open("rb")

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not new:
            write_atomic(path, content)
            return
        staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        write_atomic(staged, content)
        try:
            os.link(staged, path)
            sync_folder(path.parent)
        finally:
            staged.unlink()

    def names(self, folder: str) -> Iterator[str]:
        found = (path for path in (self._root / folder).rglob("[!.]*") if path.is_file())
        yield from sorted(path.relative_to(self._root).as_posix() for path in found)

    def present(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if os.path.exists(f"{self._root}/{name}")}

    def set_aside(self, name: str) -> None:
        aside = self._root / ASIDE / f"{Path(name).name}.{secrets.token_hex(4)}"
        aside.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(self._root / name, aside)
            sync_folder((self._root / name).parent)

    def uri(self, name: str) -> str:
        return (self._root / name).as_uri()

    def list(self, kind: str) -> Iterator[Blob]:
        for path in sorted((self._root / kind).glob("*/[!.]*")):
            with suppress(FileNotFoundError):
                about = path.lstat()
                yield Blob(path.relative_to(self._root).as_posix(), about.st_size, about.st_mtime)

    def remove(self, name: str, version: str = "") -> None:
        (self._root / name).unlink(missing_ok=True)

    def left_over(self, older: float) -> tuple[str, ...]:
        # Folders of writers, and manifests that were not yet renamed.
        before = time.time() - older
        found = [*(self._root / "tmp").glob("*"), *(self._root / "manifests").glob("*/.*.tmp")]
        names = []
        for path in found:
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime <= before:
                    names.append(path.relative_to(self._root).as_posix())
        return tuple(sorted(names))

    def remove_left_over(self, name: str) -> None:
        path = self._root / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self, *, alone: bool) -> Iterator[bool]:
        with self._locked(fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
            yield True

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the store's lock, shared by those who add and alone for who removes; waits for its turn."""
        self._root.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        temporary = self._root / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            _sweep(temporary)
        staging = temporary / secrets.token_hex(8)
        staging.mkdir(mode=0o700)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _publish(self, staged: dict[str, Path]) -> None:
        """Give synced files their names. What is there already is replaced: equal bytes, or broken ones healed."""
        changed: set[Path] = set()
        for name, path in staged.items():
            target = self._root / name
            changed |= self._make_shard(target.parent)
            os.replace(path, target)
        for folder in sorted(changed, reverse=True):
            sync_folder(folder)

    def _write_manifest(self, manifest: Manifest) -> None:
        target = self._root / manifest_name(manifest.digest)
        changed = self._make_shard(target.parent)
        write_atomic(target, manifest.to_bytes(), mode=0o444)
        for folder in sorted(changed - {target.parent}, reverse=True):
            sync_folder(folder)

    def _make_shard(self, shard: Path) -> set[Path]:
        """Make ``objects/ab`` and say which folders must be synced for a new name in it to last."""
        changed = {shard}
        for folder in (shard.parent, shard):
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                changed.add(folder.parent)
        return changed


def _copy(file: OpenFile, target: Path) -> FileEntry:
    """Copy and hash in one reading, and bring the bytes to the disk."""
    sha, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(target, flags, 0o444), "wb", buffering=0) as stream:
        for chunk in chunks(file):
            sha.update(chunk)
            size += len(chunk)
            _write_all(stream.fileno(), chunk)
        os.fsync(stream.fileno())
    return FileEntry(file.path, size, sha.hexdigest())


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _sweep(temporary: Path) -> None:
    """Remove what killed processes left; a day is longer than any copy in progress."""
    now = time.time()
    for folder in temporary.iterdir():
        with suppress(OSError):
            if now - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder)
