"""``min_max``: numbers between 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.standardize import refuse_huge
from mlopsctl.features.transform import NUMBERS, Transform
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator


class MinMax(Transform):
    """Numbers minus the train split's smallest, over its span; a constant column becomes 0.

    A missing value takes the train split's median, unless an ``impute`` listed before says otherwise.
    """

    takes: ClassVar[frozenset[ColumnType]] = NUMBERS

    kind: Literal["min_max"] = Field(default="min_max", title="Kind", description="Numbers scaled to 0..1.")
    clip: bool = Field(
        default=False,
        title="Clip",
        description="true keeps numbers beyond those of the train split at 0 or 1; else they lie outside.",
    )

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import MinMaxScaler

        refuse_huge(train)
        return [SimpleImputer(strategy="median"), MinMaxScaler(clip=self.clip)]
