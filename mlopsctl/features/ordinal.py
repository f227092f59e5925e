"""``ordinal``: text as the number of its place in an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mlopsctl.features.transform import Transform
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import refusal
from mlopsctl.tables.columns import ColumnType, listed, shown

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator


class Ordinal(Transform):
    """Text as its place in an order, from 0: the order given, or that of the text itself.

    A missing value stays missing, unless an ``impute`` listed before says otherwise.
    """

    takes: ClassVar[frozenset[ColumnType]] = frozenset({ColumnType.STRING})

    kind: Literal["ordinal"] = Field(default="ordinal", title="Kind", description="Text as its place in an order.")
    order: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), title="Order", description="The values from the lowest; sorted as text when nothing is said."
    )
    unseen: Literal["error", "ignore"] = Field(
        default="error", title="Unseen values", description="error stops on another value; ignore makes it missing."
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        twice = next((value for value in self.order if self.order.count(value) > 1), None)
        if twice is not None:
            raise refusal("value-twice", f"`order` names {twice!r} twice", "name it once", key="order")
        return self

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        import numpy as np
        import pandas as pd
        from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

        missing = float("nan")
        handling = {"handle_unknown": "use_encoded_value", "unknown_value": missing} if self.unseen == "ignore" else {}
        return [
            # None and NaN are one thing in the data, and two for the encoder.
            FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": missing}, feature_names_out="one-to-one"),
            OrdinalEncoder(
                categories=[np.array([*self.places(train[name]), missing], dtype=object) for name in train.columns],
                encoded_missing_value=missing,
                **handling,
            ),
        ]

    def places(self, values: pd.Series) -> list[str]:
        """The values of a column of the train split in order: those given, or those that occur.

        Raises:
            StepProblem: when a value of the train split has no place, and ``unseen: error`` refuses it.
        """
        found = sorted(str(value) for value in values.dropna().unique())
        strange = [value for value in found if value not in self.order]
        if not self.order:
            return found
        if strange and self.unseen == "error":
            message = f"column {shown(str(values.name))} of the train split has values that `order` lacks: "
            hint = "add them to `order`, or write `unseen: ignore` to make them missing"
            raise StepProblem.because("unseen-value", message + listed(strange), hint=hint)
        return list(self.order)
