"""Tuning: what is tried and in which order, what wins, and that nothing depends on who was faster."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.spec import Notes
from mlopsctl.components.train import TrainParameters
from mlopsctl.components.train import run as run_train
from mlopsctl.components.tune import TuneParameters, run
from mlopsctl.ground.errors import StepProblem
from tests.unit.frameworks.making import examples, fares, flowers, transform, work

TREE = {"kind": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {}}


def tune(
    folder: Path,
    space: dict[str, Any],
    target: dict[str, Any] | None = None,
    frame: pd.DataFrame | None = None,
    *,
    metric: str = "accuracy",
    seed: int = 0,
    **settings: Any,
) -> tuple[dict[str, Any], Notes, Path]:
    """What `hyperparameters.json` holds, the notes, and the step's folder."""
    frame = flowers() if frame is None else frame
    regression = "fare" in frame
    label = "fare" if regression else "kind"
    rows = examples(folder / "examples", frame, label, shares=settings.pop("shares", (0.6, 0.2)))
    doing = work(
        folder,
        {"examples": rows, "transform_graph": transform(folder / "transform", rows)},
        ("hyperparameters",),
        seed=seed,
    )
    asked = TuneParameters.model_validate(
        {
            "target": target or TREE,
            "task": "regression" if regression else "classification",
            "label": label,
            "tune": {"space": space, **settings},
            "metric": metric,
        }
    )
    notes = run(doing, TuneParameters.model_validate(asked.model_dump(mode="json")))
    return json.loads((doing.outputs["hyperparameters"] / "hyperparameters.json").read_text()), notes, folder


