"""What a picture of a model is drawn from (``curves.json`` in an Evaluation artifact): points, counts, importances."""

from __future__ import annotations

from dataclasses import dataclass

CURVES_FILE = "curves.json"


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each class (a row) was answered with each class (a column); ``counts`` is square."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a line, and the area under it; ``name`` is the class that counts as positive.

    ROC: ``x`` false positive rate, ``y`` true positive rate, and the score from which on a row is taken at each point
    in ``thresholds``. PR: ``x`` recall, ``y`` precision.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    area: float | None
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of the rows in each bin of predicted probability: its mean, the share that was positive, and how many."""

    name: str
    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Residuals:
    """Prediction minus truth: a histogram over all rows, and the points of at most 500 rows.

    ``edges`` are the histogram's bounds, one more than ``counts``; ``predicted`` and ``residual`` are the points.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    predicted: tuple[float, ...]
    residual: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Importance:
    """How much worse the first metric gets when a column's values are shuffled: mean and deviation of some repeats."""

    column: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class ModelCurves:
    """The pictures of one model on the evaluated rows; empty where its task has no such picture."""

    confusion: Confusion | None = None
    roc: tuple[Curve, ...] = ()
    precision_recall: tuple[Curve, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    residuals: Residuals | None = None
    importances: tuple[Importance, ...] = ()
    importance_metric: str = ""


@dataclass(frozen=True, slots=True)
class Curves:
    """The pictures of the challenger and, where there is one, of the champion on the same rows."""

    candidate: ModelCurves
    champion: ModelCurves | None = None
