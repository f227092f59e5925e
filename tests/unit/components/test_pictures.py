"""What pictures are drawn from: the numbers of scikit-learn, few points, and nothing where there is nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as reference

from mlopsctl.components.pictures import MOST_POINTS, pictures
from mlopsctl.curves import CURVES_FILE, Curves
from mlopsctl.evidence import parse, write
from mlopsctl.metrics.answers import Answers
from tests.unit.metrics.test_compute import classified, predicted


def test_the_curves_of_two_classes_are_those_of_the_positive_one() -> None:
    found = classified(2, 60)
    drawn = pictures(found, ("n", "y"), 0)
    score = found.probability[:, 1]  # type: ignore[index]
    (roc,) = drawn.roc
    x, y, _ = reference.roc_curve(found.truth, score, drop_intermediate=False)
    assert roc.name == "y"
    assert roc.x == pytest.approx(x, abs=1e-5)
    assert roc.y == pytest.approx(y, abs=1e-5)
    assert roc.area == pytest.approx(reference.roc_auc_score(found.truth, score))
    (curve,) = drawn.precision_recall
    assert curve.area == pytest.approx(reference.average_precision_score(found.truth, score))
    precision, recall, _ = reference.precision_recall_curve(found.truth, score)
    for x, y in zip(curve.x[1:], curve.y[1:], strict=True):
        assert np.hypot(recall - x, precision - y).min() < 1e-5
    assert curve.x[-1] == 1
    assert drawn.confusion is not None
    assert drawn.confusion.counts == tuple(map(tuple, reference.confusion_matrix(found.truth, found.prediction)))
    assert drawn.residuals is None


def test_tied_scores_make_one_point() -> None:
    found = Answers(np.array([1, 0, 1, 0]), np.array([1, 1, 0, 0]), np.array([[0.5, 0.5]] * 4), 2)
    (roc,) = pictures(found, (0, 1), 0).roc
    assert (roc.x, roc.y, roc.area) == ((0, 1), (0, 1), 0.5)


def test_many_rows_leave_few_points_and_both_ends() -> None:
    found = classified(2, 20_000)
    drawn = pictures(found, ("n", "y"), 0)
    for curve in (*drawn.roc, *drawn.precision_recall):
        assert 100 < len(curve.x) <= MOST_POINTS
        assert (curve.x[0], curve.x[-1]) == (0, 1)
    (roc,) = drawn.roc
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(roc.area, abs=1e-3)
    assert pictures(found, ("n", "y"), 0) == drawn


def test_more_classes_are_drawn_one_against_the_rest_up_to_a_number() -> None:
    found = classified(5, 200)
    drawn = pictures(found, tuple("abcde"), 0)
    assert [curve.name for curve in drawn.roc] == list("abcde")
    assert len(drawn.calibration) == 5
    many = classified(21, 300)
    drawn = pictures(many, tuple(range(21)), 0)
    assert (drawn.roc, drawn.calibration) == ((), ())
    assert drawn.confusion is not None


def test_calibration_counts_every_row_once() -> None:
    found = classified(2, 500)
    (one,) = pictures(found, (False, True), 0).calibration
    assert one.name == "true"
    assert sum(one.rows) == 500
    assert np.average(one.predicted, weights=one.rows) == pytest.approx(found.probability[:, 1].mean(), abs=1e-5)  # type: ignore[index]
    assert np.average(one.observed, weights=one.rows) == pytest.approx(found.truth.mean(), abs=1e-5)


def test_a_class_without_rows_has_no_curve() -> None:
    found = classified(3, 50)
    only = found.take(found.truth != 2)
    assert [curve.name for curve in pictures(only, tuple("abc"), 0).roc] == ["a", "b"]


def test_residuals_are_counted_over_all_rows_and_shown_of_some() -> None:
    found = predicted(3_000)
    drawn = pictures(found, (), 1).residuals
    assert drawn is not None
    assert sum(drawn.counts) == 3_000
    assert len(drawn.edges) == len(drawn.counts) + 1
    assert len(drawn.predicted) == len(drawn.residual) == 500
    assert len(pictures(found.take(np.arange(7)), (), 1).residuals.predicted) == 7  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308])
def test_what_is_not_finite_has_no_picture(value: float) -> None:
    wide = Answers(np.array([1.0, -1e308]), np.array([1.0, value]))
    assert pictures(wide, (), 0).residuals is None
    found = classified(2, 10)
    shares = np.where(np.arange(10)[:, None] == 3, value, found.probability)
    drawn = pictures(Answers(found.truth, found.prediction, shares, 2), ("a", "b"), 0)
    assert drawn.confusion is not None
    assert drawn.roc == drawn.calibration == ()


def test_no_rows_have_no_picture() -> None:
    assert pictures(classified(2, 0), ("a", "b"), 0).confusion is None
    assert pictures(predicted(0), (), 0).residuals is None


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    drawn = Curves(pictures(classified(3, 40), tuple("abc"), 0), pictures(predicted(40), (), 0))
    write(drawn, tmp_path, CURVES_FILE)
    assert parse(Curves, (tmp_path / CURVES_FILE).read_bytes()) == drawn
