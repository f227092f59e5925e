"""A metric on many groups of rows at once: one pass over the rows where the metric is made of counts or means."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.compute import MetricUndefinedError, measure, require
from mlopsctl.metrics.confusion import CONFUSION
from mlopsctl.metrics.moments import MOMENTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Counts held at once.
_MOST_CELLS = 1 << 23


def measure_groups(
    name: str, answers: Answers, groups: NDArray[np.int64], count: int, rows: Callable[[int], NDArray[np.int64]]
) -> list[float | MetricUndefinedError]:
    """The metric of each group, or why it has none there: the same that :func:`measure` says of the group's rows.

    Args:
        groups: for each row its group, from 0 to ``count - 1``; no group is empty.
        rows: the positions of a group's rows.
    """
    quick = _quick(name, answers, groups, count)
    found: list[float | MetricUndefinedError] = []
    for group in range(count):
        if quick is not None and isfinite(quick[group]):
            found.append(float(quick[group]))
            continue
        try:
            found.append(measure(name, answers.take(rows(group))))
        except MetricUndefinedError as why:
            found.append(why)
    return found


def _quick(name: str, answers: Answers, groups: NDArray[np.int64], count: int) -> Floats | None:
    """The values in one pass; ``None`` where there is none for this metric or these answers."""
    try:
        require(name, answers)
    except MetricUndefinedError:
        return None
    if name in CONFUSION and count * answers.classes**2 <= _MOST_CELLS:
        return CONFUSION[name](_matrices(answers, groups, count), answers.positive)
    # More than one number a row is a variance, which loses digits when it is made of sums over other rows.
    if name in MOMENTS and (values := MOMENTS[name].numbers(answers)).shape[1] == 1:
        return _means(name, values, groups, count)
    return None


def _matrices(answers: Answers, groups: NDArray[np.int64], count: int) -> Floats:
    """The confusion matrix of each group."""
    import numpy as np

    classes = answers.classes
    cells = (groups * classes + answers.truth.astype(np.int64)) * classes + answers.prediction.astype(np.int64)
    counted = np.bincount(cells, minlength=count * classes * classes).astype(np.float64)
    return counted.reshape(count, classes, classes)


def _means(name: str, values: Floats, groups: NDArray[np.int64], count: int) -> Floats:
    """The metric from the mean of each group."""
    import numpy as np

    sums = np.bincount(groups, weights=values[:, 0], minlength=count)
    rows = np.bincount(groups, minlength=count)
    return MOMENTS[name].finish((sums / rows)[:, None])
