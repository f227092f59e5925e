"""The catalogue says of every metric what a project's validation and a gate need to know."""

from __future__ import annotations

import pytest

from mlopsctl.metrics.catalogue import METRICS, default_metrics, names_for, suggestion
from mlopsctl.metrics.compute import _FUNCTIONS


def test_every_metric_can_be_computed_and_is_described() -> None:
    assert set(_FUNCTIONS) == set(METRICS)
    for name, info in METRICS.items():
        assert info.name == name
        assert info.tasks
        assert info.description.endswith(".")
        assert info.minimum is None or info.maximum is None or info.minimum < info.maximum


def test_an_error_is_better_low_and_a_share_high() -> None:
    lower = {name for name, info in METRICS.items() if info.direction == "lower"}
    assert lower == {
        "zero_one_loss", "log_loss", "brier", "rmse", "mse", "mae", "median_absolute_error", "max_error", "mape",
        "msle", "rmsle",
    }  # fmt: skip


def test_better_is_strict() -> None:
    assert METRICS["accuracy"].better(0.9, 0.8)
    assert METRICS["rmse"].better(1, 2)
    assert not METRICS["rmse"].better(1, 1)


@pytest.mark.parametrize(
    ("task", "classes", "first"),
    [("regression", None, "rmse"), ("classification", None, "accuracy"), ("classification", 2, "accuracy")],
)
def test_the_defaults_fit_their_task(task: str, classes: int | None, first: str) -> None:
    names = default_metrics(task, classes)
    assert names[0] == first
    assert all(METRICS[name].fits(task) for name in names)
    # Without a known number of classes only those that fit any number.
    if task == "classification" and classes is None:
        assert all(METRICS[name].fits("multiclass") and METRICS[name].fits("binary") for name in names)


def test_names_fit_the_task() -> None:
    assert "rmse" not in names_for("classification")
    assert "precision" in names_for("classification")
    assert "precision" not in names_for("multiclass")
    assert set(names_for("regression")).isdisjoint(names_for("classification"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("acuracy", "accuracy"), ("AUC", "roc_auc"), ("f1_macro", "macro_f1"), ("F1-Score", "f1"), ("r2_score", "r2"),
     ("logloss", "log_loss"), ("zzzzzz", "")],
)  # fmt: skip
def test_a_misspelt_name_is_guessed(written: str, meant: str) -> None:
    assert suggestion(written) == meant


def test_a_guess_stays_within_the_task() -> None:
    assert suggestion("auc", "regression") == ""
    assert suggestion("rsme", "regression") == "rmse"
