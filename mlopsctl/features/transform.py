"""What every feature transform shares: the columns it takes, and how it becomes scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class Made:
    """What a transform became on the rows of the train split.

    Attributes:
        estimators: the scikit-learn transformers that do its work, not fitted.
        outputs: each column that comes out: the raw column it comes from, and its name.
    """

    estimators: list[BaseEstimator]
    outputs: list[tuple[str, str]]


class Transform(Spec):
    """The base of the features: a transform of named columns.

    ``takes`` are the column types it can take; ``goes_on`` says whether a transform listed later takes what it gives;
    ``raw`` whether it takes its columns all together, as they are in the data, and nothing may come before it;
    ``ships`` whether a model needs ``mlopsctl.features.shipped`` for it.
    """

    takes: ClassVar[frozenset[ColumnType]] = VALUES
    goes_on: ClassVar[bool] = False
    raw: ClassVar[bool] = False
    ships: ClassVar[bool] = False

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
        return "" if type in self.takes else f"takes {self._taken()}, and the column is {type}"

    def _taken(self) -> str:
        return "numbers" if ColumnType.STRING not in self.takes else "text"

    def code(self, project: Path) -> tuple[str, ...]:
        """The files of the project that it runs, relative to the project's folder, sorted; read, never imported."""
        return ()

    def made(self, train: pd.DataFrame) -> Made:
        """The transform, for the rows of the train split.

        Args:
            train: the train split's columns as what came before left them: float64 for numbers, object for others.

        Raises:
            StepProblem: when the values cannot be transformed, or this version does not execute the kind.
        """
        return Made(self.estimators(train), self.outputs(train))

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """The estimators of :meth:`made`, of scikit-learn's and pandas' own classes."""
        raise StepProblem.because("not-yet", f"{self.not_yet} is not there yet", hint="use another kind of feature")

    def outputs(self, train: pd.DataFrame) -> list[tuple[str, str]]:
        """The outputs of :meth:`made`: by default each column keeps its name."""
        return [(str(name), str(name)) for name in train.columns]
