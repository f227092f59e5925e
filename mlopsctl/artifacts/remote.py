"""Blobs behind a URL (``gs://bucket/path``, ``s3://…``, ``memory://…``).

An object is uploaded under its final name, for such places show it only when it is whole; the manifest comes last.
What is there already, by size and checksum, is not sent again. It is made young instead, so that nobody who removes
old objects meanwhile takes it for one that nobody needs.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from mlopsctl.artifacts.blobs import ASIDE, Blob, manifest_name, object_name
from mlopsctl.artifacts.manifest import FileEntry, Manifest, scan
from mlopsctl.artifacts.problems import changing
from mlopsctl.objects.content import Content, ContentChanged
from mlopsctl.objects.opening import open_objects
from mlopsctl.objects.together import together

WORKERS = 8
YOUNG_SECONDS = 12 * 3600.0
_IN_MEMORY = 16 << 20
_RACES = 5
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RemoteBlobs:
    """See :class:`~mlopsctl.artifacts.blobs.Blobs`."""

    workers = WORKERS

    def __init__(self, url: str) -> None:
        self._objects = open_objects(url)

    def save(self, folder: Path) -> Manifest:
        manifest = scan(folder)
        by_content = {entry.sha256: entry for entry in manifest.files}
        for _ in together(WORKERS, partial(self._upload, folder), by_content.values()):
            pass
        self._keep(manifest_name(manifest.digest), Content.of(manifest.to_bytes()), young=0.0)
        return manifest

    def open(self, name: str) -> BinaryIO:
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        held = cast(BinaryIO, file)
        try:
            self._objects.download(name, held)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return held

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        if new:
            self._objects.create(name, Content.of(content))
        else:
            self._objects.replace(name, Content.of(content))

    def names(self, folder: str) -> Iterator[str]:
        yield from (found.name for found in self._objects.list(f"{folder}/"))

    def present(self, names: Iterable[str]) -> set[str]:
        asked = list(names)
        found = together(WORKERS, self._objects.about, asked)
        return {name for name, about in zip(asked, found, strict=True) if about is not None}

    def set_aside(self, name: str) -> None:
        self._objects.move(name, f"{ASIDE}/{Path(name).name}.{secrets.token_hex(4)}")

    def uri(self, name: str) -> str:
        return self._objects.uri(name)

    def list(self, kind: str) -> Iterator[Blob]:
        for found in self._objects.list(f"{kind}/"):
            yield Blob(found.name, max(found.size, 0), found.written, found.version)

    def remove(self, name: str, version: str = "") -> None:
        self._objects.remove(name, version)

    def left_over(self, older: float) -> tuple[str, ...]:
        return ()

    def remove_left_over(self, name: str) -> None:
        """Nothing is ever left: an upload that was broken off is not shown."""

    def locked(self, *, alone: bool) -> AbstractContextManager[bool]:
        return nullcontext(False)

    def _upload(self, folder: Path, entry: FileEntry) -> None:
        """Keep a file under the name that it was scanned by, unless it is another one by now."""
        path = folder / entry.path
        try:
            stream = os.fdopen(os.open(path, _FLAGS), "rb")
        except OSError as error:
            raise changing(path) from error
        with stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise changing(path)
            try:
                self._keep(object_name(entry.sha256), Content(stream, entry.size, entry.sha256), young=YOUNG_SECONDS)
            except ContentChanged as error:
                raise changing(path) from error

    def _keep(self, name: str, content: Content, *, young: float) -> None:
        """See that a blob is there with this content, and younger than so many seconds."""
        for _ in range(_RACES):
            seen = self._objects.about(name)
            try:
                if seen is None:
                    self._objects.create(name, content)
                elif seen.size not in (-1, content.size) or (seen.md5 and seen.md5 != content.md5()):
                    self._objects.replace(name, content, seen)
                elif seen.written <= time.time() - young:
                    self._objects.touch(seen, content)
            except FileExistsError:
                continue  # another writer was faster; look at what it wrote
            return
        raise OSError(f"others write {self.uri(name)} all the time")
