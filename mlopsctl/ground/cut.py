"""Long texts cut to what somebody else takes, never inside what a reader sees as one character."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_JOINER = "\u200d"
_LONGEST_CLUSTER = 64


def cut(text: str, most: int, mark: str = "…") -> str:
    """The text in at most ``most`` bytes of UTF-8 (and so in no more characters, however they are counted).

    What is left out is marked. An emoji of several code points, a letter with its accents or a flag stays whole.
    """
    text = text.encode("utf-8", "replace").decode()
    if len(text.encode()) <= most:
        return text
    room = most - len(mark.encode())
    if room < 0:
        return ""
    end = len(text.encode()[:room].decode("utf-8", "ignore"))
    return text[: _boundary(text, end)].rstrip() + mark


def fitted(blocks: Sequence[str], most: int, note: str) -> str:
    """As many of the blocks, in their order and a blank line apart, as have room; the note says that some have not.

    A block of Markdown is kept whole or left out, so that no fence, table or ``<details>`` stays open; only a first
    block that is too long alone is cut.
    """
    kept: list[str] = []
    room = most - len(note.encode()) - 2
    used = 0
    for block in blocks:
        size = len(block.encode("utf-8", "replace")) + 2
        if used + size > room:
            continue
        kept.append(block.encode("utf-8", "replace").decode())
        used += size
    if len(kept) == len(blocks):
        return "\n\n".join(kept)
    if not kept and blocks:
        return cut(blocks[0], room) + f"\n\n{note}"
    return "\n\n".join([*kept, note])


def _boundary(text: str, end: int) -> int:
    """The last place at or before ``end`` between two characters as a reader sees them."""
    at = end
    while at > max(0, end - _LONGEST_CLUSTER) and _joined(text, at):
        at -= 1
    return at


def _joined(text: str, at: int) -> bool:
    """Whether the code points before and after a place belong to one character."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if after == _JOINER or before == _JOINER or (before == "\r" and after == "\n"):
        return True
    if unicodedata.category(after) in ("Mn", "Me", "Mc") or 0x1F3FB <= ord(after) <= 0x1F3FF:
        return True
    if 0xE0020 <= ord(after) <= 0xE007F or 0xFE00 <= ord(after) <= 0xFE0F:
        return True
    if _flag(before) and _flag(after):
        start = at
        while start > 0 and _flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return False


def _flag(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF
