"""What an artifact store stands on: named blobs that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from mlopsctl.artifacts.manifest import Manifest

ASIDE = "quarantine"
OBJECTS, MANIFESTS = "objects", "manifests"
RUNS, KEYS = "runs", "keys"


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that is there: its name, bytes, and when it was written (seconds since the epoch).

    ``version`` tells this writing of it from others, where the place can.
    """

    name: str
    size: int
    written: float
    version: str = ""


class Blobs(Protocol):
    """A place that keeps objects and manifests by name (``objects/ab/cdef…``)."""

    @property
    def workers(self) -> int:
        """How many blobs are worth reading at a time."""

    def save(self, folder: Path) -> Manifest:
        """Keep every file of a folder, and last its manifest."""

    def open(self, name: str) -> BinaryIO:
        """Read a blob; ``FileNotFoundError`` when there is none."""

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write a small blob whole or not at all; ``new``: ``FileExistsError`` when there is one of that name."""

    def names(self, folder: str) -> Iterator[str]:
        """The names of the small blobs below a folder such as ``runs/<id>``, sorted."""

    def present(self, names: Iterable[str]) -> set[str]:
        """Which of the names exist."""

    def set_aside(self, name: str) -> None:
        """Move a broken blob to ``quarantine/`` so that it can be written anew; nothing when it is gone already."""

    def uri(self, name: str) -> str:
        """Where the blob is, for people and other tools."""

    def list(self, kind: str) -> Iterator[Blob]:
        """Every blob under ``objects`` or ``manifests``, in no particular order."""

    def remove(self, name: str, version: str = "") -> None:
        """Remove a blob, or only that writing of it; nothing when it is gone already."""

    def left_over(self, older: float) -> tuple[str, ...]:
        """What writers left beside the blobs more than so many seconds ago; they were killed."""

    def remove_left_over(self, name: str) -> None:
        """Remove one of :meth:`left_over`."""

    def locked(self, *, alone: bool) -> AbstractContextManager[bool]:
        """Keep out who removes or, ``alone``, every other writer; false where the place has no lock."""


def object_name(sha256: str) -> str:
    """The name of a file's content."""
    return f"objects/{sha256[:2]}/{sha256[2:]}"


def manifest_name(digest: str) -> str:
    """The name of an artifact's manifest."""
    hexadecimal = digest.removeprefix("sha256:")
    return f"manifests/{hexadecimal[:2]}/{hexadecimal[2:]}.json"
