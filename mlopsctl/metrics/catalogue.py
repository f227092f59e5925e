"""The catalogue of metrics: name, tasks, direction, range and what of a model each one needs.

Reading it imports no library, so a project's metric names are checked without any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, Literal

Direction = Literal["higher", "lower", "zero"]
Needs = Literal["label", "probability", "model", "own"]

BINARY: Final = "binary"
MULTICLASS: Final = "multiclass"
REGRESSION: Final = "regression"
CLASSIFICATION: Final = "classification"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """One metric.

    Attributes:
        tasks: of ``binary``, ``multiclass`` and ``regression``, those in which it is defined.
        direction: whether a better model has a higher or a lower value, or one nearer to zero.
        minimum, maximum: the closed range of its values; ``None`` where it has no bound.
        needs: what the model must give: predicted labels (or numbers) or a probability for every class. ``model``:
            it is measured on the model itself and not on answers; ``own``: by a function of the project.
        constant: the best value that a model with a constant answer can reach on any rows of more than one class
            or value, where the definition says it.
        repeatable: whether measuring again gives the same number; times do not.
    """

    name: str
    tasks: frozenset[str]
    direction: Direction
    minimum: float | None
    maximum: float | None
    needs: Needs
    description: str
    constant: float | None = None
    repeatable: bool = True

    def fits(self, task: str) -> bool:
        """Whether it can be defined in a task (``classification`` stands for two or more classes)."""
        wanted = {BINARY, MULTICLASS} if task == CLASSIFICATION else {task}
        return bool(self.tasks & wanted)

    def better(self, left: float, right: float) -> bool:
        """Whether ``left`` is strictly the better value."""
        if self.direction == "zero":
            return abs(left) < abs(right)
        return left > right if self.direction == "higher" else left < right

    @property
    def drawn(self) -> bool:
        """Whether it can be measured on some of the rows, and so on slices and on resamples."""
        return self.needs != "model"


_TWO = frozenset({BINARY})
_MANY = frozenset({MULTICLASS})
_ANY = frozenset({BINARY, MULTICLASS})
_NUMBER = frozenset({REGRESSION})


def _share(
    name: str,
    description: str,
    tasks: frozenset[str] = _ANY,
    needs: Needs = "label",
    constant: float | None = None,
) -> MetricInfo:
    """A metric between 0 and 1 of which more is better."""
    return MetricInfo(name, tasks, "higher", 0.0, 1.0, needs, description, constant)


def _lost(name: str, description: str, tasks: frozenset[str] = _ANY, needs: Needs = "label") -> MetricInfo:
    """A metric between 0 and 1 of which less is better."""
    return MetricInfo(name, tasks, "lower", 0.0, 1.0, needs, description)


def _error(name: str, description: str) -> MetricInfo:
    """An error of a regression: 0 is perfect, no upper bound."""
    return MetricInfo(name, _NUMBER, "lower", 0.0, None, "label", description)


def _explained(name: str, description: str, tasks: frozenset[str] = _NUMBER, needs: Needs = "label") -> MetricInfo:
    """A share of what a constant answer leaves open: 1 is perfect, 0 is that constant."""
    return MetricInfo(name, tasks, "higher", None, 1.0, needs, description, constant=0.0)


def _correlation(name: str, description: str) -> MetricInfo:
    """An agreement between -1 and 1; 0 is chance."""
    return MetricInfo(name, _ANY, "higher", -1.0, 1.0, "label", description, constant=0.0)


def _averaged(name: str, what: str) -> tuple[MetricInfo, ...]:
    """A metric of one positive class, and its averages over all classes.

    A constant answer is right for one of at least two classes, so its macro average is at most 0.5.
    """
    return (
        _share(name, f"{what}, for the positive class of two.", _TWO),
        _share(
            f"macro_{name}",
            f"{what}, averaged over the classes that occur, each weighing the same.",
            constant=0.5,
        ),
        _share(f"micro_{name}", f"{what}, from the counts of all classes together."),
        _share(f"weighted_{name}", f"{what}, averaged over the classes by their number of rows."),
    )


def _of_the_model(name: str, description: str, repeatable: bool) -> MetricInfo:
    """What is measured on the model itself, whatever its task."""
    return MetricInfo(name, _ANY | _NUMBER, "lower", 0.0, None, "model", description, repeatable=repeatable)


_RANK = "with more classes, the mean of one against the rest."
_ALL: Final = (
    _share("accuracy", "Share of rows whose label is predicted."),
    _share("balanced_accuracy", "Recall averaged over the classes that occur.", constant=0.5),
    *_averaged("precision", "Share of predicted rows that are right"),
    *_averaged("recall", "Share of true rows that are found"),
    *_averaged("f1", "Harmonic mean of precision and recall"),
    *_averaged("jaccard", "Right rows over the rows that are true or predicted"),
    _share("f2", "F-measure of the positive class of two in which recall weighs twice as much.", _TWO),
    _share("f05", "F-measure of the positive class of two in which precision weighs twice as much.", _TWO),
    _share("specificity", "Share of the negative rows that are predicted negative.", _TWO),
    _share("npv", "Share of the rows predicted negative that are.", _TWO),
    _lost("false_positive_rate", "Share of the negative rows that are predicted positive.", _TWO),
    _lost("false_negative_rate", "Share of the positive rows that are predicted negative.", _TWO),
    _lost("zero_one_loss", "Share of rows whose label is not predicted."),
    _correlation("mcc", "Matthews correlation of true and predicted labels; 0 is chance."),
    _correlation("cohen_kappa", "Agreement of true and predicted labels beyond chance."),
    _share("roc_auc", f"Area under the ROC curve; {_RANK}", needs="probability", constant=0.5),
    _share("weighted_roc_auc", "Area under the ROC curve of each class against the rest, averaged by rows.", _MANY,
           "probability", 0.5),
    _share("roc_auc_ovo", "Area under the ROC curve of each pair of classes, averaged.", _MANY, "probability", 0.5),
    _share("average_precision", f"Area under the precision-recall curve; {_RANK}", needs="probability"),
    MetricInfo("log_loss", _ANY, "lower", 0.0, None, "probability", "Cross-entropy of the probabilities, in nats."),
    _explained("d2_log_loss", "Share of the log loss of the class shares that is explained; below 0 is worse.", _ANY,
               "probability"),
    _lost("brier", "Mean squared error of the positive class's probability.", _TWO, "probability"),
    MetricInfo("multiclass_brier", _MANY, "lower", 0.0, 2.0, "probability",
               "Squared errors of the probabilities of all classes, summed in a row, averaged over rows."),
    _lost("calibration_error", "Distance of the predicted class's probability from how often it is right, over ten "
          "bins of equal width, weighted by rows (ECE).", needs="probability"),
    *(_share(f"top_{count}_accuracy", f"Share of rows whose label is among the {count} most probable.", _MANY,
             "probability") for count in (2, 3, 5, 10)),
    _error("rmse", "Root of the mean squared error, in the label's unit."),
    _error("mse", "Mean squared error."),
    _error("mae", "Mean absolute error, in the label's unit."),
    _error("median_absolute_error", "Median of the absolute errors, in the label's unit."),
    _error("max_error", "Largest absolute error, in the label's unit."),
    _error("mape", "Mean absolute error as a fraction of the true value (0.1 is ten per cent)."),
    MetricInfo("smape", _NUMBER, "lower", 0.0, 2.0, "label",
               "Mean of twice the absolute error over the sum of both sizes; 0 where both are 0."),
    _error("msle", "Mean squared error of the logarithms of 1 + value; values must be above -1."),
    _error("rmsle", "Root of msle."),
    _error("poisson_deviance", "Mean Poisson deviance, for counts; predictions must be above 0."),
    _error("gamma_deviance", "Mean gamma deviance, for amounts; labels and predictions must be above 0."),
    *(_error(f"pinball_{part}", f"Pinball loss of a prediction of the {part} per cent quantile.")
      for part in (5, 10, 50, 90, 95)),
    MetricInfo("bias", _NUMBER, "zero", None, None, "label",
               "Mean of prediction minus truth, in the label's unit; nearer to 0 is better."),
    _explained("r2", "Share of the variance that is explained; below 0 is worse than the mean."),
    _explained("explained_variance", "Share of the variance that is explained, a constant error left aside."),
    _explained("d2_absolute_error", "Share of the absolute error around the median that is explained."),
    _of_the_model("latency_p50_ms", "Median time to answer one raw row in the evaluating process, in ms.", False),
    _of_the_model("latency_p95_ms", "Time within which 95 of 100 raw rows are answered, in ms.", False),
    _of_the_model("model_size_mb", "Size of the packed model's files, in millions of bytes.", True),
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
             "root_mean_squared_error": "rmse", "matthews_corrcoef": "mcc", "pr_auc": "average_precision",
             "roc_auc_ovr": "roc_auc", "hamming_loss": "zero_one_loss", "tnr": "specificity", "tpr": "recall",
             "fpr": "false_positive_rate", "fnr": "false_negative_rate", "sensitivity": "recall", "ece":
             "calibration_error", "mean_bias": "bias", "mean_error": "bias", "latency": "latency_p95_ms",
             "medae": "median_absolute_error", "mbe": "bias", "f0_5": "f05", "quantile_loss": "pinball_50",
             "mean_poisson_deviance": "poisson_deviance", "model_size": "model_size_mb"}  # fmt: skip
    known = names_for(task) if task else tuple(METRICS)
    folded = name.lower().replace("-", "_").replace(" ", "_")
    if usual.get(folded) in known:
        return usual[folded]
    found = get_close_matches(folded, known, n=1, cutoff=0.5)
    return found[0] if found else ""
