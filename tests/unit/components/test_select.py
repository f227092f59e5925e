"""Selection: the best on the validation split, the first among equals, byte for byte."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.select import SelectParameters, run
from mlopsctl.components.spec import Notes
from mlopsctl.ground.errors import StepProblem
from tests.unit.components.test_train import train
from tests.unit.frameworks.making import fares, flowers, work

DUMMY = {"kind": "sklearn", "estimator": "sklearn.dummy.DummyClassifier"}
LOGISTIC = {"kind": "sklearn", "estimator": "sklearn.linear_model.LogisticRegression"}


def select(
    folder: Path, models: dict[str, Path], rows: Path, metric: str = "accuracy", task: str = "classification"
) -> tuple[Path, Notes]:
    """Select among models; the chosen folder and the notes."""
    inputs = {"examples": rows, **{f"models.{name}": path for name, path in models.items()}}
    doing = work(folder, inputs, ("model",))
    label = "kind" if task == "classification" else "fare"
    read = SelectParameters.model_validate({"metric": metric, "task": task, "label": label})
    return doing.outputs["model"], run(doing, SelectParameters.model_validate(read.model_dump(mode="json")))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model that learned something and one that did not."""
    folder = tmp_path_factory.mktemp("trained")
    return {
        name: train(folder / name, flowers(), target)[0] for name, target in (("dummy", DUMMY), ("logistic", LOGISTIC))
    } | {"rows": folder / "dummy" / "examples"}


def models(trained: dict[str, Path], *names: str) -> dict[str, Path]:
    return {name: trained[name] for name in names}


def test_the_best_on_validation_wins_and_keeps_its_digest(tmp_path: Path, trained: dict[str, Path]) -> None:
    chosen, notes = select(tmp_path, models(trained, "dummy", "logistic"), trained["rows"])
    assert notes.values["winner"] == "logistic"
    assert folder_digest(chosen) == folder_digest(trained["logistic"])
    assert re.fullmatch(r"logistic wins: accuracy 0\.\d{1,4} on 30 rows \(dummy 0\.\d{1,4}\)", notes.line)
    assert set(notes.values["scores"]) == {"dummy", "logistic"}  # type: ignore[arg-type]


def test_less_is_better_for_a_loss(tmp_path: Path, trained: dict[str, Path]) -> None:
    assert select(tmp_path, models(trained, "dummy", "logistic"), trained["rows"], "log_loss")[1].values["winner"] == (
        "logistic"
    )


def test_the_first_of_equals_wins(tmp_path: Path, trained: dict[str, Path]) -> None:
    same = {"zebra": trained["logistic"], "apple": trained["logistic"]}
    assert select(tmp_path, same, trained["rows"])[1].values["winner"] == "zebra"


def test_a_model_without_the_metric_cannot_win(tmp_path: Path, trained: dict[str, Path]) -> None:
    labels = {"kind": "sklearn", "estimator": "sklearn.svm.LinearSVC"}
    without = train(tmp_path / "svc", flowers(), labels)[0]
    _, notes = select(tmp_path / "s", {"svc": without, "dummy": trained["dummy"]}, trained["rows"], "log_loss")
    assert notes.values["winner"] == "dummy"
    assert "svc no score" in notes.line
    with pytest.raises(StepProblem, match=r"no target has a log_loss .*no probabilities"):
        select(tmp_path / "t", {"svc": without}, trained["rows"], "log_loss")


def test_a_model_that_cannot_be_loaded_cannot_win(tmp_path: Path, trained: dict[str, Path]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(trained["logistic"], broken)
    (broken / "estimator.pkl").write_bytes(b"no pickle")
    _, notes = select(tmp_path / "s", {"broken": broken, "dummy": trained["dummy"]}, trained["rows"])
    assert notes.values["winner"] == "dummy"
    assert "cannot be loaded" in str(notes.values["problems"])


def test_a_single_target_needs_no_validation_rows(tmp_path: Path, trained: dict[str, Path]) -> None:
    rows = tmp_path / "rows"
    shutil.copytree(trained["rows"], rows)
    pd.read_parquet(rows / "validation.parquet").head(0).to_parquet(rows / "validation.parquet")
    assert select(tmp_path / "one", models(trained, "logistic"), rows)[1].values["winner"] == "logistic"
    with pytest.raises(StepProblem, match="there are no rows"):
        select(tmp_path / "two", models(trained, "logistic", "dummy"), rows)


def test_a_regression_is_selected_by_its_error(tmp_path: Path) -> None:
    ridge = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    mean = {"kind": "sklearn", "estimator": "sklearn.dummy.DummyRegressor"}
    made = {
        name: train(tmp_path / name, fares(), target, label="fare", task="regression")[0]
        for name, target in (("mean", mean), ("ridge", ridge))
    }
    _, notes = select(tmp_path / "s", made, tmp_path / "mean" / "examples", "rmse", "regression")
    assert notes.values["winner"] == "ridge"
