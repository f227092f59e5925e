"""Where things stand in a text: files with their lines, and the marks that go with plain data."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from mlopsctl.ground.errors import Span

DocPath: TypeAlias = tuple[str | int, ...]
"""The way to a node of plain data: keys and list positions from the root ``()``."""

_MOST_SHOWN = 1 << 20
_LINE_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class SourceFile:
    """A text as the user wrote it, under the name shown in messages."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return (0, *(found.end() for found in _LINE_BREAK.finditer(self.text)))

    @property
    def lines(self) -> int:
        """How many lines there are; one at least."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """The line of that number (from 1) without its line break; empty text where there is none."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def offset(self, number: int) -> int:
        """Where the line of that number starts, in code points; the end of the text where there is no such line."""
        return self._starts[number - 1] if number <= len(self._starts) else len(self.text)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset in code points."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The place between two offsets in code points; ``end`` is exclusive."""
        return Span(self.name, *self.position(start), *self.position(max(start, end)))


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a node stands: its key (``None`` for list items and the root) and its value."""

    key: Span | None
    value: Span


def readable_source(path: Path, name: str) -> SourceFile | None:
    """The text of a file for showing its lines, or ``None`` where there is none to show.

    Only the first bytes of regular files are read, so that a device or a pipe named by mistake cannot block or fill
    the memory; bytes that are not UTF-8 are replaced.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            content = stream.read(_MOST_SHOWN)
    except (OSError, ValueError):
        return None
    return SourceFile(name, content.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace"))
