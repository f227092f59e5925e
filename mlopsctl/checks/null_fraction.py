"""``null_fraction``: how much of a column may be missing."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.checks.rule import Rule
from mlopsctl.ground.scalars import ColumnName, Fraction


class NullFraction(Rule):
    """At most a share of a column's values is missing."""

    not_yet: ClassVar[str] = "the null_fraction check"

    kind: Literal["null_fraction"] = Field(
        default="null_fraction", title="Kind", description="A bound on the share of missing values."
    )
    column: ColumnName = Field(title="Column", description="The column whose missing values are counted.")
    max: Fraction = Field(title="At most", description="The largest share of missing values that passes, 0 to 1.")
