"""The manifest of an artifact: every file's path, size and sha256; its digest is the artifact's identity.

An artifact is a folder of regular files. Empty folders, modes and times are not part of it. Test vectors:
``tests/vectors/artifacts.json``.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.artifacts.problems import BadArtifact
from mlopsctl.artifacts.walk import MAX_DEPTH, MAX_FILES, MAX_PATH_BYTES, chunks, files
from mlopsctl.ground.digest import canonical_json, digest

DOMAIN = "mlopsctl/artifact/v1"
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """One file: its path inside the folder (``/`` between parts), bytes, and sha256 as ``sha256sum`` prints it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of an artifact, sorted by path."""

    files: tuple[FileEntry, ...]

    @property
    def digest(self) -> str:
        """The artifact's identity, ``sha256:<64 hex>``."""
        return digest(DOMAIN, self.to_bytes())

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    def to_bytes(self) -> bytes:
        """Canonical JSON, ``[[path,size,sha256],…]``: what the digest covers and what the store keeps."""
        return canonical_json([[entry.path, entry.size, entry.sha256] for entry in self.files])

    @classmethod
    def of(cls, entries: Iterable[FileEntry]) -> Manifest:
        """The manifest of these files.

        Raises:
            BadArtifact: for a path that leaves the folder or is not portable, and for two that collide.
        """
        ordered = tuple(sorted(entries))
        _refuse_collisions(entry.path for entry in ordered)
        return cls(ordered)

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read :meth:`to_bytes` back; other bytes than the canonical ones are refused.

        Raises:
            BadArtifact: when this is not a manifest.
        """
        manifest = cls.of(_entries(content))
        if manifest.to_bytes() != content:
            raise BadArtifact.because("bad-manifest", "the manifest is not in its canonical form")
        return manifest


def scan(folder: Path) -> Manifest:
    """The manifest of a folder as it stands; each file is hashed from the descriptor that was checked.

    Raises:
        BadArtifact: for links, devices, FIFOs, sockets, colliding or unportable names, and too many files.
    """
    entries = []
    for file in files(folder):
        sha, size = hashlib.sha256(), 0
        for chunk in chunks(file):
            sha.update(chunk)
            size += len(chunk)
        entries.append(FileEntry(file.path, size, sha.hexdigest()))
    return Manifest.of(entries)


def folder_digest(folder: Path) -> str:
    """The digest that :class:`~mlopsctl.artifacts.store.ArtifactStore` would give this folder; see :func:`scan`."""
    return scan(folder).digest


def _entries(content: bytes) -> list[FileEntry]:
    try:
        rows = json.loads(content)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or len(rows) > MAX_FILES:
        raise BadArtifact.because("bad-manifest", "the manifest is not a list of files")
    entries = []
    for row in rows:
        match row:
            case [str(path), int(size), str(sha256)] if (
                not isinstance(size, bool) and size >= 0 and len(sha256) == 64 and _HEX.issuperset(sha256)
            ):
                entries.append(FileEntry(path, size, sha256))
            case _:
                raise BadArtifact.because("bad-manifest", "the manifest has a line that is not a file")
    return entries


def _refuse_collisions(paths: Iterable[str]) -> None:
    """Refuse names that one file system keeps apart and another does not, and a file that is also a folder."""
    seen: dict[str, str] = {}
    files_seen: set[str] = set()
    for path in paths:
        _refuse_unportable(path)
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", prefix).casefold())
            other = seen.setdefault(folded, prefix)
            if other != prefix or folded in files_seen:
                raise BadArtifact.because(
                    "colliding-names",
                    f"the files {other!r} and {path!r} have the same name on some file systems",
                    hint="rename one of them; names must differ in more than upper and lower case or accents",
                )
        files_seen.add(folded)


def _refuse_unportable(path: str) -> None:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or len(parts) > MAX_DEPTH:
        raise BadArtifact.because("bad-path", f"{path!r} is not a path inside an artifact")
    unprintable = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path)
    if unprintable or "\\" in path or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        raise BadArtifact.because(
            "bad-path",
            f"the file name {path!r} cannot be kept on every machine",
            hint=f"use UTF-8 names without control characters and backslashes, at most {MAX_PATH_BYTES} bytes",
        )
