"""The value of one metric, by scikit-learn's definitions; what is undefined says so instead of being a number."""

from __future__ import annotations

import warnings
from math import isfinite
from typing import TYPE_CHECKING

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.answers import MetricUndefinedError as MetricUndefinedError
from mlopsctl.metrics.catalogue import BINARY, METRICS, MULTICLASS, REGRESSION
from mlopsctl.metrics.functions import FUNCTIONS, TOP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def measure(name: str, answers: Answers) -> float:
    """The metric's value, a finite number.

    Raises:
        MetricUndefinedError: no rows, a task it does not fit, no probabilities, one class only, a number that is
            not finite.
        KeyError: when no metric has that name.
    """
    require(name, answers)
    with warnings.catch_warnings():
        # An ill-defined value is caught below, or is the 0 that the catalogue's definitions give it.
        warnings.simplefilter("ignore")
        try:
            value = float(FUNCTIONS[name](answers))
        except ValueError as error:
            raise MetricUndefinedError(str(error).splitlines()[0]) from None
    if not isfinite(value):
        raise MetricUndefinedError(f"its value is {value}")
    return value


def require(name: str, answers: Answers) -> None:
    """That a metric can be asked of such answers at all; which labels occur is not looked at.

    Raises:
        MetricUndefinedError: no rows, a task it does not fit, no probabilities, a number that is not finite.
        KeyError: when no metric has that name.
    """
    info = METRICS[name]
    if info.needs == "model":
        raise MetricUndefinedError("it is measured on a model, not on its answers")
    if answers.rows == 0:
        raise MetricUndefinedError("there are no rows")
    task = task_of(answers.classes)
    if task not in info.tasks:
        raise MetricUndefinedError(_misfit(name, task, answers.classes))
    if info.needs == "probability" and answers.probability is None:
        raise MetricUndefinedError("the model gives no probabilities")
    if name in TOP and TOP[name] >= answers.classes:
        raise MetricUndefinedError(f"with {answers.classes} classes every label is among the first {TOP[name]}")
    _require_finite(answers)


def compute(
    name: str,
    truth: NDArray[np.generic],
    prediction: NDArray[np.generic],
    probability: NDArray[np.float64] | None = None,
    classes: int = 0,
    positive: int = 1,
) -> float:
    """:func:`measure` of answers given one by one; see :class:`Answers`."""
    return measure(name, Answers(truth, prediction, probability, classes, positive))


def task_of(classes: int) -> str:
    """The catalogue's word for a number of classes (0: a regression)."""
    if classes == 0:
        return REGRESSION
    return BINARY if classes == 2 else MULTICLASS


def _misfit(name: str, task: str, classes: int) -> str:
    if task == MULTICLASS and f"macro_{name}" in METRICS:
        return f"it needs two classes and there are {classes}; macro_{name} is defined for any number"
    kinds = " or ".join(sorted(METRICS[name].tasks))
    return f"it is a metric of {kinds} problems, and this one is {task}"


def _require_finite(answers: Answers) -> None:
    import numpy as np

    if answers.classes == 0:
        if not np.isfinite(answers.truth).all():
            raise MetricUndefinedError("the label holds values that are not finite numbers")
        if not np.isfinite(answers.prediction).all():
            raise MetricUndefinedError("the predictions hold values that are not finite numbers")
    if answers.probability is not None and not np.isfinite(answers.probability).all():
        raise MetricUndefinedError("the probabilities hold values that are not finite numbers")
