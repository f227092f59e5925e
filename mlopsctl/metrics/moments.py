"""Metrics that are a function of means over rows: resampling them needs sums only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from mlopsctl.metrics.answers import Answers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """How a metric is made from means.

    Attributes:
        rows: the numbers of each row, rows × columns.
        finish: from their means (… × columns) to the metric; NaN where it is undefined.
        counts: whether every number of a row is 0 or 1.
    """

    rows: Callable[[Answers], Floats]
    finish: Callable[[Floats], Floats]
    counts: bool = False

    def numbers(self, answers: Answers) -> Floats:
        """:attr:`rows`, with NaN in rows whose numbers are undefined."""
        import numpy as np

        with np.errstate(all="ignore"):
            return self.rows(answers)


def _first(means: Floats) -> Floats:
    return means[..., 0]


def _root(means: Floats) -> Floats:
    import numpy as np

    root: Floats = np.sqrt(means[..., 0])
    return root


def _right(answers: Answers) -> Floats:
    return _column(answers.truth == answers.prediction)


def _wrong(answers: Answers) -> Floats:
    return _column(answers.truth != answers.prediction)


def _top(count: int, answers: Answers) -> Floats:
    import numpy as np

    assert answers.probability is not None
    best = np.argsort(answers.probability, axis=1, kind="mergesort")[:, ::-1][:, :count]
    return _column((best == answers.truth[:, None]).any(axis=1))


def _log_loss(answers: Answers) -> Floats:
    import numpy as np

    assert answers.probability is not None
    smallest = np.finfo(answers.probability.dtype).eps
    given = answers.probability[np.arange(answers.rows), answers.truth.astype(np.int64)]
    return _column(-np.log(np.clip(given, smallest, 1 - smallest)))


def _brier(answers: Answers) -> Floats:
    assert answers.probability is not None
    return _column((answers.probability[:, answers.positive] - (answers.truth == answers.positive)) ** 2)


def _multiclass_brier(answers: Answers) -> Floats:
    import numpy as np

    assert answers.probability is not None
    right = answers.probability[np.arange(answers.rows), answers.truth.astype(np.int64)]
    return _column((answers.probability**2).sum(axis=1) - 2 * right + 1)


def _bias(answers: Answers) -> Floats:
    return _column(_floats(answers.prediction) - _floats(answers.truth))


def _pinball(share: float, answers: Answers) -> Floats:
    import numpy as np

    error = _floats(answers.truth) - _floats(answers.prediction)
    return _column(np.where(error >= 0, share * error, (share - 1) * error))


def _symmetric_error(answers: Answers) -> Floats:
    import numpy as np

    truth, prediction = _floats(answers.truth), _floats(answers.prediction)
    sizes = np.abs(truth) + np.abs(prediction)
    return _column(np.divide(2 * np.abs(prediction - truth), sizes, out=np.zeros_like(sizes), where=sizes > 0))


def _poisson(answers: Answers) -> Floats:
    import numpy as np
    from scipy.special import xlogy

    truth, prediction = _floats(answers.truth), _floats(answers.prediction)
    return _column(np.where(prediction > 0, 2 * (xlogy(truth, truth / prediction) - truth + prediction), np.nan))


def _gamma(answers: Answers) -> Floats:
    import numpy as np

    truth, prediction = _floats(answers.truth), _floats(answers.prediction)
    valid = (prediction > 0) & (truth > 0)
    return _column(np.where(valid, 2 * (np.log(prediction / truth) + truth / prediction - 1), np.nan))


def _error(power: int, answers: Answers) -> Floats:
    import numpy as np

    return _column(np.abs(_floats(answers.prediction) - _floats(answers.truth)) ** power)


def _relative_error(answers: Answers) -> Floats:
    import numpy as np

    truth = _floats(answers.truth)
    return _column(np.abs(_floats(answers.prediction) - truth) / np.maximum(np.abs(truth), np.finfo(np.float64).eps))


def _log_error(answers: Answers) -> Floats:
    import numpy as np

    return _column((np.log1p(_floats(answers.prediction)) - np.log1p(_floats(answers.truth))) ** 2)


def _spread(answers: Answers) -> Floats:
    """Error, squared error, centred truth and its square."""
    import numpy as np

    truth = _floats(answers.truth)
    error = truth - _floats(answers.prediction)
    centred = truth - truth.mean()
    return np.stack([error, error**2, centred, centred**2], axis=1)


def _explained(means: Floats, *, centred: bool) -> Floats:
    """One minus the share of the variance that the errors keep."""
    import numpy as np

    left = means[..., 1] - (means[..., 0] ** 2 if centred else 0.0)
    variance = means[..., 3] - means[..., 2] ** 2
    share: Floats = np.where(variance > 0, 1 - left / np.where(variance > 0, variance, 1.0), np.nan)
    return share


def _column(values: NDArray[Any]) -> Floats:
    return _floats(values)[:, None]


def _floats(values: NDArray[Any]) -> Floats:
    import numpy as np

    return values.astype(np.float64)


MOMENTS: Mapping[str, Moments] = {
    "accuracy": Moments(_right, _first, counts=True),
    "zero_one_loss": Moments(_wrong, _first, counts=True),
    **{f"top_{count}_accuracy": Moments(partial(_top, count), _first, counts=True) for count in (2, 3, 5, 10)},
    "log_loss": Moments(_log_loss, _first),
    "brier": Moments(_brier, _first),
    "multiclass_brier": Moments(_multiclass_brier, _first),
    "bias": Moments(_bias, _first),
    "smape": Moments(_symmetric_error, _first),
    "poisson_deviance": Moments(_poisson, _first),
    "gamma_deviance": Moments(_gamma, _first),
    **{f"pinball_{part}": Moments(partial(_pinball, part / 100), _first) for part in (5, 10, 50, 90, 95)},
    "mae": Moments(partial(_error, 1), _first),
    "mse": Moments(partial(_error, 2), _first),
    "rmse": Moments(partial(_error, 2), _root),
    "mape": Moments(_relative_error, _first),
    "msle": Moments(_log_error, _first),
    "rmsle": Moments(_log_error, _root),
    "r2": Moments(_spread, partial(_explained, centred=False)),
    "explained_variance": Moments(_spread, partial(_explained, centred=True)),
}
