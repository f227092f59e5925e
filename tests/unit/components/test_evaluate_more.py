"""Evaluation beyond the catalogue: intervals, pictures, metrics of the project's own, and what a model itself is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.evaluate import EvaluateParameters, run
from mlopsctl.curves import CURVES_FILE, Curves
from mlopsctl.evidence import EVALUATION_FILE, Evaluation, Verdict, parse, read
from mlopsctl.frameworks.packed import load
from mlopsctl.gates import Change, Threshold
from mlopsctl.gates.judge import judge
from mlopsctl.gates.needs import needs
from tests.unit.components.test_evaluate import DUMMY, evaluate
from tests.unit.components.test_train import train
from tests.unit.frameworks.making import fares, flowers, work

PROFIT = """\
def profit(truth, predicted, rows):
    right = truth == predicted["prediction"]
    assert (predicted.filter(like="probability_").sum(axis=1).round(6) == 1).all()
    return float((right * rows["length"].abs() - ~right).sum())


def careless(truth, predicted, rows):
    if len(rows) < 300:
        raise ValueError("too few rows")
    return 1.0
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    found = {
        "good": train(folder / "good", flowers(600), shares=(0.4, 0.1))[0],
        "guess": train(folder / "guess", flowers(600), DUMMY, shares=(0.4, 0.1))[0],
    }
    return found | {"rows": folder / "good" / "examples"}


def test_the_challengers_metrics_have_intervals(tmp_path: Path, made: dict[str, Path]) -> None:
    metrics = ["accuracy", "macro_f1", "log_loss", "roc_auc"]
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], made["guess"], metrics=metrics, slices=["place"])
    for one in evaluation.measurements:
        if one.slice:
            assert (one.low, one.high) == (None, None)
        else:
            assert one.low is not None
            assert one.low < one.value < one.high  # type: ignore[operator]