def tried(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [trial["params"] for trial in found["trials"]]


def test_a_grid_tries_every_combination_in_declared_order(tmp_path: Path) -> None:
    found, notes, _ = tune(tmp_path, {"max_depth": [1, 2], "criterion": ["gini", "entropy"]})
    assert tried(found) == [
        {"max_depth": depth, "criterion": criterion} for depth in (1, 2) for criterion in ("gini", "entropy")
    ]
    assert all(trial["state"] == "complete" and 0 < trial["score"] <= 1 for trial in found["trials"])
    best = max(found["trials"], key=lambda trial: trial["score"])
    assert found["best"] == {"trial": best["trial"], "params": best["params"], "score": best["score"]}
    assert notes.line.startswith("accuracy 0.")
    assert notes.line.endswith("(best of 4 trials)")
    assert f"with max_depth {best['params']['max_depth']}, criterion {best['params']['criterion']}" in notes.line


def test_ties_go_to_the_first(tmp_path: Path) -> None:
    found, _, _ = tune(tmp_path, {"random_state": [5, 3, 4]}, {**TREE, "params": {"max_depth": 1}})
    assert len({trial["score"] for trial in found["trials"]}) == 1
    assert found["best"]["params"] == {"random_state": 5}


def test_a_metric_that_should_be_low_is_minimised(tmp_path: Path) -> None:
    target = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    found, notes, _ = tune(tmp_path, {"alpha": [1e6, 0.1]}, target, fares(), metric="rmse")
    assert found["best"]["params"] == {"alpha": 0.1}
    assert found["direction"] == "lower"
    assert notes.line.startswith("rmse ")


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_draws_follow_the_seed_and_nothing_else(tmp_path: Path, method: str) -> None:
    space = {"max_depth": {"low": 1, "high": 9, "int": True}, "ccp_alpha": {"low": 1e-6, "high": 0.1, "log": True}}
    runs = [
        tune(tmp_path / str(turn), space, method=method, trials=6, parallel=2, seed=seed)[0]
        for turn, seed in enumerate((3, 3, 4))
    ]
    assert runs[0] == runs[1]
    assert tried(runs[0]) != tried(runs[2])
    for params in tried(runs[0]):
        assert params["max_depth"] in range(1, 10)
        assert 1e-6 <= params["ccp_alpha"] <= 0.1


def test_random_trials_do_not_depend_on_how_many_run_side_by_side(tmp_path: Path) -> None:
    space = {"max_depth": {"low": 1, "high": 9, "int": True}}
    runs = [tune(tmp_path / str(n), space, method="random", trials=5, parallel=n)[2] for n in (1, 3)]
    assert len({folder_digest(folder / "outputs" / "hyperparameters") for folder in runs}) == 1


def test_steps_and_lists_and_mappings_can_be_searched(tmp_path: Path) -> None:
    target = {"kind": "sklearn", "estimator": "sklearn.neural_network.MLPClassifier", "params": {"max_iter": 3}}
    space = {
        "hidden_layer_sizes": [[4], [4, 2]],
        "alpha": {"low": 0.0, "high": 1.0, "step": 0.3},
        "batch_size": {"low": 10, "high": 35, "int": True, "step": 10},
    }
    found, _, _ = tune(tmp_path, space, target, method="random", trials=6)
    assert {tuple(params["hidden_layer_sizes"]) for params in tried(found)} <= {(4,), (4, 2)}
    assert {params["alpha"] for params in tried(found)} <= {0.0, 0.3, 0.6, 0.9}
    assert {params["batch_size"] for params in tried(found)} <= {10, 20, 30}


CONDITIONAL = {
    "penalty": ["l2", "elasticnet"],
    "l1_ratio": {"values": [0.1, 0.9], "when": {"penalty": "elasticnet"}},
    "alpha": [0.001],
}
SGD = {"kind": "sklearn", "estimator": "sklearn.linear_model.SGDClassifier", "params": {"max_iter": 5, "tol": None}}


def test_a_parameter_under_a_condition_is_tried_only_where_it_holds(tmp_path: Path) -> None:
    found, _, _ = tune(tmp_path, CONDITIONAL, SGD)
    assert tried(found) == [
        {"penalty": "l2", "alpha": 0.001},
        {"penalty": "elasticnet", "l1_ratio": 0.1, "alpha": 0.001},
        {"penalty": "elasticnet", "l1_ratio": 0.9, "alpha": 0.001},
    ]


def test_conditions_hold_in_draws_too(tmp_path: Path) -> None:
    space = {**CONDITIONAL, "eta0": {"low": 0.1, "high": 1.0, "when": {"l1_ratio": [0.9]}}}
    found, _, _ = tune(tmp_path, space, SGD, method="tpe", trials=12)
    assert all(("l1_ratio" in params) == (params["penalty"] == "elasticnet") for params in tried(found))
    assert all(("eta0" in params) == (params.get("l1_ratio") == 0.9) for params in tried(found))


def test_a_trial_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    found, notes, _ = tune(tmp_path, {"max_depth": [-1, 2]}, parallel=2)
    assert [trial["state"] for trial in found["trials"]] == ["failed", "complete"]
    assert "max_depth" in found["trials"][0]["reason"]
    assert found["trials"][0]["score"] is None
    assert notes.line.endswith("(best of 2 trials, 1 failed)")


def test_when_every_trial_fails_the_step_does_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match=r"all 2 trials failed; the first, with max_depth -1: .*max_depth"):
        tune(tmp_path, {"max_depth": [-1, -2]})


def test_a_model_without_probabilities_has_no_log_loss(tmp_path: Path) -> None:
    target = {"kind": "sklearn", "estimator": "sklearn.svm.LinearSVC"}
    with pytest.raises(StepProblem, match="no log_loss: the model gives no probabilities"):
        tune(tmp_path, {"C": [1.0]}, target, metric="log_loss")


OWN = """
import os, signal, sys
import numpy as np
class Model:
    def __init__(self, value): self.value = value
    def predict(self, frame): return np.full(len(frame), self.value)
def fit(train, validation, label, *, seed, way):
    if way == "crash": os.kill(os.getpid(), signal.SIGKILL)
    if way == "exit": sys.exit(0)
    if way == "raise": raise RuntimeError("no way")
    return Model(float("nan") if way == "nan" else train[label].mean())
"""


