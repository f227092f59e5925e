"""The value of a metric is scikit-learn's, and what has no value says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.catalogue import METRICS, MetricInfo
from mlopsctl.metrics.compute import MetricUndefinedError, compute, measure, task_of


def classified(classes: int, rows: int, seed: int = 0, positive: int = 1) -> Answers:
    draw = np.random.default_rng(seed)
    probability = draw.dirichlet(np.ones(classes), rows)
    return Answers(draw.integers(0, classes, rows), probability.argmax(1), probability, classes, positive)


def predicted(rows: int, seed: int = 0) -> Answers:
    draw = np.random.default_rng(seed)
    truth = draw.gamma(2, 2, rows)
    return Answers(truth, np.abs(truth + draw.normal(0, 1, rows)))


def test_binary_metrics_judge_the_positive_class() -> None:
    for positive in (0, 1):
        found = classified(2, 200, positive=positive)
        truth, answer = found.truth == positive, found.prediction == positive
        score = found.probability[:, positive]  # type: ignore[index]
        assert measure("precision", found) == reference.precision_score(truth, answer)
        assert measure("recall", found) == reference.recall_score(truth, answer)
        assert measure("specificity", found) == reference.recall_score(~truth, ~answer)
        assert measure("f1", found) == reference.f1_score(truth, answer)
        assert measure("jaccard", found) == reference.jaccard_score(truth, answer)
        assert measure("roc_auc", found) == reference.roc_auc_score(truth, score)
        assert measure("average_precision", found) == reference.average_precision_score(truth, score)
        assert measure("brier", found) == pytest.approx(reference.brier_score_loss(truth, score))


def test_several_classes_are_averaged() -> None:
    found = classified(4, 300)
    assert measure("roc_auc", found) == pytest.approx(
        reference.roc_auc_score(found.truth, found.probability, multi_class="ovr")
    )
    assert measure("macro_f1", found) == reference.f1_score(found.truth, found.prediction, average="macro")
    assert measure("top_2_accuracy", found) == reference.top_k_accuracy_score(found.truth, found.probability, k=2)
    assert measure("log_loss", found) == reference.log_loss(found.truth, found.probability)


def test_a_regression_is_measured() -> None:
    found = predicted(100)
    assert measure("rmse", found) == reference.root_mean_squared_error(found.truth, found.prediction)
    assert measure("mape", found) == reference.mean_absolute_percentage_error(found.truth, found.prediction)
    assert measure("rmsle", found) == pytest.approx(
        reference.root_mean_squared_log_error(found.truth, found.prediction)
    )


def test_parts_can_be_given_one_by_one() -> None:
    assert compute("accuracy", np.array([0, 1]), np.array([0, 0]), None, 2, 1) == 0.5
    assert compute("mae", np.array([1.0]), np.array([3.0])) == 2


def answers(truth: list[float], prediction: list[float], classes: int = 0, **more: object) -> Answers:
    kind = np.int64 if classes else np.float64
    return Answers(np.array(truth, kind), np.array(prediction, kind), classes=classes, **more)  # type: ignore[arg-type]


HALF = np.array([[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("accuracy", answers([], [], 2), "there are no rows"),
        ("rmse", answers([], []), "there are no rows"),
        ("roc_auc", answers([1, 1], [1, 0], 2, probability=HALF), "all rows are of one class"),
        ("average_precision", answers([0, 0], [1, 0], 2, probability=HALF), "all rows are of one class"),
        ("roc_auc", answers([1, 0], [1, 0], 2), "the model gives no probabilities"),
        ("log_loss", answers([1, 0], [1, 0], 2), "the model gives no probabilities"),
        ("log_loss", answers([1, 0], [1, 0], 2, probability=HALF * math.nan), "not finite"),
        ("f1", answers([0, 1, 2], [0, 1, 2], 3), "macro_f1 is defined for any number"),
        ("rmse", answers([0, 1], [0, 1], 2), "this one is binary"),
        ("accuracy", answers([0.5, 1], [0.5, 1]), "this one is regression"),
        ("rmse", answers([1, math.nan], [1, 2]), "the label holds"),
        ("rmse", answers([1, 2], [1, math.inf]), "the predictions hold"),
        ("mse", answers([1e300, 2], [-1e300, 2]), "its value is inf"),
        ("msle", answers([1, 2], [-5, 2]), "-1"),
        ("r2", answers([1], [1]), "at least two rows"),
        ("explained_variance", answers([1], [1]), "at least two rows"),
        ("false_positive_rate", answers([1, 1], [1, 0], 2), "no row of the class"),
        ("false_negative_rate", answers([0, 0], [1, 0], 2), "no row of the class"),
        ("d2_log_loss", answers([1, 1], [1, 1], 2, probability=HALF), "all rows are of one class"),
        ("roc_auc_ovo", answers([0, 1], [0, 1], 3, probability=np.ones((2, 3)) / 3), "do not hold every class"),
        ("gamma_deviance", answers([1, 2], [0, 2]), "strictly positive"),
        ("poisson_deviance", answers([1, 2], [0, 2]), "strictly positive"),
        ("d2_absolute_error", answers([1], [1]), "at least two rows"),
        ("latency_p95_ms", answers([1, 2], [1, 2]), "measured on a model"),
        ("cohen_kappa", answers([1, 1], [1, 1], 2), "its value is nan"),
        ("top_3_accuracy", answers([0, 1], [0, 1], 3, probability=np.ones((2, 3)) / 3), "every label is among"),
        ("roc_auc", answers([0, 1], [0, 1], 3, probability=np.ones((2, 3)) / 3), "do not hold every class"),
    ],
)
def test_what_is_undefined_says_why(name: str, given: Answers, reason: str) -> None:
    with pytest.raises(MetricUndefinedError, match=reason):
        measure(name, given)


@given(st.data(), st.sampled_from(sorted(METRICS)), st.sampled_from([0, 2, 3, 5]), st.integers(1, 12))
def test_a_value_is_finite_and_in_its_range_or_there_is_none(
    data: st.DataObject, name: str, classes: int, rows: int
) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    found = classified(classes, rows, seed) if classes else predicted(rows, seed)
    info = METRICS[name]
    if not info.fits(task_of(classes)):
        with pytest.raises(MetricUndefinedError):
            measure(name, found)
        return
    try:
        value = measure(name, found)
    except MetricUndefinedError:
        return
    assert math.isfinite(value)
    assert info.minimum is None or value >= info.minimum - 1e-9
    assert info.maximum is None or value <= info.maximum + 1e-9


def test_a_perfect_model_is_at_the_good_end() -> None:
    for classes in (2, 4):
        truth = np.arange(40) % classes
        found = Answers(truth, truth, np.eye(classes)[truth], classes)
        for info in METRICS.values():
            if info.drawn and info.fits(task_of(classes)) and not info.name.startswith("top_"):
                assert measure(info.name, found) == pytest.approx(perfect(info), abs=1e-9), info.name
    truth = np.linspace(1, 9, 20)
    for info in METRICS.values():
        if info.drawn and info.fits("regression"):
            assert measure(info.name, Answers(truth, truth)) == pytest.approx(perfect(info), abs=1e-12), info.name


def perfect(info: MetricInfo) -> float:
    value = {"higher": info.maximum, "lower": info.minimum, "zero": 0.0}[info.direction]
    assert value is not None
    return value


LIKE_SCIKIT_LEARN = {
    **{f"{average}_{name}": (f"{name}_score", {"average": average, "zero_division": 0})
       for average in ("macro", "micro", "weighted") for name in ("precision", "recall", "f1", "jaccard")},
    "accuracy": ("accuracy_score", {}), "balanced_accuracy": ("balanced_accuracy_score", {}),
    "mcc": ("matthews_corrcoef", {}), "cohen_kappa": ("cohen_kappa_score", {}),
    "zero_one_loss": ("zero_one_loss", {}), "mse": ("mean_squared_error", {}), "mae": ("mean_absolute_error", {}),
    "median_absolute_error": ("median_absolute_error", {}), "max_error": ("max_error", {}),
    "rmse": ("root_mean_squared_error", {}), "mape": ("mean_absolute_percentage_error", {}),
    "msle": ("mean_squared_log_error", {}), "rmsle": ("root_mean_squared_log_error", {}), "r2": ("r2_score", {}),
    "explained_variance": ("explained_variance_score", {}), "d2_absolute_error": ("d2_absolute_error_score", {}),
    "poisson_deviance": ("mean_poisson_deviance", {}), "gamma_deviance": ("mean_gamma_deviance", {}),
    **{f"pinball_{part}": ("mean_pinball_loss", {"alpha": part / 100}) for part in (5, 10, 50, 90, 95)},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LIKE_SCIKIT_LEARN))
@pytest.mark.parametrize("seed", range(3))
def test_labels_and_numbers_are_judged_as_scikit_learn_judges_them(name: str, seed: int) -> None:
    found = predicted(150, seed) if METRICS[name].fits("regression") else classified(4, 150, seed)
    function, options = LIKE_SCIKIT_LEARN[name]
    expected = getattr(reference, function)(found.truth, found.prediction, **options)
    assert measure(name, found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_judged_as_scikit_learn_judges_them(seed: int) -> None:
    found = classified(4, 200, seed)
    truth, shares = found.truth, found.probability
    expected = {
        "log_loss": reference.log_loss(truth, shares),
        "d2_log_loss": reference.d2_log_loss_score(truth, shares),
        "roc_auc": reference.roc_auc_score(truth, shares, multi_class="ovr"),
        "weighted_roc_auc": reference.roc_auc_score(truth, shares, multi_class="ovr", average="weighted"),
        "roc_auc_ovo": reference.roc_auc_score(truth, shares, multi_class="ovo"),
        "average_precision": reference.average_precision_score(np.eye(4)[truth], shares),
        "multiclass_brier": reference.brier_score_loss(truth, shares, scale_by_half=False),
        "top_2_accuracy": reference.top_k_accuracy_score(truth, shares, k=2),
        "top_3_accuracy": reference.top_k_accuracy_score(truth, shares, k=3),
    }
    assert {name: measure(name, found) for name in expected} == pytest.approx(expected)


def test_what_scikit_learn_does_not_name_is_what_it_says() -> None:
    found = classified(2, 200, positive=0)
    truth, answer = found.truth == 0, found.prediction == 0
    (tn, fp), (fn, tp) = reference.confusion_matrix(truth, answer)
    assert measure("npv", found) == tn / (tn + fn)
    assert measure("false_positive_rate", found) == pytest.approx(fp / (fp + tn))
    assert measure("false_negative_rate", found) == pytest.approx(fn / (fn + tp))
    assert measure("f2", found) == pytest.approx(reference.fbeta_score(truth, answer, beta=2))
    assert measure("f05", found) == pytest.approx(reference.fbeta_score(truth, answer, beta=0.5))
    number = predicted(50)
    left, right = number.truth, number.prediction
    assert measure("bias", number) == pytest.approx((right - left).mean())
    assert measure("smape", number) == pytest.approx((2 * abs(right - left) / (abs(left) + abs(right))).mean())


def test_the_calibration_error_is_the_distance_of_saying_and_being() -> None:
    said = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    found = answers([1, 1, 1, 0, 1, 0], [1] * 6, 2, probability=np.stack([1 - said, said], axis=1))
    assert measure("calibration_error", found) == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)


@given(st.data(), st.sampled_from([name for name, info in METRICS.items() if info.constant is not None]))
def test_a_constant_answer_reaches_no_more_than_the_catalogue_says(data: st.DataObject, name: str) -> None:
    info = METRICS[name]
    rows = data.draw(st.integers(2, 30))
    if info.fits("regression"):
        truth = np.array(data.draw(st.lists(st.floats(0, 100), min_size=rows, max_size=rows)))
        found = Answers(truth, np.full(rows, data.draw(st.floats(0, 100))))
    else:
        classes = data.draw(st.sampled_from([2, 3, 4] if info.fits("binary") else [3, 4]))
        truth = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
        said = data.draw(st.integers(0, classes - 1))
        shares = np.tile(np.random.default_rng(rows).dirichlet(np.ones(classes)), (rows, 1))
        found = Answers(truth, np.full(rows, said), shares, classes)
    if len(np.unique(truth)) < 2:
        return
    try:
        assert measure(name, found) <= info.constant + 1e-6  # type: ignore[operator]
    except MetricUndefinedError:
        return
