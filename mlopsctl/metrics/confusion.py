"""Metrics that are a function of the confusion matrix, for many matrices at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# From matrices (… × true class × predicted class) and the position of the positive class to values (…).
FromConfusion = Callable[["Floats", int], "Floats"]


def confusion(truth: NDArray[np.generic], prediction: NDArray[np.generic], classes: int) -> NDArray[np.int64]:
    """The number of rows of each true class (down) and predicted class (across)."""
    import numpy as np

    cells = truth.astype(np.int64) * classes + prediction.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _per_class(part: str, matrices: Floats) -> Floats:
    """Precision, recall, F1 or Jaccard of each class; nothing over nothing is 0."""
    import numpy as np

    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    true, predicted = matrices.sum(axis=-1), matrices.sum(axis=-2)
    above, below = {
        "precision": (right, predicted),
        "recall": (right, true),
        "f1": (2 * right, true + predicted),
        "jaccard": (right, true + predicted - right),
    }[part]
    return _over(above, below)


def _positive(part: str, matrices: Floats, positive: int) -> Floats:
    return _per_class(part, matrices)[..., positive]


def _macro(part: str, matrices: Floats, positive: int) -> Floats:
    """The mean over the classes that occur among true or predicted labels."""
    occurs = (matrices.sum(axis=-1) + matrices.sum(axis=-2)) > 0
    return _over((_per_class(part, matrices) * occurs).sum(axis=-1), occurs.sum(axis=-1))


def _micro(part: str, matrices: Floats, positive: int) -> Floats:
    """All classes' counts together, which is the accuracy, or for Jaccard what follows from it."""
    share = _accuracy(matrices)
    return share / (2 - share) if part == "jaccard" else share


def _weighted(part: str, matrices: Floats, positive: int) -> Floats:
    true = matrices.sum(axis=-1)
    return _over((_per_class(part, matrices) * true).sum(axis=-1), true.sum(axis=-1))


def _other(part: str, matrices: Floats, positive: int) -> Floats:
    """The part of the other class of two."""
    return _positive(part, matrices, 1 - positive)


def _missed(matrices: Floats, positive: int, *, other: bool) -> Floats:
    """The share of a class's rows that are not found; undefined where it has none."""
    import numpy as np

    counted = 1 - positive if other else positive
    found = _positive("recall", matrices, counted)
    value: Floats = np.where(matrices[..., counted, :].sum(axis=-1) > 0, 1 - found, np.nan)
    return value


def _weighing(square: float, matrices: Floats, positive: int) -> Floats:
    """F-measure whose beta has this square."""
    right = matrices[..., positive, positive]
    true, predicted = matrices[..., positive, :].sum(axis=-1), matrices[..., positive].sum(axis=-1)
    return _over((1 + square) * right, square * true + predicted)


def _balanced(matrices: Floats, positive: int) -> Floats:
    occurs = matrices.sum(axis=-1) > 0
    return _over((_per_class("recall", matrices) * occurs).sum(axis=-1), occurs.sum(axis=-1))


def _mcc(matrices: Floats, positive: int) -> Floats:
    import numpy as np

    true, predicted, rows = matrices.sum(axis=-1), matrices.sum(axis=-2), matrices.sum(axis=(-2, -1))
    right = np.trace(matrices, axis1=-2, axis2=-1)
    together = right * rows - (true * predicted).sum(axis=-1)
    spread = (rows**2 - (true**2).sum(axis=-1)) * (rows**2 - (predicted**2).sum(axis=-1))
    return _over(together, np.sqrt(spread))


def _kappa(matrices: Floats, positive: int) -> Floats:
    """Agreement beyond chance; undefined where chance alone agrees on every row."""
    import numpy as np

    rows = matrices.sum(axis=(-2, -1))
    chance = (matrices.sum(axis=-1) * matrices.sum(axis=-2)).sum(axis=-1) / rows**2
    value: Floats = np.where(chance < 1, (_accuracy(matrices) - chance) / np.where(chance < 1, 1 - chance, 1), np.nan)
    return value


def _accuracy(matrices: Floats) -> Floats:
    import numpy as np

    share: Floats = np.trace(matrices, axis1=-2, axis2=-1) / matrices.sum(axis=(-2, -1))
    return share


def _over(above: NDArray[np.generic], below: NDArray[np.generic]) -> Floats:
    """Element by element; 0 where ``below`` is 0."""
    import numpy as np

    bottom = np.asarray(below, dtype=np.float64)
    value: Floats = np.divide(above, bottom, out=np.zeros_like(bottom), where=bottom != 0)
    return value


_PARTS = ("precision", "recall", "f1", "jaccard")

CONFUSION: Mapping[str, FromConfusion] = {
    **{part: partial(_positive, part) for part in _PARTS},
    **{f"macro_{part}": partial(_macro, part) for part in _PARTS},
    **{f"micro_{part}": partial(_micro, part) for part in _PARTS},
    **{f"weighted_{part}": partial(_weighted, part) for part in _PARTS},
    "f2": partial(_weighing, 4.0),
    "f05": partial(_weighing, 0.25),
    "specificity": partial(_other, "recall"),
    "npv": partial(_other, "precision"),
    "false_positive_rate": partial(_missed, other=True),
    "false_negative_rate": partial(_missed, other=False),
    "balanced_accuracy": _balanced,
    "mcc": _mcc,
    "cohen_kappa": _kappa,
}
