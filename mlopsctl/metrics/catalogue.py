"""The catalogue of metrics: name, tasks, direction, range and what of a model each one needs.

Reading it imports no library, so a project's metric names are checked without any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, Literal

Direction = Literal["higher", "lower"]
Needs = Literal["label", "probability"]

BINARY: Final = "binary"
MULTICLASS: Final = "multiclass"
REGRESSION: Final = "regression"
CLASSIFICATION: Final = "classification"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """One metric.

    Attributes:
        tasks: of ``binary``, ``multiclass`` and ``regression``, those in which it is defined.
        direction: whether a better model has a higher or a lower value.
        minimum, maximum: the closed range of its values; ``None`` where it has no bound.
        needs: what the model must give: predicted labels (or numbers) or a probability for every class.
    """

    name: str
    tasks: frozenset[str]
    direction: Direction
    minimum: float | None
    maximum: float | None
    needs: Needs
    description: str

    def fits(self, task: str) -> bool:
        """Whether it can be defined in a task (``classification`` stands for two or more classes)."""
        wanted = {BINARY, MULTICLASS} if task == CLASSIFICATION else {task}
        return bool(self.tasks & wanted)

    def better(self, left: float, right: float) -> bool:
        """Whether ``left`` is strictly the better value."""
        return left > right if self.direction == "higher" else left < right


_TWO = frozenset({BINARY})
_MANY = frozenset({MULTICLASS})
_ANY = frozenset({BINARY, MULTICLASS})
_NUMBER = frozenset({REGRESSION})


def _share(name: str, description: str, tasks: frozenset[str] = _ANY, needs: Needs = "label") -> MetricInfo:
    """A metric between 0 and 1 of which more is better."""
    return MetricInfo(name, tasks, "higher", 0.0, 1.0, needs, description)


def _error(name: str, description: str) -> MetricInfo:
    """An error of a regression: 0 is perfect, no upper bound."""
    return MetricInfo(name, _NUMBER, "lower", 0.0, None, "label", description)


def _averaged(name: str, what: str) -> tuple[MetricInfo, ...]:
    """A metric of one positive class, and its averages over all classes."""
    return (
        _share(name, f"{what}, for the positive class of two.", _TWO),
        _share(f"macro_{name}", f"{what}, averaged over the classes that occur, each weighing the same."),
        _share(f"micro_{name}", f"{what}, from the counts of all classes together."),
        _share(f"weighted_{name}", f"{what}, averaged over the classes by their number of rows."),
    )


_ALL: Final = (
    _share("accuracy", "Share of rows whose label is predicted."),
    _share("balanced_accuracy", "Recall averaged over the classes that occur."),
    *_averaged("precision", "Share of predicted rows that are right"),
    *_averaged("recall", "Share of true rows that are found"),
    *_averaged("f1", "Harmonic mean of precision and recall"),
    *_averaged("jaccard", "Right rows over the rows that are true or predicted"),
    _share("specificity", "Share of the negative rows that are predicted negative.", _TWO),
    MetricInfo("zero_one_loss", _ANY, "lower", 0.0, 1.0, "label", "Share of rows whose label is not predicted."),
    MetricInfo(
        "mcc", _ANY, "higher", -1.0, 1.0, "label", "Matthews correlation of true and predicted labels; 0 is chance."
    ),
    MetricInfo(
        "cohen_kappa", _ANY, "higher", -1.0, 1.0, "label", "Agreement of true and predicted labels beyond chance."
    ),
    _share("roc_auc", "Area under the ROC curve; with more classes, the mean of one against the rest.",
           needs="probability"),
    _share("average_precision", "Area under the precision-recall curve; with more classes, the mean of one against "
           "the rest.", needs="probability"),
    MetricInfo("log_loss", _ANY, "lower", 0.0, None, "probability", "Cross-entropy of the probabilities, in nats."),
    MetricInfo("brier", _TWO, "lower", 0.0, 1.0, "probability",
               "Mean squared error of the positive class's probability."),
    _share("top_2_accuracy", "Share of rows whose label is among the 2 most probable.", _MANY, "probability"),
    _share("top_3_accuracy", "Share of rows whose label is among the 3 most probable.", _MANY, "probability"),
    _share("top_5_accuracy", "Share of rows whose label is among the 5 most probable.", _MANY, "probability"),
    _error("rmse", "Root of the mean squared error, in the label's unit."),
    _error("mse", "Mean squared error."),
    _error("mae", "Mean absolute error, in the label's unit."),
    _error("median_absolute_error", "Median of the absolute errors, in the label's unit."),
    _error("max_error", "Largest absolute error, in the label's unit."),
    _error("mape", "Mean absolute error as a fraction of the true value (0.1 is ten per cent)."),
    _error("msle", "Mean squared error of the logarithms of 1 + value; values must be above -1."),
    _error("rmsle", "Root of msle."),
    MetricInfo("r2", _NUMBER, "higher", None, 1.0, "label",
               "Share of the variance that is explained; below 0 is worse than the mean."),
    MetricInfo("explained_variance", _NUMBER, "higher", None, 1.0, "label",
               "Share of the variance that is explained, a constant error left aside."),
)  # fmt: skip

METRICS: Final[Mapping[str, MetricInfo]] = MappingProxyType({info.name: info for info in _ALL})


def default_metrics(task: str, classes: int | None = None) -> tuple[str, ...]:
    """The metrics of a project that names none; ``classes`` is how many there are, where that is known."""
    if task == REGRESSION:
        return ("rmse", "mae", "r2")
    if task == BINARY or classes == 2:
        return ("accuracy", "macro_f1", "log_loss", "roc_auc")
    return ("accuracy", "macro_f1", "log_loss")


def names_for(task: str) -> tuple[str, ...]:
    """The names that fit a task, in catalogue order."""
    return tuple(info.name for info in _ALL if info.fits(task))


def suggestion(name: str, task: str | None = None) -> str:
    """The nearest known name, or an empty text; of the task, where one is given."""
    usual = {"auc": "roc_auc", "rocauc": "roc_auc", "acc": "accuracy", "f1_score": "f1", "logloss": "log_loss",
             "mean_squared_error": "mse", "mean_absolute_error": "mae", "r2_score": "r2", "f1_macro": "macro_f1",
             "f1_micro": "micro_f1", "f1_weighted": "weighted_f1", "kappa": "cohen_kappa", "brier_score": "brier",
             "root_mean_squared_error": "rmse", "matthews_corrcoef": "mcc", "pr_auc": "average_precision"}  # fmt: skip
    known = names_for(task) if task else tuple(METRICS)
    folded = name.lower().replace("-", "_").replace(" ", "_")
    if usual.get(folded) in known:
        return usual[folded]
    found = get_close_matches(folded, known, n=1, cutoff=0.5)
    return found[0] if found else ""
