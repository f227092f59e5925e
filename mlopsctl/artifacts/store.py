"""The artifact store: folders in, digests out, and back only what its digest says.

Layout: ``objects/ab/cdef…`` by each file's sha256 and ``manifests/ab/cdef….json`` by the artifact's digest. The
manifest is written last, so an artifact is visible only when it is whole. Everything is verified while it is read.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from mlopsctl.artifacts.blobs import Blobs, manifest_name, object_name
from mlopsctl.artifacts.local import LocalBlobs
from mlopsctl.artifacts.manifest import FileEntry, Manifest
from mlopsctl.artifacts.problems import BadArtifact, BrokenArtifact, MissingArtifact, StoreUnavailable, changing
from mlopsctl.artifacts.walk import CHUNK
from mlopsctl.ground.errors import Problem
from mlopsctl.objects.problems import ObjectsUnavailable
from mlopsctl.objects.together import together

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_MAX_MANIFEST = 256 << 20
_RERUN = "run the same command again; the step that makes it runs once more"


class ArtifactStore:
    """A content-addressed store at a folder (``.mlops/artifacts``, ``file:///…``) or an fsspec URL.

    Processes and threads may share a store; equal content put twice is kept once. A digest that is not one of ours
    raises ``ValueError``; a store that cannot be read or written raises ``StoreUnavailable``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.blobs = _blobs(url)

    def put(self, folder: Path) -> str:
        """Keep a copy of a folder and return its digest.

        Raises:
            BadArtifact: when the folder holds more than regular files; nothing is then visible.
        """
        try:
            with self._talking("store the artifact"):
                return self.blobs.save(folder).digest
        except FileNotFoundError as error:
            raise changing(folder) from error

    def fetch(self, digest: str, destination: Path) -> None:
        """Copy an artifact into a new or empty folder, files read-only, verifying each while it is copied.

        Raises:
            MissingArtifact, BrokenArtifact: the folder is then gone, and running the step again heals the store.
            FileExistsError: when the folder is not empty.
        """
        manifest = self.manifest(digest)
        destination.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(destination.iterdir()):
            raise FileExistsError(f"{destination} is not empty")
        try:
            copy = partial(self._copy, digest, destination)
            for _ in together(self.blobs.workers, copy, manifest.files):
                pass
        except BaseException as error:
            shutil.rmtree(destination, ignore_errors=True)
            if isinstance(error, OSError):
                raise StoreUnavailable.because(
                    "no-copy",
                    f"cannot copy the artifact {digest} to {str(destination)!r}: {error.strerror or error}",
                    hint="check the space and the permissions there",
                ) from error
            raise

    def read(self, digest: str, file: str) -> bytes:
        """One file of an artifact, verified. Raises MissingArtifact when the artifact has no such file."""
        entry = next((entry for entry in self.manifest(digest).files if entry.path == file), None)
        if entry is None:
            raise MissingArtifact.because("no-such-file", f"the artifact {digest} has no file {file!r}")
        return b"".join(self._verified(digest, entry))

    def manifest(self, digest: str) -> Manifest:
        """What an artifact is made of, verified against its digest."""
        name = _manifest_of(digest)
        try:
            with self._talking("read the artifact"), self.blobs.open(name) as stream:
                content = stream.read(_MAX_MANIFEST)
        except FileNotFoundError as error:
            raise MissingArtifact.because(
                "missing-artifact", f"the artifact {digest} is not in the store {self.url!r}", hint=_RERUN
            ) from error
        try:
            manifest = Manifest.from_bytes(content)
        except BadArtifact:
            manifest = None
        if manifest is None or manifest.digest != digest:
            raise self._broken(digest, name, "its manifest is damaged")
        return manifest

    def has(self, digest: str) -> bool:
        """Whether the artifact is there. One look at its manifest; content is verified when it is read."""
        return digest in self.has_many((digest,))

    def has_many(self, digests: Collection[str]) -> set[str]:
        """Which of the artifacts are there; see :meth:`has`."""
        names = {_manifest_of(digest): digest for digest in digests}
        with self._talking("look for artifacts"):
            return {names[name] for name in self.blobs.present(names)}

    def discard(self, digest: str) -> None:
        """Remove an artifact that nobody has heard of, with its files; only for one that no other shares files with."""
        manifest = self.manifest(digest)
        with self._talking("remove the artifact"):
            for name in (_manifest_of(digest), *(object_name(entry.sha256) for entry in manifest.files)):
                self.blobs.remove(name)

    def note(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Keep a small text beside the artifacts, under ``runs/…`` or ``keys/…``.

        Raises:
            FileExistsError: when ``new`` and there is one of that name.
        """
        with self._talking(f"write {name}", expected=FileExistsError):
            self.blobs.write(name, content, new=new)

    def noted(self, name: str) -> bytes | None:
        """A small text that was kept; ``None`` when there is none."""
        try:
            with self._talking(f"read {name}"), self.blobs.open(name) as stream:
                return stream.read(_MAX_MANIFEST)
        except FileNotFoundError:
            return None

    def notes(self, folder: str) -> tuple[str, ...]:
        """The names of the small texts below a folder, sorted."""
        with self._talking(f"look into {folder}"):
            return tuple(self.blobs.names(folder))

    def uri(self, digest: str) -> str:
        """Where the artifact's manifest is, for people and other tools."""
        return self.blobs.uri(_manifest_of(digest))

    def _copy(self, digest: str, destination: Path, entry: FileEntry) -> None:
        target = destination / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in self._verified(digest, entry):
                stream.write(chunk)

    def _verified(self, digest: str, entry: FileEntry) -> Iterator[bytes]:
        """The bytes of a file; raises at the end when they were not the right ones."""
        name = object_name(entry.sha256)
        sha, size = hashlib.sha256(), 0
        for chunk in self._chunks(digest, name):
            sha.update(chunk)
            size += len(chunk)
            if size > entry.size:
                break
            yield chunk
        if size != entry.size or sha.hexdigest() != entry.sha256:
            raise self._broken(digest, name, f"the content of {entry.path!r} is damaged")

    def _chunks(self, digest: str, name: str) -> Iterator[bytes]:
        try:
            with self._talking("read the artifact"), self.blobs.open(name) as stream:
                yield from _read(stream)
        except FileNotFoundError as error:
            raise self._broken(digest, name, "a part of it is gone") from error

    def _broken(self, digest: str, name: str, why: str) -> Problem:
        """Take the artifact out of sight, so that it counts as not there and its step runs again."""
        message = f"the artifact {digest} cannot be used: {why} ({self.blobs.uri(name)})"
        with self._talking("set a broken artifact aside"):
            self.blobs.set_aside(name)
            self.blobs.set_aside(_manifest_of(digest))
        return BrokenArtifact.because("broken-artifact", f"{message}; it was set aside", hint=_RERUN)

    @contextmanager
    def _talking(self, action: str, expected: type[OSError] = FileNotFoundError) -> Iterator[None]:
        try:
            yield
        except expected:
            raise  # the caller knows what is missing, or there already
        except ObjectsUnavailable as error:
            raise StoreUnavailable(
                replace(found, message=f"cannot {action}: {found.message}") for found in error.diagnostics
            ) from error
        except OSError as error:
            raise StoreUnavailable.because(
                "store-unavailable",
                f"cannot {action} in {self.url!r}: {error.strerror or error}",
                hint="check the store's space and permissions; stores.artifacts in mlops.yaml says where it is",
            ) from error


def _blobs(url: str) -> Blobs:
    if "://" not in url:
        return LocalBlobs(Path(url))
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalBlobs(Path(unquote(parts.path)))
    from mlopsctl.artifacts.remote import RemoteBlobs

    try:
        return RemoteBlobs(url)
    except ObjectsUnavailable as error:
        raise StoreUnavailable(
            replace(found, message=f"the artifact store {found.message}") for found in error.diagnostics
        ) from error


def _manifest_of(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is not a digest")
    return manifest_name(digest)


def _read(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk
