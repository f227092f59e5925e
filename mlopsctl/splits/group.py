"""``group``: all rows of a group (a customer, a patient) land in one split."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.scalars import ColumnName
from mlopsctl.splits.fractions import FractionSplit


class GroupSplit(FractionSplit):
    """A share of the groups by the digest of the group's value; no group stands in two splits."""

    not_yet: ClassVar[str] = "splitting by group"

    kind: Literal["group"] = Field(default="group", title="Kind", description="By a digest of one column's value.")
    column: ColumnName = Field(title="Column", description="The column that names the group.")
