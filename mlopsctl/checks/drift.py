"""``drift``: a column's distribution moved."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.checks.rule import Rule
from mlopsctl.checks.skew import DistanceName
from mlopsctl.ground.scalars import ColumnName, Name


class Drift(Rule):
    """The distribution of a column stays near that of a reference."""

    not_yet: ClassVar[str] = "the drift check"

    kind: Literal["drift"] = Field(default="drift", title="Kind", description="A column's distribution moved.")
    column: ColumnName = Field(title="Column", description="The column whose distribution is compared.")
    metric: DistanceName = Field(
        title="Distance", description="l_infinity for categories; jensen_shannon or psi for numbers."
    )
    max: float = Field(ge=0, title="At most", description="The largest distance that passes.")
    against: Name = Field(
        default="previous",
        title="Reference",
        description="previous (the statistics of the run before), train (the train split), or the name of a dataset.",
    )
    on_missing: Literal["error", "warn"] = Field(
        default="error", title="Without reference", description="What it means when the reference does not exist."
    )
