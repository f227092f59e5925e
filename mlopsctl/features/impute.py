"""``impute``: a value for the missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from mlopsctl.features.transform import Transform
from mlopsctl.ground.scalars import refusal
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator


Strategy: TypeAlias = Literal["median", "mean", "most_frequent", "constant"]


class Impute(Transform):
    """A value for missing ones, learned from the train split or given; a transform listed later goes on from it."""

    goes_on: ClassVar[bool] = True

    kind: Literal["impute"] = Field(default="impute", title="Kind", description="A value for the missing ones.")
    strategy: Strategy = Field(
        default="median",
        title="Strategy",
        description="median or mean (numbers), most_frequent (any), or constant with `value`.",
    )
    value: bool | int | float | str | None = Field(
        default=None, title="Value", description="What stands for a missing value with `strategy: constant`."
    )

    @model_validator(mode="after")
    def _value_if_constant(self) -> Self:
        if (self.strategy == "constant") != (self.value is not None):
            message = (
                "`strategy: constant` has no `value`"
                if self.value is None
                else f"`value` says nothing with `strategy: {self.strategy}`"
            )
            hint = "give a `value`" if self.value is None else "write `strategy: constant` or leave `value` out"
            raise refusal("impute-value", message, hint)
        return self

    def misfit(self, type: ColumnType) -> str:
        """See :meth:`Transform.misfit`."""
        number = type.numeric
        if self.strategy in ("median", "mean"):
            return "" if number else f"`strategy: {self.strategy}` takes numbers, and the column is {type}"
        if self.strategy == "most_frequent":
            return super().misfit(type)
        fits = {
            ColumnType.INT: isinstance(self.value, int | float) and not isinstance(self.value, bool),
            ColumnType.FLOAT: isinstance(self.value, int | float) and not isinstance(self.value, bool),
            ColumnType.STRING: isinstance(self.value, str),
            ColumnType.BOOL: isinstance(self.value, bool),
        }
        return "" if fits.get(type, False) else f"`value: {self.value}` does not fit the column, which is {type}"

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        import pandas as pd
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import FunctionTransformer

        if self.strategy in ("median", "mean"):
            return [SimpleImputer(strategy=self.strategy)]
        value = self.value if self.strategy == "constant" else {str(name): _frequent(train[name]) for name in train}
        return [FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": value}, feature_names_out="one-to-one")]


def _frequent(values: pd.Series) -> bool | float | str:
    """The most frequent value; of several the first in order."""
    counts = values.value_counts()
    first: bool | float | str = min(counts[counts == counts.max()].index.tolist())
    return first
