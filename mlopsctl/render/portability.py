"""The portability table: for a terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.delivery.compile import Compiled
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.portability.table import NAMES, Row, Support

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {Support.NATIVE: "green", Support.EMULATED: "yellow", Support.REFUSED: "red"}


def compiled_text(found: Sequence[Compiled], written: Iterable[Path]) -> RenderableType:
    """A table for each orchestrator, then what was written."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for one in found:
        parts.append(Text.assemble((one.project, "bold"), f" · {one.environment} · {NAMES[one.engine]}"))
        parts += [*_table(one.rows), Text()]
    parts += [Text(f"Wrote {printable(str(path))}") for path in written]
    return Group(*parts)


def compiled_json(found: Sequence[Compiled], written: Iterable[Path]) -> str:
    """The same as one JSON object."""
    documents: list[Json] = [
        {
            "project": one.project,
            "environment": one.environment,
            "orchestrator": one.engine,
            "digest": one.bundle.digest if one.bundle is not None else "",
            "portability": rows_json(one.rows),
        }
        for one in found
    ]
    return json.dumps({"compiled": documents, "files": [str(path) for path in written]}, indent=2, ensure_ascii=False)


def rows_json(rows: Iterable[Row]) -> list[Json]:
    """The rows of a table for a program."""
    return [
        {
            "property": row.name,
            "support": row.support.value,
            "how": row.how,
            "hint": row.hint,
            "refused_by": ("apply" if row.by_apply else "compile") if row.support is Support.REFUSED else "",
            "file": row.span.file if row.span is not None else None,
            "line": row.span.line if row.span is not None else None,
        }
        for row in rows
    ]


def _table(rows: Sequence[Row]) -> Iterable[RenderableType]:
    from rich.text import Text

    width = max((len(printable(row.name)) for row in rows), default=0)
    for row in rows:
        by = " by apply" if row.by_apply else ""
        yield Text.assemble(
            (f"  {row.support.value:<9}", _STYLES[row.support]), f"{printable(row.name):<{width}}  ",
            f"{printable(row.how)}{f' (refused{by})' if by else ''}",
        )  # fmt: skip
