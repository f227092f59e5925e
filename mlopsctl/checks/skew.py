"""``skew``: what is served differs from what was trained on."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.checks.rule import Rule
from mlopsctl.ground.scalars import ColumnName, Name

DistanceName = Literal["l_infinity", "jensen_shannon", "psi"]


class Skew(Rule):
    """The distribution of a column when serving stays near the one in training."""

    not_yet: ClassVar[str] = "the skew check"

    kind: Literal["skew"] = Field(default="skew", title="Kind", description="Training against serving.")
    column: ColumnName = Field(title="Column", description="The column whose distribution is compared.")
    metric: DistanceName = Field(
        title="Distance", description="l_infinity for categories; jensen_shannon or psi for numbers."
    )
    max: float = Field(ge=0, title="At most", description="The largest distance that passes.")
    serving: Name | None = Field(
        default=None,
        title="Serving data",
        description="The dataset of served rows; else the serving log.",
    )
    on_missing: Literal["error", "warn"] = Field(
        default="error", title="Without reference", description="What it means when there are no served rows."
    )
