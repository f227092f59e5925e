"""What every feature transform shares: the columns it takes, and how it becomes scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName, refusal
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator

NUMBERS = frozenset({ColumnType.INT, ColumnType.FLOAT, ColumnType.BOOL})
VALUES = NUMBERS | {ColumnType.STRING}


class Transform(Spec):
    """The base of the features: a transform of named columns.

    ``takes`` are the column types it can take; ``goes_on`` says whether a transform listed later takes what it gives.
    """

    takes: ClassVar[frozenset[ColumnType]] = VALUES
    goes_on: ClassVar[bool] = False

    columns: Annotated[tuple[ColumnName, ...], Field(strict=False, min_length=1)] = Field(
        title="Columns", description="The columns it takes, by name."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        twice = next((name for name in self.columns if self.columns.count(name) > 1), None)
        if twice is not None:
            raise refusal("column-twice", f"column '{twice}' stands twice", "name it once")
        return self

    def misfit(self, type: ColumnType) -> str:
        """Why it cannot take a column of this type; empty text when it can."""
        return "" if type in self.takes else f"takes numbers, and the column is {type}"

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """The scikit-learn transformers that do its work, not fitted, of scikit-learn's and pandas' own classes.

        Args:
            train: the train split's columns as what came before left them: float64 for numbers, object for others.

        Raises:
            StepProblem: when the values cannot be transformed, or this version does not execute the kind.
        """
        raise StepProblem.because("not-yet", f"{self.not_yet} is not there yet", hint="use another kind of feature")

    def outputs(self, train: pd.DataFrame) -> list[tuple[str, str]]:
        """Each column that comes out: the raw column it comes from, and its name."""
        return [(str(name), str(name)) for name in train.columns]
