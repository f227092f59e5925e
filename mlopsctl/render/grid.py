"""Tables: aligned columns that no reader wraps or cuts, the head in bold where a person looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from rich.text import Text

Cell: TypeAlias = "str | tuple[str, str]"
"""A text, or a text with a style of rich."""

_GAP = "  "


def grid(head: Sequence[str], rows: Sequence[Sequence[Cell]], indent: str = "") -> Text:
    """Rows under a head; columns that are empty in every row are left out, and user text is made harmless."""
    from rich.text import Text

    cells = [[_cell(cell) for cell in row] for row in rows]
    kept = [at for at in range(len(head)) if any(row[at][0] for row in cells)] if cells else list(range(len(head)))
    widths = {at: max([len(head[at]), *(_width(row[at][0]) for row in cells)]) for at in kept}
    lines = [_line(indent, [(head[at], "bold") for at in kept], [widths[at] for at in kept])] if any(head) else []
    lines += [_line(indent, [row[at] for at in kept], [widths[at] for at in kept]) for row in cells]
    return Text("\n").join(lines)


def _cell(cell: Cell) -> tuple[str, str]:
    text, style = cell if isinstance(cell, tuple) else (cell, "")
    return printable(text), style


def _line(indent: str, cells: Sequence[tuple[str, str]], widths: Sequence[int]) -> Text:
    from rich.text import Text

    line = Text(indent)
    for at, ((text, style), width) in enumerate(zip(cells, widths, strict=True)):
        last = at == len(cells) - 1
        line.append(text, style or None)
        if not last:
            line.append(" " * (width - _width(text)) + _GAP)
    line.rstrip()
    return line


def _width(text: str) -> int:
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)
