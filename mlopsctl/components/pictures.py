"""What pictures of a model are drawn from: counts, curves and residuals on the evaluated rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlopsctl.curves import Calibration, Confusion, Curve, ModelCurves, Residuals
from mlopsctl.frameworks.labels import Label
from mlopsctl.frameworks.packed import class_name
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.compute import MetricUndefinedError, measure
from mlopsctl.metrics.confusion import confusion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_POINTS = 200
# One against the rest is drawn for so many classes, a confusion matrix for so many.
MOST_CURVES = 20
_MOST_CELLS = 100
_BINS = 10
_BARS = 30
_MOST_RESIDUALS = 500
_ROUNDING = 1e-6


def pictures(answers: Answers, classes: Sequence[Label], seed: int) -> ModelCurves:
    """Every picture that the answers allow; empty where there are no rows, or no numbers to draw."""

    if not answers.rows:
        return ModelCurves()
    if not classes:
        return ModelCurves(residuals=_residuals(answers, seed))
    counted = _confusion(answers, classes) if len(classes) <= _MOST_CELLS else None
    shares = answers.probability
    # A comparison with NaN is false.
    if shares is None or len(classes) > MOST_CURVES or not ((shares >= 0) & (shares <= 1 + _ROUNDING)).all():
        return ModelCurves(confusion=counted)
    ones = list(_against_rest(answers, classes))
    curved = [(name, truth, score) for name, truth, score in ones if truth.any() and not truth.all()]
    return ModelCurves(
        confusion=counted,
        roc=tuple(_roc(*one) for one in curved),
        precision_recall=tuple(_precision_recall(*one) for one in curved),
        calibration=tuple(_calibration(*one) for one in ones),
    )


def _confusion(answers: Answers, classes: Sequence[Label]) -> Confusion:
    counts = confusion(answers.truth, answers.prediction, len(classes)).tolist()
    return Confusion(tuple(class_name(label) for label in classes), tuple(tuple(row) for row in counts))


def _against_rest(answers: Answers, classes: Sequence[Label]) -> Iterator[tuple[str, NDArray[np.bool_], Floats]]:
    """The name of each judged class, which rows are of it, and its score: the positive one of two, else all."""
    assert answers.probability is not None
    judged = [answers.positive] if len(classes) == 2 else range(len(classes))
    for position in judged:
        yield class_name(classes[position]), answers.truth == position, answers.probability[:, position]


def _steps(truth: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats, Floats]:
    """How many rows of the class and of the rest are taken at each distinct score, the best score first; the scores."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    found = np.cumsum(truth[order])[last].astype(np.float64)
    return found, (last + 1) - found, score[order][last]


def _roc(name: str, truth: NDArray[np.bool_], score: Floats) -> Curve:
    import numpy as np

    found, wrong, scores = _steps(truth, score)
    x, y = np.r_[0.0, wrong / wrong[-1]], np.r_[0.0, found / found[-1]]
    kept = _kept(x, y)
    thresholds = _short(np.r_[scores[0], scores][kept])
    return Curve(name, _short(x[kept]), _short(y[kept]), _area("roc_auc", truth, score), thresholds)


def _precision_recall(name: str, truth: NDArray[np.bool_], score: Floats) -> Curve:
    import numpy as np

    found, wrong, _ = _steps(truth, score)
    # It ends where every row of the class is found: what follows only lowers the precision.
    end = int(np.searchsorted(found, found[-1])) + 1
    recall, precision = found[:end] / found[-1], found[:end] / (found[:end] + wrong[:end])
    x, y = np.r_[0.0, recall], np.r_[precision[0], precision]
    kept = _kept(x, y)
    return Curve(name, _short(x[kept]), _short(y[kept]), _area("average_precision", truth, score))


def _area(metric: str, truth: NDArray[np.bool_], score: Floats) -> float | None:
    """The area as the metric of that name has it."""
    import numpy as np

    codes = truth.astype(np.int64)
    try:
        return measure(metric, Answers(codes, codes, np.stack([1 - score, score], axis=1), 2))
    except MetricUndefinedError:
        return None


def _kept(x: Floats, y: Floats) -> NDArray[np.int64]:
    """Which points of a line are drawn: at most so many, which lie about evenly along it; both ends are kept."""
    import numpy as np

    if len(x) <= MOST_POINTS:
        return np.arange(len(x))
    along = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    chosen = np.searchsorted(along, np.linspace(0.0, along[-1], MOST_POINTS))
    return np.unique(np.r_[0, np.minimum(chosen[1:-1], len(x) - 1), len(x) - 1])


def _calibration(name: str, truth: NDArray[np.bool_], score: Floats) -> Calibration:
    """Ten bins of equal width; those without rows are left out."""
    import numpy as np

    bins = np.clip((score * _BINS).astype(np.int64), 0, _BINS - 1)
    rows = np.bincount(bins, minlength=_BINS)
    held = rows > 0
    predicted = np.bincount(bins, weights=score, minlength=_BINS)[held] / rows[held]
    observed = np.bincount(bins, weights=truth, minlength=_BINS)[held] / rows[held]
    return Calibration(name, _short(predicted), _short(observed), tuple(rows[held].tolist()))


def _residuals(answers: Answers, seed: int) -> Residuals | None:
    import numpy as np

    predicted = answers.prediction.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        left = predicted - answers.truth.astype(np.float64)
        if not np.isfinite(left).all() or not np.isfinite(left.max() - left.min()):
            return None
    counts, edges = np.histogram(left, bins=_BARS)
    shown = np.arange(len(left))
    if len(left) > _MOST_RESIDUALS:
        shown = np.sort(np.random.default_rng(seed).choice(len(left), _MOST_RESIDUALS, replace=False))
    return Residuals(
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        predicted=_short(predicted[shown]),
        residual=_short(left[shown]),
    )


def _short(values: Floats) -> tuple[float, ...]:
    """Six significant digits: more than a picture shows."""
    return tuple(float(f"{value:.6g}") for value in values.tolist())
