"""``drop``: columns that no model sees."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform
from mlopsctl.tables.columns import ColumnType


class Drop(Transform):
    """Columns that no model sees; slices and checks may still use them."""

    takes: ClassVar[frozenset[ColumnType]] = frozenset(ColumnType)

    kind: Literal["drop"] = Field(default="drop", title="Kind", description="Columns that no model sees.")
