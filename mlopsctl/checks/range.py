"""``range``: a column's numbers lie within bounds."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from mlopsctl.checks.bounds import bounds_problem
from mlopsctl.checks.rule import Rule
from mlopsctl.ground.scalars import ColumnName


class RangeCheck(Rule):
    """Every value of a column that is not missing lies within ``min`` and ``max``, both inclusive."""

    not_yet: ClassVar[str] = "the range check"

    kind: Literal["range"] = Field(default="range", title="Kind", description="Bounds on a column's numbers.")
    column: ColumnName = Field(title="Column", description="The column whose numbers are compared.")
    min: float | None = Field(default=None, title="At least", description="The smallest value that passes.")
    max: float | None = Field(default=None, title="At most", description="The largest value that passes.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        bounds_problem(self.min, self.max)
        return self
