"""Gates that a constant answer passes: known from the metric's definition, or measured."""

from __future__ import annotations

import pytest

from mlopsctl.evidence import Comparison, Evaluation, Measurement, MetricRange
from mlopsctl.gates import Change, Gate, Threshold
from mlopsctl.gates.judge import judge, summary
from mlopsctl.gates.trivial import constant_notes


def evaluated(**values: tuple[float | None, float | None]) -> Evaluation:
    """By metric what the model and what the trivial one has."""
    ours = tuple(Measurement(name, value, 100) for name, (value, _) in values.items())
    pairs = tuple(
        Comparison(name, "trivial", Measurement(name, value, 100), Measurement(name, other, 100))
        for name, (value, other) in values.items()
    )
    own = {"profit": MetricRange("higher")}
    return Evaluation("any", "test", 100, "sha256:new", "", ours, pairs, {"area": {"a": 100}}, own)


TAXI: tuple[Gate, ...] = (
    Threshold(name="rmse", metric="rmse", max=10.0),
    Change(name="beats-trivial", metric="rmse", against="trivial", max=-2.0),
)


def test_the_mean_predictor_of_the_taxi_lab_passes_the_bound_and_not_the_comparison() -> None:
    blessing = judge(TAXI, evaluated(rmse=(4.485, 9.857)))
    note = "a constant model would pass it too: rmse 9.857 <= 10; beats-trivial stops it"
    assert [gate.note for gate in blessing.gates] == [note, ""]
    assert summary(blessing) == "all 2 gates pass"


def test_where_nothing_stops_it_the_verdict_says_so() -> None:
    blessing = judge(TAXI[:1], evaluated(rmse=(4.485, 9.857)))
    assert summary(blessing) == (
        "the gate passes; rmse: a constant model would pass it too: rmse 9.857 <= 10; and no gate stops it"
    )


def test_another_bound_that_the_constant_misses_stops_it() -> None:
    gates = (Threshold(name="low", metric="accuracy", min=0.6), Threshold(name="high", metric="macro_f1", min=0.4))
    notes = constant_notes(gates, evaluated(accuracy=(0.8, 0.7629), macro_f1=(0.7, 0.3)))
    assert notes == {"low": "a constant model would pass it too: accuracy 0.7629 >= 0.6; high stops it"}


def test_a_metric_of_the_project_is_judged_the_same() -> None:
    gates = (Threshold(name="pays", metric="profit", min=10),)
    assert constant_notes(gates, evaluated(profit=(50, 20)))["pays"].startswith(
        "a constant model would pass it too: profit 20"
    )


@pytest.mark.parametrize(
    "gate",
    [
        Threshold(name="g", metric="accuracy", min=0.6, slice="area"),
        Threshold(name="g", metric="mcc", min=0.0),
        Threshold(name="g", metric="unknown-here", min=0.0),
        Change(name="g", metric="accuracy", against="champion", min=-0.1),
    ],
)
def test_what_was_not_measured_of_it_is_not_said(gate: Gate) -> None:
    assert constant_notes([gate], evaluated(accuracy=(0.9, 0.8), mcc=(0.9, None))) == {}


@pytest.mark.parametrize(
    ("gate", "stops"),
    [
        (Threshold(name="g", metric="accuracy", min=0.99), False),
        (Threshold(name="g", metric="roc_auc", min=0.5), False),
        (Threshold(name="g", metric="roc_auc", min=0.51), True),
        (Threshold(name="g", metric="r2", min=0.1), True),
        (Threshold(name="g", metric="r2", min=0.0), False),
        (Threshold(name="g", metric="macro_f1", min=0.6), True),
        (Threshold(name="g", metric="f1", min=0.6), False),
        (Threshold(name="g", metric="rmse", max=0.1), False),
        (Threshold(name="g", metric="profit", min=0.1), False),
        (Change(name="g", metric="accuracy", against="trivial", min=0.01), True),
        (Change(name="g", metric="accuracy", against="trivial", min=0.0), False),
        (Change(name="g", metric="rmse", against="trivial", max=-0.01, relative=True), True),
        (Change(name="g", metric="rmse", against="trivial", max=0.5), False),
        (Change(name="g", metric="accuracy", against="champion", min=0.5), False),
    ],
)
def test_what_stops_a_constant_whatever_the_data(gate: Gate, stops: bool) -> None:
    assert gate.stops_constant is stops
