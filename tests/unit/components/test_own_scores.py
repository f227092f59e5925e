"""A metric of one's own is never asked about answers that are no numbers: its function may well skip them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlopsctl.components.own_scores import unusable
from mlopsctl.components.scoring import Given

TRUTH = pd.Series([1.0, 2.0, 3.0])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_predictions_and_labels_of_a_regression_are_finite(wrong: float) -> None:
    fine, broken = np.array([1.0, 2.0, 3.0]), np.array([1.0, wrong, 3.0])
    assert unusable(Given(fine, None, ()), TRUTH) == ""
    assert "predictions" in unusable(Given(broken, None, ()), TRUTH)
    assert "label" in unusable(Given(fine, None, ()), pd.Series(broken))


def test_probabilities_are_finite() -> None:
    truth = pd.Series(["a", "b"])
    fine, broken = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[0.2, 0.8], [np.nan, 0.5]])
    assert unusable(Given(np.array([1, 0]), fine, ("a", "b")), truth) == ""
    assert "probabilities" in unusable(Given(np.array([1, 0]), broken, ("a", "b")), truth)
