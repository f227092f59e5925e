"""Bytes on their way to a store: read from an open file, hashed on the way, neither more nor fewer than announced."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

_CHUNK = 1 << 20


class ContentChanged(Exception):
    """The file does not hold what was announced; raised before its last byte is handed out."""


class Content:
    """A file's bytes from its beginning.

    Args:
        stream: an open file that can go back to its beginning.
        size: how many bytes it must hold.
        sha256: what their digest must be, hexadecimal; any, where it is empty.
    """

    def __init__(self, stream: BinaryIO, size: int, sha256: str = "") -> None:
        self.size = size
        self._stream = stream
        self._sha256 = sha256
        self._md5 = ""
        self.rewind()

    @classmethod
    def of(cls, content: bytes) -> Content:
        """Bytes in memory."""
        return cls(io.BytesIO(content), len(content))

    def rewind(self) -> None:
        """Begin anew."""
        self._stream.seek(0)
        self._left = self.size
        self._sha = hashlib.sha256()
        self._running_md5 = hashlib.md5(usedforsecurity=False)

    def read(self, most: int) -> bytes:
        """The next bytes, as many as asked for unless the end comes first; none at the end.

        Raises:
            ContentChanged: instead of the last bytes, when all of them are not what was announced.
        """
        if not self._left:
            if not self.size:
                self._check_end()
            return b""
        chunk = b"".join(self._pieces(min(most, self._left)))
        self._left -= len(chunk)
        if not self._left:
            self._check_end()
        return chunk

    def md5(self) -> str:
        """The md5 of the whole, hexadecimal; it is read for that if it was not yet."""
        if not self._md5:
            self.rewind()
            while self.read(_CHUNK):
                pass
            self._check_end()
            self.rewind()
        return self._md5

    def _pieces(self, wanted: int) -> list[bytes]:
        pieces = []
        while wanted:
            piece = self._stream.read(wanted)
            if not piece:
                raise ContentChanged
            self._sha.update(piece)
            self._running_md5.update(piece)
            pieces.append(piece)
            wanted -= len(piece)
        return pieces

    def _check_end(self) -> None:
        if self._stream.read(1) or (self._sha256 and self._sha.hexdigest() != self._sha256):
            raise ContentChanged
        self._md5 = self._running_md5.hexdigest()
