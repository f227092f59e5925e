"""The catalogue says of every metric what a project's validation and a gate need to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.metrics.catalogue import METRICS, default_metrics, names_for, suggestion
from mlopsctl.metrics.functions import FUNCTIONS


def test_every_metric_can_be_computed_and_is_described() -> None:
    assert set(FUNCTIONS) == {name for name, info in METRICS.items() if info.needs != "model"}
    for name, info in METRICS.items():
        assert info.name == name
        assert info.tasks
        assert info.description.endswith(".")
        assert info.minimum is None or info.maximum is None or info.minimum < info.maximum


def test_an_error_is_better_low_and_a_share_high() -> None:
    lower = {name for name, info in METRICS.items() if info.direction == "lower"}
    assert lower == {
        "zero_one_loss", "log_loss", "brier", "rmse", "mse", "mae", "median_absolute_error", "max_error", "mape",
        "msle", "rmsle", "smape", "poisson_deviance", "gamma_deviance", "false_positive_rate", "false_negative_rate",
        "multiclass_brier", "calibration_error", "latency_p50_ms", "latency_p95_ms", "model_size_mb",
        *(f"pinball_{part}" for part in (5, 10, 50, 90, 95)),
    }  # fmt: skip


def test_better_is_strict() -> None:
    assert METRICS["accuracy"].better(0.9, 0.8)
    assert METRICS["rmse"].better(1, 2)
    assert not METRICS["rmse"].better(1, 1)
    assert METRICS["bias"].better(-1, 2)
    assert not METRICS["bias"].better(-1, 1)


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
    both = set(names_for("regression")) & set(names_for("classification"))
    assert both == {name for name, info in METRICS.items() if info.needs == "model"}


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


def test_only_times_cannot_be_measured_again() -> None:
    assert {name for name, info in METRICS.items() if not info.repeatable} == {"latency_p50_ms", "latency_p95_ms"}


def test_the_page_names_every_metric() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in METRICS if f"`{name}`" not in page] == []
