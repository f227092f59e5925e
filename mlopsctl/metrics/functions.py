"""Every metric of the catalogue as a function of answers, by scikit-learn's definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any

from mlopsctl.metrics.answers import Answers, MetricUndefinedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BINS = 10
TOP: Mapping[str, int] = {f"top_{count}_accuracy": count for count in (2, 3, 5, 10)}


def _labels(function: str, **options: Any) -> Callable[[Answers], float]:
    """A function of scikit-learn over true and predicted values."""

    def call(answers: Answers) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(answers.truth, answers.prediction, **options))

    return call


def _positive(function: str, **options: Any) -> Callable[[Answers], float]:
    """A function of scikit-learn about the positive class of two."""

    def call(answers: Answers) -> float:
        given = {"pos_label": answers.positive, "average": "binary", "zero_division": 0.0, **options}
        return _labels(function, **given)(answers)

    return call


def _negative(function: str, answers: Answers) -> float:
    """A function of scikit-learn about the other class of two."""
    other = Answers(answers.truth, answers.prediction, None, 2, 1 - answers.positive)
    return _positive(function)(other)


def _missed(share: Callable[[Answers], float], position: Callable[[Answers], int], answers: Answers) -> float:
    """One minus a share of the rows of a class, of which there must be one."""
    if not (answers.truth == position(answers)).any():
        raise MetricUndefinedError("there is no row of the class that it counts")
    return 1.0 - share(answers)


def _log_loss(answers: Answers) -> float:
    from sklearn import metrics

    return float(metrics.log_loss(answers.truth, answers.probability, labels=range(answers.classes)))


def _brier(answers: Answers) -> float:
    import numpy as np

    assert answers.probability is not None
    truth = (answers.truth == answers.positive).astype(np.float64)
    return float(np.mean((answers.probability[:, answers.positive] - truth) ** 2))


def _d2_log_loss(answers: Answers) -> float:
    """How much of the log loss of the class shares is explained; rows of one class leave none."""
    import numpy as np
    from sklearn import metrics

    if len(np.unique(answers.truth)) < 2:
        raise MetricUndefinedError("all rows are of one class")
    labels = list(range(answers.classes))
    return float(metrics.d2_log_loss_score(answers.truth, answers.probability, labels=labels))


def _multiclass_brier(answers: Answers) -> float:
    import numpy as np

    assert answers.probability is not None
    right = answers.probability[np.arange(answers.rows), answers.truth.astype(np.int64)]
    return float(np.mean((answers.probability**2).sum(axis=1) - 2 * right + 1))


def _calibration_error(answers: Answers) -> float:
    """Rows are binned by the probability of the predicted class: ten bins of equal width."""
    import numpy as np

    assert answers.probability is not None
    score = answers.probability[np.arange(answers.rows), answers.prediction.astype(np.int64)]
    bins = np.minimum((score * _BINS).astype(np.int64), _BINS - 1)
    right = answers.truth == answers.prediction
    gaps = np.bincount(bins, weights=right, minlength=_BINS) - np.bincount(bins, weights=score, minlength=_BINS)
    return float(np.abs(gaps).sum() / answers.rows)


def _pairs_of_classes(answers: Answers) -> float:
    """Each class against each other one, on the rows of the two."""
    import numpy as np
    from sklearn import metrics

    if len(np.unique(answers.truth)) < answers.classes:
        raise MetricUndefinedError("the rows do not hold every class")
    labels = list(range(answers.classes))
    shares = _shares(answers)
    return float(metrics.roc_auc_score(answers.truth, shares, multi_class="ovo", labels=labels))


def _weighted_roc_auc(answers: Answers) -> float:
    import numpy as np

    counts = np.bincount(answers.truth.astype(np.int64), minlength=answers.classes)
    return float(np.average(_against_rest("roc_auc_score", answers), weights=counts))


def _shares(answers: Answers) -> NDArray[np.float64]:
    """The probabilities, summing to 1 as exactly as scikit-learn asks for."""
    assert answers.probability is not None
    shares: NDArray[np.float64] = answers.probability / answers.probability.sum(axis=1, keepdims=True)
    return shares


def _one_against_rest(function: str, answers: Answers) -> float:
    """A function of scikit-learn on the score of the positive class; with more classes the mean over all."""
    import numpy as np

    return float(np.mean(_against_rest(function, answers)))


def _against_rest(function: str, answers: Answers) -> list[float]:
    """The value of the positive class of two, or of every class."""
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
    return values


def _top(count: int, answers: Answers) -> float:
    from sklearn import metrics

    labels = range(answers.classes)
    return float(metrics.top_k_accuracy_score(answers.truth, answers.probability, k=count, labels=list(labels)))


def _variance(function: str, answers: Answers) -> float:
    """A share of the variance; one row has none."""
    if answers.rows < 2:
        raise MetricUndefinedError("it needs at least two rows")
    return _labels(function)(answers)


def _bias(answers: Answers) -> float:
    import numpy as np

    return float(np.mean(answers.prediction.astype(np.float64) - answers.truth.astype(np.float64)))


def _smape(answers: Answers) -> float:
    import numpy as np

    truth, prediction = answers.truth.astype(np.float64), answers.prediction.astype(np.float64)
    sizes = np.abs(truth) + np.abs(prediction)
    errors = 2 * np.abs(prediction - truth)
    return float(np.mean(np.divide(errors, sizes, out=np.zeros_like(sizes), where=sizes > 0)))


def _root(function: str, answers: Answers) -> float:
    return sqrt(_labels(function)(answers))


def _averages(name: str) -> dict[str, Callable[[Answers], float]]:
    function = f"{name}_score"
    averaged = {
        f"{average}_{name}": _labels(function, average=average, zero_division=0.0)
        for average in ("macro", "micro", "weighted")
    }
    return {name: _positive(function), **averaged}


FUNCTIONS: Mapping[str, Callable[[Answers], float]] = {
    "accuracy": _labels("accuracy_score"),
    "balanced_accuracy": _labels("balanced_accuracy_score"),
    **_averages("precision"),
    **_averages("recall"),
    **_averages("f1"),
    **_averages("jaccard"),
    "f2": _positive("fbeta_score", beta=2.0),
    "f05": _positive("fbeta_score", beta=0.5),
    "specificity": partial(_negative, "recall_score"),
    "npv": partial(_negative, "precision_score"),
    "false_positive_rate": partial(_missed, partial(_negative, "recall_score"), lambda answers: 1 - answers.positive),
    "false_negative_rate": partial(_missed, _positive("recall_score"), lambda answers: answers.positive),
    "zero_one_loss": _labels("zero_one_loss"),
    "mcc": _labels("matthews_corrcoef"),
    "cohen_kappa": _labels("cohen_kappa_score"),
    "roc_auc": partial(_one_against_rest, "roc_auc_score"),
    "weighted_roc_auc": _weighted_roc_auc,
    "roc_auc_ovo": _pairs_of_classes,
    "average_precision": partial(_one_against_rest, "average_precision_score"),
    "log_loss": _log_loss,
    "d2_log_loss": _d2_log_loss,
    "brier": _brier,
    "multiclass_brier": _multiclass_brier,
    "calibration_error": _calibration_error,
    **{name: partial(_top, count) for name, count in TOP.items()},
    "rmse": _labels("root_mean_squared_error"),
    "mse": _labels("mean_squared_error"),
    "mae": _labels("mean_absolute_error"),
    "median_absolute_error": _labels("median_absolute_error"),
    "max_error": _labels("max_error"),
    "mape": _labels("mean_absolute_percentage_error"),
    "msle": _labels("mean_squared_log_error"),
    "rmsle": partial(_root, "mean_squared_log_error"),
    "smape": _smape,
    "poisson_deviance": _labels("mean_poisson_deviance"),
    "gamma_deviance": _labels("mean_gamma_deviance"),
    **{f"pinball_{part}": _labels("mean_pinball_loss", alpha=part / 100) for part in (5, 10, 50, 90, 95)},
    "bias": _bias,
    "d2_absolute_error": partial(_variance, "d2_absolute_error_score"),
    "r2": partial(_variance, "r2_score"),
    "explained_variance": partial(_variance, "explained_variance_score"),
}
