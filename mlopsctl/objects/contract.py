"""What a place of objects can do; names are relative to the URL that was opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from mlopsctl.objects.content import Content


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is there.

    Attributes:
        name: below the URL that was opened.
        size: bytes; -1 where the place does not say.
        written: when it was written or touched, seconds since the epoch; now, where the place does not say.
        md5: of the content, hexadecimal; empty where the place does not keep it.
        version: what changes whenever the object is written or touched; empty where the place does not say.
        identity: what changes whenever the content does: its checksum, else a number of this writing.
    """

    name: str
    size: int
    written: float
    md5: str
    version: str
    identity: str


class Objects(Protocol):
    """Named objects below a URL. Whatever goes wrong on the way is an ``ObjectsUnavailable``."""

    @property
    def url(self) -> str:
        """The URL without a slash at its end."""

    def about(self, name: str) -> Stored | None:
        """What is known of an object; ``None`` when there is none."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Every object whose name begins so, in the order of their names."""

    def download(self, name: str, target: BinaryIO, version: str = "") -> None:
        """Write an object's bytes to a file; ``FileNotFoundError`` when it, or that version of it, is not there."""

    def create(self, name: str, content: Content) -> None:
        """Write an object that is not there yet; ``FileExistsError`` when there is one of that name."""

    def replace(self, name: str, content: Content, seen: Stored | None = None) -> None:
        """Write an object in place of another; ``FileExistsError`` when that one is no longer the one ``seen``."""

    def touch(self, seen: Stored, content: Content) -> None:
        """Make an object young again, whose content is known to be this."""

    def remove(self, name: str, version: str = "") -> None:
        """Remove an object, or only that version of it; nothing when it is gone already."""

    def move(self, name: str, to: str) -> None:
        """Give an object another name; nothing when it is gone already."""

    def uri(self, name: str) -> str:
        """The object's URL."""
