"""Metrics of a ranking, for many weightings of the same rows: sorted once, then sums only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlopsctl.metrics.answers import Answers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    # Half the memory of the usual whole numbers is half the time: a resample is bound by it.
    Whole = NDArray[np.int32]
    # How often each row is drawn.
    Weights = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The rows of one class and the rest, each in descending order of the score for that class.

    Attributes:
        own, rest: positions of the rows, best score first.
        above: for each row of ``own``, how many of the rest have a better score.
        beside: the same with those of an equal score.
        taken: for each row of ``own``, how many of ``own`` have a better or equal score.
    """

    own: Whole
    rest: Whole
    above: Whole
    beside: Whole
    taken: Whole


def rankings(answers: Answers) -> tuple[Ranking, ...]:
    """The positive class of two, or every class, against the rest."""
    judged = [answers.positive] if answers.classes == 2 else range(answers.classes)
    return tuple(_ranking(answers, position) for position in judged)


def _ranking(answers: Answers, position: int) -> Ranking:
    import numpy as np

    assert answers.probability is not None
    worse = -answers.probability[:, position]
    order = np.argsort(worse, kind="stable")
    is_own = (answers.truth == position)[order]
    own, rest = order[is_own], order[~is_own]
    sought, other = worse[own], worse[rest]
    above = np.searchsorted(other, sought, side="left").astype(np.int32)
    beside = np.searchsorted(other, sought, side="right").astype(np.int32)
    return Ranking(
        own=own.astype(np.int32),
        rest=rest.astype(np.int32),
        above=above,
        beside=above if np.array_equal(above, beside) else beside,
        taken=np.searchsorted(sought, sought, side="right").astype(np.int32),
    )


def _roc_auc(ranking: Ranking, weights: Weights) -> float:
    """Share of the pairs that are ranked rightly, a tie counting half."""
    own, passed = weights[ranking.own], _running(weights[ranking.rest])
    pairs = int(own.sum()) * int(passed[-1])
    if not pairs:
        return float("nan")
    wrong = _dot(own, passed[ranking.above])
    # Without a tie the two are the same.
    wrong += wrong if ranking.above is ranking.beside else _dot(own, passed[ranking.beside])
    return 1 - wrong / (2 * pairs)


def _average_precision(ranking: Ranking, weights: Weights) -> float:
    """The precision at each score, weighted by the recall gained there."""
    import numpy as np

    own, passed = weights[ranking.own], _running(weights[ranking.rest])
    total = int(own.sum())
    if not total or not passed[-1]:
        return float("nan")
    found = _running(own)[ranking.taken]
    return _dot(own, found / np.maximum(found + passed[ranking.beside], 1)) / total


def _running(weights: Weights) -> Whole:
    """The sums of the first 0, 1, 2, … weights."""
    import numpy as np

    sums = np.zeros(len(weights) + 1, dtype=np.int32)
    np.cumsum(weights, dtype=np.int32, out=sums[1:])
    return sums


def _dot(weights: Weights, values: NDArray[Any]) -> float:
    """The weighted sum; as floats, whose product is the quicker one."""
    import numpy as np

    return float(np.dot(weights.astype(np.float64), values.astype(np.float64)))


# From a ranking and how often each row is drawn to a value; NaN where one side was not drawn.
RANKED: Mapping[str, Callable[[Ranking, Weights], float]] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
}
