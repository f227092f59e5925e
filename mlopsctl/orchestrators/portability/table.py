"""The portability table as a value: a row for each property that a project uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span

NAMES = {"kfp": "Kubeflow Pipelines", "vertex": "Vertex AI Pipelines", "airflow": "Airflow"}
"""The engines as people call them, by ``kind``."""


class Support(StrEnum):
    """How an engine honours a property: itself, by what mlopsctl does in its place, or not at all."""

    NATIVE = "native"
    EMULATED = "emulated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """A property of a project on an engine.

    Attributes:
        name: where it stands in ``mlops.yaml``, with dots.
        how: how it is honoured, or why it is not.
        span: its place.
        hint: for a refused one, what to do.
        by_apply: it can be compiled, and is refused when it is applied.
    """

    name: str
    support: Support
    how: str
    span: Span | None
    hint: str = ""
    by_apply: bool = False

    @property
    def stops(self) -> bool:
        """Whether nothing can be compiled."""
        return self.support is Support.REFUSED and not self.by_apply


def diagnostics(rows: Iterable[Row]) -> tuple[Diagnostic, ...]:
    """What keeps a project from being compiled, at its lines."""
    return tuple(Diagnostic("not-portable", f"{row.name}: {row.how}", row.span, row.hint) for row in rows if row.stops)


def refuse(rows: Iterable[Row]) -> None:
    """Do nothing where everything can be honoured.

    Raises:
        InvalidProject: naming each property that cannot.
    """
    found = diagnostics(rows)
    if found:
        raise InvalidProject(found)
