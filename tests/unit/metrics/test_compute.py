"""The value of a metric is scikit-learn's, and what has no value says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.catalogue import METRICS
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
            if info.fits(task_of(classes)) and not info.name.startswith("top_"):
                best = info.maximum if info.direction == "higher" else info.minimum
                assert measure(info.name, found) == pytest.approx(best, abs=1e-9), info.name
    truth = np.linspace(1, 9, 20)
    for info in METRICS.values():
        if info.fits("regression"):
            best = info.maximum if info.direction == "higher" else info.minimum
            assert measure(info.name, Answers(truth, truth)) == best, info.name
