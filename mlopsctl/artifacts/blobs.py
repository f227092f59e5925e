"""What an artifact store stands on: named blobs that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from mlopsctl.artifacts.manifest import Manifest

ASIDE = "quarantine"


class Blobs(Protocol):
    """A place that keeps objects and manifests by name (``objects/ab/cdef…``)."""

    def save(self, folder: Path) -> Manifest:
        """Keep every file of a folder, and last its manifest."""

    def open(self, name: str) -> BinaryIO:
        """Read a blob; ``FileNotFoundError`` when there is none."""

    def present(self, names: Iterable[str]) -> set[str]:
        """Which of the names exist."""

    def set_aside(self, name: str) -> None:
        """Move a broken blob to ``quarantine/`` so that it can be written anew; nothing when it is gone already."""

    def uri(self, name: str) -> str:
        """Where the blob is, for people and other tools."""


def object_name(sha256: str) -> str:
    """The name of a file's content."""
    return f"objects/{sha256[:2]}/{sha256[2:]}"


def manifest_name(digest: str) -> str:
    """The name of an artifact's manifest."""
    hexadecimal = digest.removeprefix("sha256:")
    return f"manifests/{hexadecimal[:2]}/{hexadecimal[2:]}.json"