def test_evidence_without_intervals_is_read_as_before(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluate(tmp_path, made["good"], made["rows"])
    written = json.loads((tmp_path / "outputs" / "evaluation" / EVALUATION_FILE).read_text())
    del written["own"]
    for one in written["measurements"]:
        del one["low"], one["high"]
    found = parse(Evaluation, json.dumps(written).encode())
    assert found.measurements[0].low is None
    written["measurements"][0]["low"] = "0.5"
    with pytest.raises(ValidationError):
        parse(Evaluation, json.dumps(written).encode())


def test_pictures_of_both_models_are_kept(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluate(tmp_path, made["good"], made["rows"], made["guess"])
    curves = read(Curves, tmp_path / "outputs" / "evaluation", CURVES_FILE)
    assert [curve.name for curve in curves.candidate.roc] == ["blue", "green", "red"]
    assert curves.champion is not None
    assert curves.champion.importances == ()
    assert all(curve.area == 0.5 for curve in curves.champion.roc)
    assert curves.candidate.importance_metric == "accuracy"
    found = {one.column: one.mean for one in curves.candidate.importances}
    assert set(found) == {"length", "width", "place"}
    assert max(found["length"], found["width"]) > 0.1
    assert abs(found["place"]) < 0.05
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_regression_has_residuals_and_importances(tmp_path: Path) -> None:
    ridge = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    model, _ = train(tmp_path / "m", fares(), ridge, label="fare", task="regression", shares=(0.5, 0.1))
    given = {"task": "regression", "label": "fare", "metrics": ["rmse", "bias"]}
    evaluation, _ = evaluate(tmp_path / "e", model, tmp_path / "m" / "examples", **given)
    curves = read(Curves, tmp_path / "e" / "outputs" / "evaluation", CURVES_FILE)
    assert curves.candidate.residuals is not None
    assert sum(curves.candidate.residuals.counts) == evaluation.rows
    assert curves.candidate.importances[0].column == "miles"
    assert curves.candidate.importances[0].mean > 1


OWN = {"name": "profit", "entrypoint": "scoring:profit", "direction": "higher", "range": [None, None]}
GATES = (
    Threshold(name="pays", metric="profit", min=0),
    Threshold(name="pays-everywhere", metric="profit", min=0, slice="place"),
    Change(name="pays-more", metric="profit", against="champion", min=1, confidence=0.9),
    Change(name="beats-trivial", metric="profit", against="trivial", min=1, slice="place", confidence=0.9),
)


def own_evaluation(
    folder: Path, made: dict[str, Path], own: dict[str, object], *gates: Threshold | Change
) -> Evaluation:
    project = folder / "project"
    project.mkdir(parents=True)
    (project / "scoring.py").write_text(PROFIT)
    inputs = {"examples": made["rows"], "model": made["good"]}
    doing = work(folder, inputs, ("evaluation", "predictions"), state={"champion": made["guess"]}, project=project)
    given = {
        "task": "classification", "label": "kind", "metrics": ["profit", "accuracy"], "own": [own], "resamples": 30,
        "slices": ["place"], "needs": [need.model_dump(mode="json") for need in needs(gates)],
    }  # fmt: skip
    run(doing, EvaluateParameters.model_validate(given))
    return read(Evaluation, doing.outputs["evaluation"], EVALUATION_FILE)


def test_a_metric_of_the_project_is_measured_wherever_others_are(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluation = own_evaluation(tmp_path, made, OWN, *GATES)
    rows = pd.read_parquet(made["rows"] / "test.parquet")
    right = (load(made["good"]).predict(rows)["prediction"] == rows["kind"]).to_numpy()
    north = (rows["place"] == "north").to_numpy()
    worth = right * rows["length"].abs().to_numpy() - ~right
    assert evaluation.measurement("profit").value == pytest.approx(worth.sum())  # type: ignore[union-attr]
    assert evaluation.measurement("profit", "place=north").value == pytest.approx(worth[north].sum())  # type: ignore[union-attr]
    against = evaluation.comparison("profit", "champion")
    assert against is not None
    assert len(against.replicates) == 30
    assert np.ptp(against.replicates) > 0
    assert judge(GATES, evaluation).verdict is Verdict.PASS
    assert evaluation.own["profit"].direction == "higher"


def test_a_metric_of_the_project_that_fails_decides_nothing(tmp_path: Path, made: dict[str, Path]) -> None:
    own = {**OWN, "entrypoint": "scoring:careless"}
    gates = (GATES[0], GATES[1])
    blessing = judge(gates, own_evaluation(tmp_path, made, own, *gates))
    assert [gate.verdict for gate in blessing.gates] == [Verdict.PASS, Verdict.ERROR]
    assert "ValueError: too few rows (scoring.py:9)" in blessing.gates[1].reason


def test_a_metric_that_the_evaluation_does_not_know_is_an_error(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"])
    result = GATES[0].judge(evaluation)
    assert (result.verdict, result.reason) == (
        Verdict.ERROR, "profit was not measured, and is no metric of the catalogue"
    )  # fmt: skip


def test_what_a_model_itself_is_can_be_judged(tmp_path: Path, made: dict[str, Path]) -> None:
    gates = (
        Threshold(name="quick", metric="latency_p95_ms", max=10_000),
        Threshold(name="small", metric="model_size_mb", max=10),
        Change(name="no-larger", metric="model_size_mb", against="champion", max=1),
        Change(name="no-slower", metric="latency_p50_ms", against="champion", max=10_000),
    )
    wanted = [need.model_dump(mode="json") for need in needs(gates)]
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], made["guess"], needs=wanted, slices=["place"])
    assert judge(gates, evaluation).verdict is Verdict.PASS
    files = [path.stat().st_size for path in made["good"].iterdir() if path.is_file()]
    assert evaluation.measurement("model_size_mb").value == pytest.approx(sum(files) / 1e6)  # type: ignore[union-attr]
    low, high = evaluation.measurement("latency_p50_ms"), evaluation.measurement("latency_p95_ms")
    assert low is not None
    assert high is not None
    assert 0 < low.value <= high.value  # type: ignore[operator]
    assert low.rows >= 20
    assert evaluation.measurement("latency_p50_ms", "place=north") is None
    trivial = evaluation.comparison("model_size_mb", "trivial")
    assert trivial is not None
    assert "no model that runs" in trivial.baseline.problem


def test_without_times_the_same_evaluation_leaves_the_same_bytes(tmp_path: Path, made: dict[str, Path]) -> None:
    for turn in ("a", "b"):
        evaluate(tmp_path / turn, made["good"], made["rows"], made["guess"], metrics=["accuracy", "model_size_mb"])
    assert len({folder_digest(tmp_path / turn / "outputs" / "evaluation") for turn in ("a", "b")}) == 1


def test_a_gate_that_a_constant_model_passes_says_so(tmp_path: Path, made: dict[str, Path]) -> None:
    low = Threshold(name="low", metric="accuracy", min=0.2)
    beats = Change(name="beats-trivial", metric="accuracy", against="trivial", min=0.1)
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"])
    trivial = evaluation.comparison("accuracy", "trivial")
    assert trivial is not None
    said = f"a constant model would pass it too: accuracy {trivial.baseline.value:.4g} >= 0.2"
    assert judge([low], evaluation).gates[0].note == f"{said}; and no gate stops it"
    assert judge([low, beats], evaluation).gates[0].note == f"{said}; beats-trivial stops it"
