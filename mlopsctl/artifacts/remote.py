"""Blobs behind an fsspec URL (``memory://``, ``gs://bucket/path``).

An object is uploaded under its final name, for object stores show it only when it is whole; the manifest comes last.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from mlopsctl.artifacts.blobs import ASIDE, Blob, manifest_name, object_name
from mlopsctl.artifacts.manifest import Manifest, scan
from mlopsctl.artifacts.problems import StoreUnavailable, changing
from mlopsctl.artifacts.walk import OpenFile, chunks, files

THREADS = 16


class RemoteBlobs:
    """See :class:`~mlopsctl.artifacts.blobs.Blobs`."""

    def __init__(self, url: str) -> None:
        import fsspec

        try:
            filesystem, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StoreUnavailable.because(
                "unknown-store",
                f"the artifact store {url!r} cannot be used: {error}",
                hint="use a folder, or a URL that fsspec knows; gs:// needs the package gcsfs",
            ) from error
        self._fs: Any = filesystem
        self._root = root.rstrip("/")

    def save(self, folder: Path) -> Manifest:
        manifest = scan(folder)
        expected = {entry.path: entry.sha256 for entry in manifest.files}
        uploaded = 0
        for file in files(folder):
            self._upload(file, expected.get(file.path, ""))
            uploaded += 1
        if uploaded != len(expected):
            raise changing(folder)
        self._fs.pipe_file(self._path(manifest_name(manifest.digest)), manifest.to_bytes())
        return manifest

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, self._fs.open(self._path(name), "rb"))

    def present(self, names: Iterable[str]) -> set[str]:
        asked = list(names)
        with ThreadPoolExecutor(THREADS) as pool:
            found = pool.map(lambda name: bool(self._fs.exists(self._path(name))), asked)
        return {name for name, exists in zip(asked, found, strict=True) if exists}

    def set_aside(self, name: str) -> None:
        if self._fs.exists(self._path(name)):
            self._fs.mv(self._path(name), self._path(f"{ASIDE}/{Path(name).name}.{secrets.token_hex(4)}"))

    def uri(self, name: str) -> str:
        return str(self._fs.unstrip_protocol(self._path(name)))

    def list(self, kind: str) -> Iterator[Blob]:
        folder = self._path(kind)
        if not self._fs.exists(folder):
            return
        for path, about in self._fs.find(folder, detail=True).items():
            name = path[path.rindex(f"/{kind}/") + 1 :]
            yield Blob(name, int(about.get("size") or 0), self._written(path))

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def left_over(self, older: float) -> tuple[str, ...]:
        return ()

    def remove_left_over(self, name: str) -> None:
        """Nothing is ever left: an upload that was broken off is not shown."""

    def locked(self, *, alone: bool) -> AbstractContextManager[bool]:
        return nullcontext(False)

    def _written(self, path: str) -> float:
        """When a blob was written; now, where the place does not say."""
        try:
            return float(self._fs.modified(path).timestamp())
        except (NotImplementedError, FileNotFoundError):
            return time.time()

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _upload(self, file: OpenFile, sha256: str) -> None:
        """Copy an object under the name it was scanned by, and take it back if the file changed in between."""
        path = self._path(object_name(sha256))
        self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        sha = hashlib.sha256()
        with self._fs.open(path, "wb") as stream:
            for chunk in chunks(file):
                sha.update(chunk)
                stream.write(chunk)
        if sha.hexdigest() != sha256:
            self._fs.rm_file(path)
            raise changing(Path(file.path))