def test_a_score_that_is_no_number_and_a_process_that_dies_are_failed_trials(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    target = {"kind": "python", "entrypoint": "own:fit"}
    found, _, _ = tune(
        tmp_path, {"way": ["nan", "crash", "exit", "raise", "well"]}, target, fares(), metric="rmse", parallel=2
    )
    reasons = [trial.get("reason", "") for trial in found["trials"]]
    assert [trial["state"] for trial in found["trials"]] == ["failed"] * 4 + ["complete"]
    assert "no rmse" in reasons[0]
    assert reasons[1] == "its process was ended by SIGKILL"
    assert reasons[2] == "its process failed"
    assert "RuntimeError: no way (own.py:10)" in reasons[3]


def test_a_search_without_validation_rows_is_a_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="tuning needs a validation split"):
        tune(tmp_path, {"max_depth": [1]}, shares=(0.8, 0.0))


GROWING = {
    "forest": ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20}, {"max_depth": [4, 5, 6, 1]}),
    "extra": ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 8}, {"max_depth": [4, 5, 6, 1]}),
    "boosting": ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 8},
                 {"learning_rate": [0.5, 0.4, 0.3, 1e-6]}),
    "hist": ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 8},
             {"learning_rate": [0.5, 0.4, 0.3, 1e-6]}),
    "sgd": ("sklearn.linear_model.SGDClassifier", {"loss": "log_loss"}, {"alpha": [0.001, 0.002, 0.003, 1e5]}),
    "xgboost": ("xgboost.XGBClassifier", {"n_estimators": 8}, {"max_depth": [4, 5, 6, 1]}),
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_a_trial_that_falls_behind_is_given_up_and_the_others_score_as_without_that(tmp_path: Path, name: str) -> None:
    estimator, params, space = GROWING[name]
    target = {"kind": estimator.partition(".")[0], "estimator": estimator, "params": params}
    found, notes, _ = tune(tmp_path / "a", space, target, flowers(400), early_stopping=True, metric="log_loss")
    whole, _, _ = tune(tmp_path / "b", space, target, flowers(400), metric="log_loss")
    assert [trial["state"] for trial in found["trials"]] == ["complete"] * 3 + ["pruned"]
    assert "given up at stage 1" in found["trials"][3]["reason"]
    for grown, once in zip(found["trials"][:3], whole["trials"][:3], strict=True):
        assert grown["score"] == pytest.approx(once["score"], rel=1e-6)
    assert notes.line.endswith("(best of 4 trials, 1 given up)")


def test_an_estimator_that_does_not_grow_says_so(tmp_path: Path) -> None:
    found, notes, _ = tune(tmp_path, {"max_depth": [1, 2, 3, 4]}, early_stopping=True)
    assert [trial["state"] for trial in found["trials"]] == ["complete"] * 4
    assert notes.line.endswith("sklearn.tree.DecisionTreeClassifier is not fitted in stages")
    assert found["note"] in notes.line


def test_training_takes_the_best_parameters_over_its_own(tmp_path: Path) -> None:
    _, _, folder = tune(tmp_path / "tune", {"max_depth": [3]}, {**TREE, "params": {"max_depth": 1}})
    inputs = {"examples": folder / "examples", "transform_graph": folder / "transform/outputs/transform_graph"}
    doing = work(
        tmp_path / "train",
        {**inputs, "hyperparameters": folder / "outputs/hyperparameters"},
        ("model",),
    )
    asked = {"target": {**TREE, "params": {"max_depth": 1, "min_samples_leaf": 2}}, "task": "classification"}
    run_train(doing, TrainParameters.model_validate({**asked, "label": "kind"}))
    info = json.loads((doing.outputs["model"] / "model.json").read_text())
    assert info["parameters"] == {"max_depth": 3, "min_samples_leaf": 2}


def test_nothing_is_left_running_and_nothing_is_left_behind(tmp_path: Path) -> None:
    before = set(os.listdir("/proc")) if Path("/proc").is_dir() else set()
    tune(tmp_path, {"max_depth": [1, 2, 3]}, parallel=3)
    children = [
        pid
        for pid in (set(os.listdir("/proc")) - before if before else ())
        if pid.isdigit() and _parent(pid) == os.getpid()
    ]
    assert children == []


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
