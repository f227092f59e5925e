"""``passthrough``: numbers as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import NUMBERS, Transform
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator


class Passthrough(Transform):
    """Numbers as they are; missing ones stay missing, for models that take them."""

    takes: ClassVar[frozenset[ColumnType]] = NUMBERS

    kind: Literal["passthrough"] = Field(default="passthrough", title="Kind", description="Numbers as they are.")

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        return []
