"""What a model answered on some rows, beside the truth, in the form metrics are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricUndefinedError(Exception):
    """The metric has no value on these answers; the message says why."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one model.

    Attributes:
        truth, prediction: for each row. Regression: float64. Classification: int64 positions in ``classes``.
        probability: rows × classes, each row summing to 1; ``None`` where the model gives none.
        classes: how many classes there are; 0 in a regression.
        positive: the position of the positive class of two.
    """

    truth: NDArray[np.generic]
    prediction: NDArray[np.generic]
    probability: NDArray[np.float64] | None = None
    classes: int = 0
    positive: int = 1

    @property
    def rows(self) -> int:
        """How many rows were answered."""
        return len(self.truth)

    def take(self, chosen: NDArray[np.generic]) -> Answers:
        """The answers on some of the rows, by position or by mask."""
        return Answers(
            truth=self.truth[chosen],
            prediction=self.prediction[chosen],
            probability=None if self.probability is None else self.probability[chosen],
            classes=self.classes,
            positive=self.positive,
        )
