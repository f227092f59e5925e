"""Columns: a name and one of few types, whatever file or engine the rows come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable


class ColumnType(StrEnum):
    """The types of values. ``other`` (lists, structures, bytes) can be kept but not learned from."""

    INT = "int"
    FLOAT = "float"
    STRING = "string"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    OTHER = "other"

    @property
    def numeric(self) -> bool:
        """Whether arithmetic on it makes sense."""
        return self in (ColumnType.INT, ColumnType.FLOAT)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: ColumnType


def shown(name: str) -> str:
    """A column's name as messages show it."""
    return f"'{printable(name if len(name) <= 80 else name[:77] + '...')}'"


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names for a message: the first few, and how many more there are."""
    every = list(names)
    text = ", ".join(shown(name) for name in every[:most])
    return text if len(every) <= most else f"{text} and {len(every) - most} more"


def unknown_column(name: str, known: Sequence[str], where: str) -> StepProblem:
    """The problem of a column that the data does not have; ``where`` names the key that asks for it."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1) or [other for other in known if other.casefold() == name.casefold()]
    hint = f"did you mean {shown(near[0])}?" if near else f"the data has {listed(known)}"
    if len(known) == 1 and (mark := next((mark for mark in ";\t|" if mark in known[0]), "")):
        hint = f"all of a line is one column, {listed(known)}: give the source `delimiter: {json.dumps(mark)}`"
    return StepProblem.because(
        "unknown-column", f"`{where}` names the column {shown(name)}, which the data does not have", hint=hint
    )


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse names that cannot tell columns apart.

    Raises:
        StepProblem: for a column without a name, a name that stands twice, or names that differ only in case.
    """
    seen: dict[str, str] = {}
    for place, name in enumerate(names, start=1):
        if not name.strip():
            hint = "name it in the file; pandas writes such a column unless it is told index=False"
            raise StepProblem.because("unnamed-column", f"column {place} of {where} has no name", hint=hint)
        if "\x00" in name:
            raise StepProblem.because(
                "bad-column", f"the name of column {place} of {where} holds a zero character", hint="rename it"
            )
        other = seen.setdefault(name.casefold(), name)
        if other == name and names.index(name) != place - 1:
            message = f"column {shown(name)} stands twice in {where}"
            raise StepProblem.because("duplicate-column", message, hint="rename one of them")
        if other != name:
            message = f"columns {shown(other)} and {shown(name)} of {where} differ only in case"
            raise StepProblem.because("duplicate-column", message, hint="rename one of them")
