"""``unique``: no two rows share a key."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlopsctl.checks.rule import Rule
from mlopsctl.ground.scalars import ColumnName


class Unique(Rule):
    """No two rows have equal values in all the columns."""

    not_yet: ClassVar[str] = "the unique check"

    kind: Literal["unique"] = Field(default="unique", title="Kind", description="No two rows share a key.")
    columns: Annotated[tuple[ColumnName, ...], Field(strict=False, min_length=1)] = Field(
        title="Columns", description="The columns that together identify a row."
    )
