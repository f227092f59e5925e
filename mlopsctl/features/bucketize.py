"""``bucketize``: numbers as the number of their bucket."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mlopsctl.features.transform import NUMBERS, Transform
from mlopsctl.ground.scalars import refusal
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator


class Bucketize(Transform):
    """Numbers as the number of their bucket, from 0: how many boundaries are at most the number.

    The boundaries are given, or quantiles of the train split; quantiles that meet make one. A missing value takes the
    train split's median, unless an ``impute`` listed before says otherwise.
    """

    takes: ClassVar[frozenset[ColumnType]] = NUMBERS

    kind: Literal["bucketize"] = Field(default="bucketize", title="Kind", description="Numbers as buckets.")
    buckets: int = Field(default=10, ge=2, le=1000, title="Buckets", description="How many quantile buckets there are.")
    boundaries: Annotated[tuple[float, ...], Field(strict=False)] = Field(
        default=(), title="Boundaries", description="Where the buckets end, growing; they replace the quantiles."
    )

    @model_validator(mode="after")
    def _growing(self) -> Self:
        fall = next((after for before, after in pairwise(self.boundaries) if not before < after), None)
        if fall is not None:
            raise refusal("boundaries-order", f"`boundaries` must grow, and {fall:g} does not", "sort them, each once")
        return self

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        import numpy as np
        import pandas as pd
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import FunctionTransformer

        counted = [
            FunctionTransformer(
                np.digitize, kw_args={"bins": self.ends(train[name])}, feature_names_out="one-to-one"
            ).set_output(transform="pandas")
            for name in train.columns
        ]
        parts = [(f"column{place}", one, [place]) for place, one in enumerate(counted)]
        return [
            SimpleImputer(strategy="median"),
            ColumnTransformer(parts, verbose_feature_names_out=False),
            FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "float64"}, feature_names_out="one-to-one"),
        ]

    def ends(self, values: pd.Series) -> NDArray[np.float64]:
        """The boundaries of a column: given, or numbers of the train split itself, so that no rounding decides."""
        import numpy as np

        if self.boundaries:
            return np.array(self.boundaries)
        shares = np.arange(1, self.buckets) / self.buckets
        return np.unique(np.quantile(values.dropna().to_numpy(), shares, method="higher"))
