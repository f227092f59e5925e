"""Metrics of a ranking, for many weightings of the same rows: sorted once, then sums only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.metrics.answers import Answers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in descending order of a score, for one class against the rest.

    Attributes:
        order: positions of the rows, best score first.
        starts: where in that order each group of equal scores starts.
        truth: for each row in that order whether it is of the class.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    truth: NDArray[np.bool_]

    def groups(self, weights: Floats) -> tuple[Floats, Floats]:
        """The weight of the class and of the rest in each group; weights are … × rows."""
        import numpy as np

        sorted_weights = weights[..., self.order]
        own = np.add.reduceat(sorted_weights * self.truth, self.starts, axis=-1)
        rest = np.add.reduceat(sorted_weights * ~self.truth, self.starts, axis=-1)
        return own, rest


def rankings(answers: Answers) -> tuple[Ranking, ...]:
    """The positive class of two, or every class, against the rest."""
    judged = [answers.positive] if answers.classes == 2 else range(answers.classes)
    return tuple(_ranking(answers, position) for position in judged)


def _ranking(answers: Answers, position: int) -> Ranking:
    import numpy as np

    assert answers.probability is not None
    score = answers.probability[:, position]
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return Ranking(order=order, starts=starts, truth=(answers.truth == position)[order])


def _roc_auc(own: Floats, rest: Floats) -> Floats:
    """Share of the pairs that are ranked rightly, a tie counting half."""
    import numpy as np

    below = rest.sum(axis=-1, keepdims=True) - np.cumsum(rest, axis=-1) + rest / 2
    return _over((own * below).sum(axis=-1), own.sum(axis=-1) * rest.sum(axis=-1))


def _average_precision(own: Floats, rest: Floats) -> Floats:
    """The precision at each score, weighted by the recall gained there."""
    import numpy as np

    found, taken = np.cumsum(own, axis=-1), np.cumsum(own + rest, axis=-1)
    precision = found / np.where(taken > 0, taken, 1.0)
    total, others = own.sum(axis=-1), rest.sum(axis=-1)
    return _over((own * precision).sum(axis=-1), np.where(others > 0, total, 0.0))


def _over(above: Floats, below: Floats) -> Floats:
    import numpy as np

    value: Floats = np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
    return value


# From the weights of a class and of the rest in each group of equal scores (… × groups) to values (…).
RANKED: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
}
