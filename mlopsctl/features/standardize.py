"""``standardize``: numbers with mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import NUMBERS, Transform
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import ColumnType, listed

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator


LARGEST = 1e150


class Standardize(Transform):
    """Numbers minus the train split's mean, over its standard deviation; a constant column becomes 0.

    A missing value takes the train split's median, unless an ``impute`` listed before says otherwise.
    """

    takes: ClassVar[frozenset[ColumnType]] = NUMBERS

    kind: Literal["standardize"] = Field(
        default="standardize", title="Kind", description="Numbers to mean 0 and standard deviation 1."
    )

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import StandardScaler

        refuse_huge(train)
        return [SimpleImputer(strategy="median"), StandardScaler()]


def refuse_huge(train: pd.DataFrame) -> None:
    """Refuse numbers that cannot be scaled.

    Raises:
        StepProblem: naming the columns that hold one.
    """
    huge = [str(name) for name in train.columns if train[name].abs().max() > LARGEST]
    if huge:
        message = f"columns hold numbers beyond {LARGEST:g}, whose squares are infinite: {listed(huge)}"
        raise StepProblem.because("huge-values", message, hint="filter those rows out, or use another transform")
