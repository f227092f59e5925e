"""``one_hot``: a column of 0 and 1 for each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import shown

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator

# A column of 0 and 1 for each of more values than this fits neither memory nor reader.
MOST_VALUES = 1000


class OneHot(Transform):
    """A column of 0 and 1 for each value of the train split; a missing value is 0 everywhere."""

    kind: Literal["one_hot"] = Field(
        default="one_hot", title="Kind", description="A column of 0 and 1 for each value of the train split."
    )
    unseen: Literal["ignore", "error"] = Field(
        default="ignore",
        title="Unseen values",
        description="What a value does that train does not have: ignore makes all its columns 0, error stops.",
    )

    def estimators(self, train: pd.DataFrame) -> list[BaseEstimator]:
        """See :meth:`Transform.estimators`."""
        import numpy as np
        from sklearn.preprocessing import OneHotEncoder

        categories = [
            np.asarray(self.categories(train[name]), dtype=float if train[name].dtype.kind == "f" else object)
            for name in train.columns
        ]
        return [OneHotEncoder(categories=categories, handle_unknown=self.unseen, sparse_output=False)]

    def outputs(self, train: pd.DataFrame) -> list[tuple[str, str]]:
        """See :meth:`Transform.outputs`: ``column=value``."""
        return [
            (str(name), f"{name}={_shown(value)}") for name in train.columns for value in self.categories(train[name])
        ]

    def categories(self, values: pd.Series) -> list[bool | float | str]:
        """The different values of a column of the train split, sorted.

        Raises:
            StepProblem: when there are too many, or values are missing where every unseen value is an error.
        """
        name = shown(str(values.name))
        found = sorted(values.dropna().unique().tolist())
        if len(found) > MOST_VALUES:
            message = f"column {name} has {len(found)} different values; one_hot would make a column of each"
            hint = f"at most {MOST_VALUES} can be told apart; list it under `{{kind: drop, columns: [...]}}`"
            raise StepProblem.because("too-many-values", message, hint=hint)
        if self.unseen == "error" and values.isna().any():
            message = f"column {name} has missing values in the train split, and `unseen: error` refuses them"
            raise StepProblem.because("missing-values", message, hint="list it under `impute` before, or ignore them")
        return found


def _shown(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
