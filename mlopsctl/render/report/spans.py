"""Markdown that its texts cannot leave: code spans, fenced blocks, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlopsctl.delivery.report.value import Prose, Said
from mlopsctl.ground.text import printable
from mlopsctl.render.report import words


def code(text: str, most: int = 300) -> str:
    """A code span that its text cannot leave; a bar is escaped for tables."""
    clean = words.clip(text, most).replace("|", "\\|")
    if not clean.strip():
        return "` `" if clean else ""
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in clean).split()), default=0)
    fence = "`" * (longest + 1)
    pad = " " if clean.startswith(("`", " ")) or clean.endswith(("`", " ")) else ""
    return f"{fence}{pad}{clean}{pad}{fence}"


def block(lines: Iterable[str], language: str = "") -> str:
    """A fenced block that none of its lines can close."""
    body = [printable(line) for line in lines]
    fence = "```"
    while any(fence in line for line in body):
        fence += "`"
    return "\n".join([f"{fence}{language}", *body, fence])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def prose(pieces: Prose) -> str:
    """A sentence; what others said stands in code spans."""
    return "".join(code(piece.text, 600) if isinstance(piece, Said) else piece for piece in pieces)
