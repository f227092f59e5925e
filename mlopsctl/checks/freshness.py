"""``freshness``: the newest row is not too old."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.checks.rule import Rule
from mlopsctl.ground.scalars import ColumnName, Duration


class Freshness(Rule):
    """The largest value of a column of time lies at most ``max_age`` before now."""

    not_yet: ClassVar[str] = "the freshness check"

    kind: Literal["freshness"] = Field(
        default="freshness", title="Kind", description="A bound on the age of the newest row."
    )
    column: ColumnName = Field(title="Column", description="The column of time: numbers since 1970, dates, timestamps.")
    unit: Literal["s", "ms", "us", "ns"] | None = Field(
        default=None, title="Unit", description="What numbers since 1970 count; not needed for dates and timestamps."
    )
    max_age: Duration = Field(title="Largest age", description="How old the newest row may be, for example 90d.")
