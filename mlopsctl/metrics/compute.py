"""The value of one metric, by scikit-learn's definitions; what is undefined says so instead of being a number."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.catalogue import BINARY, METRICS, MULTICLASS, REGRESSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricUndefinedError(Exception):
    """The metric has no value on these answers; the message says why."""


def measure(name: str, answers: Answers) -> float:
    """The metric's value, a finite number.

    Raises:
        MetricUndefinedError: no rows, a task it does not fit, no probabilities, one class only, a number that is
            not finite.
        KeyError: when no metric has that name.
    """
    info = METRICS[name]
    if answers.rows == 0:
        raise MetricUndefinedError("there are no rows")
    task = task_of(answers.classes)
    if task not in info.tasks:
        raise MetricUndefinedError(_misfit(name, task, answers.classes))
    if info.needs == "probability" and answers.probability is None:
        raise MetricUndefinedError("the model gives no probabilities")
    _require_finite(answers)
    with warnings.catch_warnings():
        # An ill-defined value is caught below, or is the 0 that the catalogue's definitions give it.
        warnings.simplefilter("ignore")
        try:
            value = float(_FUNCTIONS[name](answers))
        except ValueError as error:
            raise MetricUndefinedError(str(error).splitlines()[0]) from None
    if not isfinite(value):
        raise MetricUndefinedError(f"its value is {value}")
    return value


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


def _labels(function: str, **options: Any) -> Callable[[Answers], float]:
    """A function of scikit-learn over true and predicted values."""

    def call(answers: Answers) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(answers.truth, answers.prediction, **options))

    return call


def _positive(function: str) -> Callable[[Answers], float]:
    """A function of scikit-learn about the positive class of two."""

    def call(answers: Answers) -> float:
        return _labels(function, pos_label=answers.positive, average="binary", zero_division=0.0)(answers)

    return call


def _specificity(answers: Answers) -> float:
    other = Answers(answers.truth, answers.prediction, None, 2, 1 - answers.positive)
    return _positive("recall_score")(other)


def _log_loss(answers: Answers) -> float:
    from sklearn import metrics

    return float(metrics.log_loss(answers.truth, answers.probability, labels=range(answers.classes)))


def _brier(answers: Answers) -> float:
    import numpy as np

    assert answers.probability is not None
    truth = (answers.truth == answers.positive).astype(np.float64)
    return float(np.mean((answers.probability[:, answers.positive] - truth) ** 2))


def _one_against_rest(function: str, answers: Answers) -> float:
    """A function of scikit-learn on the score of the positive class; with more classes the mean over all."""
    import numpy as np
    from sklearn import metrics

    assert answers.probability is not None
    score = getattr(metrics, function)
    judged = [answers.positive] if answers.classes == 2 else range(answers.classes)
    values = []
    for position in judged:
        truth = answers.truth == position
        if truth.all() or not truth.any():
            one = len(judged) == 1
            raise MetricUndefinedError("all rows are of one class" if one else "the rows do not hold every class")
        values.append(float(score(truth, answers.probability[:, position])))
    return float(np.mean(values))


def _top(count: int, answers: Answers) -> float:
    from sklearn import metrics

    if count >= answers.classes:
        raise MetricUndefinedError(f"with {answers.classes} classes every label is among the first {count}")
    labels = range(answers.classes)
    return float(metrics.top_k_accuracy_score(answers.truth, answers.probability, k=count, labels=list(labels)))


def _variance(function: str, answers: Answers) -> float:
    """A share of the variance; one row has none."""
    if answers.rows < 2:
        raise MetricUndefinedError("it needs at least two rows")
    return _labels(function)(answers)


def _root(function: str, answers: Answers) -> float:
    return sqrt(_labels(function)(answers))


def _averages(name: str) -> dict[str, Callable[[Answers], float]]:
    function = f"{name}_score"
    averaged = {
        f"{average}_{name}": _labels(function, average=average, zero_division=0.0)
        for average in ("macro", "micro", "weighted")
    }
    return {name: _positive(function), **averaged}


_FUNCTIONS: Mapping[str, Callable[[Answers], float]] = {
    "accuracy": _labels("accuracy_score"),
    "balanced_accuracy": _labels("balanced_accuracy_score"),
    **_averages("precision"),
    **_averages("recall"),
    **_averages("f1"),
    **_averages("jaccard"),
    "specificity": _specificity,
    "zero_one_loss": _labels("zero_one_loss"),
    "mcc": _labels("matthews_corrcoef"),
    "cohen_kappa": _labels("cohen_kappa_score"),
    "roc_auc": partial(_one_against_rest, "roc_auc_score"),
    "average_precision": partial(_one_against_rest, "average_precision_score"),
    "log_loss": _log_loss,
    "brier": _brier,
    "top_2_accuracy": partial(_top, 2),
    "top_3_accuracy": partial(_top, 3),
    "top_5_accuracy": partial(_top, 5),
    "rmse": _labels("root_mean_squared_error"),
    "mse": _labels("mean_squared_error"),
    "mae": _labels("mean_absolute_error"),
    "median_absolute_error": _labels("median_absolute_error"),
    "max_error": _labels("max_error"),
    "mape": _labels("mean_absolute_percentage_error"),
    "msle": _labels("mean_squared_log_error"),
    "rmsle": partial(_root, "mean_squared_log_error"),
    "r2": partial(_variance, "r2_score"),
    "explained_variance": partial(_variance, "explained_variance_score"),
}
